if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(core
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/core/market_router_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/quotes_test.cpp
             ${CMAKE_CURRENT_LIST_DIR}/routing/sample_market.cpp
    DEPENDS tradewind_core tradewind_routing tradewind_market)
endif()
