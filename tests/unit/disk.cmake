if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(disk
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/disk/disk_reserve_test.cpp ${CMAKE_CURRENT_LIST_DIR}/disk/manifest_check_test.cpp
    DEPENDS tradewind_disk RocksDB::rocksdb-shared)
endif()
