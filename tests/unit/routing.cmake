set(here ${CMAKE_CURRENT_LIST_DIR}/routing)
tradewind_test(routing
  SOURCES ${here}/adequacy_offer_test.cpp ${here}/adequacy_test.cpp ${here}/choice_test.cpp ${here}/chooser_test.cpp ${here}/clearing_test.cpp
          ${here}/cost_test.cpp ${here}/digest.cpp ${here}/digest_test.cpp ${here}/property_test.cpp
          ${here}/random_market.cpp ${here}/relaxation_test.cpp ${here}/replay.cpp ${here}/replay_test.cpp
          ${here}/sample_market.cpp ${here}/twin.cpp ${here}/worked_example_test.cpp
  DEPENDS tradewind_routing tradewind_market fmt::fmt)
target_compile_definitions(test_routing PRIVATE TRADEWIND_DOCS_DIRECTORY="${PROJECT_SOURCE_DIR}/docs")

add_executable(routing_digest ${here}/routing_digest.cpp ${here}/digest.cpp ${here}/random_market.cpp
                              ${here}/sample_market.cpp)
target_link_libraries(routing_digest PRIVATE tradewind_routing tradewind_market GTest::gtest tradewind_warnings)
add_executable(routing_replay ${here}/routing_replay.cpp ${here}/replay.cpp ${here}/random_market.cpp
                              ${here}/sample_market.cpp)
target_link_libraries(routing_replay PRIVATE tradewind_routing tradewind_market GTest::gtest tradewind_warnings)
add_dependencies(unit_tests routing_digest routing_replay)

# What takes longer, and says the same whatever the build is checked with.
if(NOT TRADEWIND_SANITIZE AND NOT TRADEWIND_PURE_ONLY)
  # A million random cases of the fast choice against the plain scan and the naive twin, half of them each.
  foreach(first_seed IN ITEMS 1 1000001)
    add_test(NAME unit/routing_million_from_${first_seed}
      COMMAND test_routing --gtest_filter=ChooserProperty.ChoosesWhatTheScanAndTheTwin*)
    set_tests_properties(unit/routing_million_from_${first_seed} PROPERTIES LABELS unit TIMEOUT 600 PROCESSORS 2 COST 20
      ENVIRONMENT "TRADEWIND_PROPERTY_CASES=500000;TRADEWIND_PROPERTY_SEED=${first_seed}")
  endforeach()
  add_test(NAME unit/routing_builds_agree COMMAND ${here}/builds_agree
    ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${CMAKE_BINARY_DIR}/builds_agree)
  set_tests_properties(unit/routing_builds_agree PROPERTIES LABELS unit TIMEOUT 3000 PROCESSORS 4 COST 30)
endif()
