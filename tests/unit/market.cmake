tradewind_test(market
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/market/columns_test.cpp ${CMAKE_CURRENT_LIST_DIR}/market/market_view_test.cpp
  DEPENDS tradewind_market)
