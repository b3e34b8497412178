if(NOT TRADEWIND_PURE_ONLY)
  set(api_tests ${CMAKE_CURRENT_LIST_DIR}/api)
  tradewind_test(api
    SOURCES ${api_tests}/access_test.cpp ${api_tests}/auth_test.cpp ${api_tests}/batch_test.cpp ${api_tests}/budgets_api_test.cpp ${api_tests}/cancel_many_test.cpp ${api_tests}/datasets_api_test.cpp ${api_tests}/http_bounds_test.cpp ${api_tests}/http_coding_test.cpp ${api_tests}/http_server_test.cpp ${api_tests}/http_tls_test.cpp
            ${api_tests}/job_json_test.cpp ${api_tests}/jwt_test.cpp ${api_tests}/native_api_test.cpp ${api_tests}/native_market_test.cpp ${api_tests}/native_members_test.cpp ${api_tests}/oidc_test.cpp ${api_tests}/quotes_test.cpp ${api_tests}/rate_limits_test.cpp
            ${api_tests}/route_table_test.cpp ${api_tests}/tes_create_test.cpp ${api_tests}/tes_routes_test.cpp
            ${api_tests}/submit_queue_test.cpp ${api_tests}/tes_task_test.cpp ${api_tests}/tokens_api_test.cpp ${api_tests}/trace_context_test.cpp ${api_tests}/audit_api_test.cpp
            ${api_tests}/events_api_test.cpp ${api_tests}/openapi_check.cpp ${api_tests}/openapi_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/audit/sample_log.cpp ${CMAKE_CURRENT_LIST_DIR}/journal/sample_store.cpp
    DEPENDS tradewind_api tradewind_audit tradewind_core tradewind_identity Boost::json OpenSSL::SSL OpenSSL::Crypto z zstd)
endif()
