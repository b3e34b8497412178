if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(journal
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/journal/damage_test.cpp ${CMAKE_CURRENT_LIST_DIR}/journal/entry_group_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/journal/format_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/journal/journal_test.cpp ${CMAKE_CURRENT_LIST_DIR}/journal/sample_store.cpp
    DEPENDS tradewind_journal RocksDB::rocksdb-shared)
endif()
