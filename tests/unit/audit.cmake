if(NOT TRADEWIND_PURE_ONLY)
  set(audit_tests ${CMAKE_CURRENT_LIST_DIR}/audit)
  tradewind_test(audit
    SOURCES ${audit_tests}/cosigning_test.cpp ${audit_tests}/damage_test.cpp ${audit_tests}/entry_feed_test.cpp
            ${audit_tests}/log_index_test.cpp
            ${audit_tests}/log_writer_test.cpp ${audit_tests}/published_log_test.cpp ${audit_tests}/log_publisher_test.cpp
            ${audit_tests}/sample_log.cpp ${audit_tests}/witness_panel_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/journal/sample_store.cpp ${CMAKE_CURRENT_LIST_DIR}/transparency/memory_log.cpp
    DEPENDS tradewind_audit tradewind_core tradewind_gateway tradewind_identity Boost::headers Threads::Threads)
endif()
