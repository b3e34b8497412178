if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(api
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/api/http_server_test.cpp
    DEPENDS tradewind_api Boost::json OpenSSL::SSL OpenSSL::Crypto)
endif()
