tradewind_test(performance
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/performance/learnt_performance_test.cpp
  DEPENDS tradewind_performance)
