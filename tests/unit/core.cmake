if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(core
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/core/budgets_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/datasets_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/grant_debits_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/core/herd_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/holding_labels_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/market_router_clearing_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/market_router_load_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/market_router_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/market_history_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/core/quotes_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/rates_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/core/registry_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/restart_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/core/unrecorded_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/core/trust_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/url_key_test.cpp ${CMAKE_CURRENT_LIST_DIR}/core/waking_twin_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/journal/sample_store.cpp ${CMAKE_CURRENT_LIST_DIR}/routing/random_market.cpp
            ${CMAKE_CURRENT_LIST_DIR}/routing/sample_market.cpp
            ${PROJECT_SOURCE_DIR}/tests/bench/herd_model.cpp ${PROJECT_SOURCE_DIR}/tests/bench/market.cpp
    DEPENDS tradewind_core tradewind_admission tradewind_pricing tradewind_jobs tradewind_routing tradewind_market)
endif()
