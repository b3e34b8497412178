tradewind_test(jobs
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/jobs/budgets_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/lifecycle_budget_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jobs/event_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/fold_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/assignment_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jobs/lifecycle_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/lifecycle_loss_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jobs/lifecycle_quote_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/lifecycle_waiting_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jobs/waking_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/clearing_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jobs/dependencies_test.cpp ${CMAKE_CURRENT_LIST_DIR}/jobs/job_records_test.cpp
  DEPENDS tradewind_jobs)
