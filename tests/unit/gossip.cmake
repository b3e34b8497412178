tradewind_test(gossip
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/gossip/acceptance_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/cells_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/digest_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/exchange_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/flow_control_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/news_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/peer_choice_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/simulated_federation.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/simulation_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gossip/toy_records.cpp
  DEPENDS tradewind_gossip)
