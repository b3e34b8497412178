tradewind_test(transparency
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/transparency/audit_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/log_directory_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/log_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/memory_log.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/notes_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/parsers_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/plain_tree.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/policy_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/proof_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/vectors_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/transparency/witness_test.cpp
  DEPENDS tradewind_transparency)
