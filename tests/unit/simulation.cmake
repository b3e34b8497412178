set(simulation ${PROJECT_SOURCE_DIR}/tests/simulation)
tradewind_test(simulation
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulation/scenario_test.cpp ${CMAKE_CURRENT_LIST_DIR}/simulation/shrink_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/simulation/shop_stage.cpp
          ${simulation}/scenario.cpp ${simulation}/shrink.cpp ${simulation}/span.cpp
  DEPENDS tradewind_schemas)
