if(NOT TRADEWIND_PURE_ONLY)
  set(cli_tests ${CMAKE_CURRENT_LIST_DIR}/cli)
  tradewind_test(cli
    SOURCES ${cli_tests}/configuration_test.cpp ${cli_tests}/job_document_test.cpp ${cli_tests}/program_test.cpp
            ${cli_tests}/table_test.cpp
    DEPENDS tradewind_cli)
endif()
