tradewind_test(routing
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/routing/adequacy_test.cpp ${CMAKE_CURRENT_LIST_DIR}/routing/choice_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/routing/chooser_test.cpp ${CMAKE_CURRENT_LIST_DIR}/routing/cost_test.cpp ${CMAKE_CURRENT_LIST_DIR}/routing/property_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/routing/random_market.cpp
          ${CMAKE_CURRENT_LIST_DIR}/routing/sample_market.cpp ${CMAKE_CURRENT_LIST_DIR}/routing/twin.cpp
  DEPENDS tradewind_routing tradewind_market)
