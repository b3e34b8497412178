tradewind_test(admission
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/admission/admission_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/admission/admission_restart_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/admission/brokers_test.cpp ${CMAKE_CURRENT_LIST_DIR}/admission/charge_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/admission/contract_test.cpp ${CMAKE_CURRENT_LIST_DIR}/admission/node_book_test.cpp
  DEPENDS tradewind_admission)
