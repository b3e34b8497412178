if(NOT TRADEWIND_PURE_ONLY)
  set(audit_tests ${CMAKE_CURRENT_LIST_DIR}/audit)
  tradewind_test(audit
    SOURCES ${audit_tests}/witness_panel_test.cpp ${CMAKE_CURRENT_LIST_DIR}/transparency/memory_log.cpp
    DEPENDS tradewind_audit)
endif()
