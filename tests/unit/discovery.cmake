if(NOT TRADEWIND_PURE_ONLY)
  set(discovery_tests ${CMAKE_CURRENT_LIST_DIR}/discovery)
  tradewind_test(discovery
    SOURCES ${discovery_tests}/accelerator_catalogue_test.cpp ${discovery_tests}/accelerator_report_test.cpp
            ${discovery_tests}/discovered_site_test.cpp ${discovery_tests}/discover_test.cpp
    DEPENDS tradewind_discovery tradewind_gateway Boost::json fmt::fmt)
  add_dependencies(test_discovery tradewind-gateway)
  target_compile_definitions(test_discovery PRIVATE
    TRADEWIND_TOOL_REPORTS="${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/parse_accelerator_report"
    TRADEWIND_GATEWAY_BINARY="$<TARGET_FILE:tradewind-gateway>")
endif()
