find_package(rapidcheck REQUIRED)
tradewind_test(pricing
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/pricing/price_curve_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/pricing/quote_sheet_test.cpp
  DEPENDS tradewind_pricing rapidcheck)
