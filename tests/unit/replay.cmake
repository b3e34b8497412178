set(here ${CMAKE_CURRENT_LIST_DIR}/replay)
tradewind_test(replay
  SOURCES ${here}/difference_test.cpp ${here}/json_text_test.cpp ${here}/leaf_test.cpp ${here}/record_signers_test.cpp
          ${here}/replay_test.cpp          ${here}/story.cpp
          ${CMAKE_CURRENT_LIST_DIR}/routing/sample_market.cpp ${CMAKE_CURRENT_LIST_DIR}/schemas/samples.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_jobs.cpp ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_market.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_messages.cpp
  DEPENDS tradewind_replay tradewind_identity Boost::json fmt::fmt)
