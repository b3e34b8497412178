if(NOT TRADEWIND_PURE_ONLY)
  set(gateway_tests ${CMAKE_CURRENT_LIST_DIR}/gateway)
  tradewind_test(gateway
    SOURCES ${gateway_tests}/bandwidths_test.cpp ${gateway_tests}/daemon_test.cpp ${gateway_tests}/site_file_engines_test.cpp
            ${gateway_tests}/join_test.cpp ${gateway_tests}/metrics_server_test.cpp
            ${gateway_tests}/process_test.cpp ${gateway_tests}/publisher_test.cpp
            ${gateway_tests}/renewal_test.cpp
            ${gateway_tests}/sample_sites_test.cpp ${gateway_tests}/sellable_capacity_test.cpp
            ${gateway_tests}/site_engine_test.cpp ${gateway_tests}/site_file_engines_test.cpp
            ${gateway_tests}/site_file_test.cpp ${gateway_tests}/site_findings_test.cpp
            ${gateway_tests}/site_witness_test.cpp
            ${gateway_tests}/store_test.cpp ${CMAKE_CURRENT_LIST_DIR}/transparency/memory_log.cpp
    DEPENDS tradewind_gateway tradewind_engines tradewind_pricing tradewind_routing
            tradewind_market tradewind_identity Boost::json OpenSSL::SSL Threads::Threads fmt::fmt)
  add_dependencies(test_gateway tradewind-gateway)
  target_compile_definitions(test_gateway PRIVATE
    TRADEWIND_SAMPLE_SITES="${PROJECT_SOURCE_DIR}/deploy/sites"
    TRADEWIND_GATEWAY_BINARY="$<TARGET_FILE:tradewind-gateway>")
endif()
