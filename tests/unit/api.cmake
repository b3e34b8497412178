if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(api
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/api/auth_test.cpp ${CMAKE_CURRENT_LIST_DIR}/api/http_server_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/api/job_json_test.cpp
    DEPENDS tradewind_api tradewind_identity Boost::json OpenSSL::SSL OpenSSL::Crypto)
endif()
