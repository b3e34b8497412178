set(here ${CMAKE_CURRENT_LIST_DIR}/routing)
tradewind_test(routing
  SOURCES ${here}/adequacy_test.cpp ${here}/choice_test.cpp ${here}/chooser_test.cpp ${here}/clearing_test.cpp
          ${here}/cost_test.cpp ${here}/digest.cpp ${here}/digest_test.cpp ${here}/property_test.cpp ${here}/random_market.cpp
          ${here}/sample_market.cpp ${here}/twin.cpp
  DEPENDS tradewind_routing tradewind_market)

add_executable(routing_digest ${here}/routing_digest.cpp ${here}/digest.cpp ${here}/random_market.cpp
                              ${here}/sample_market.cpp)
target_link_libraries(routing_digest PRIVATE tradewind_routing tradewind_market GTest::gtest tradewind_warnings)
