if(NOT TRADEWIND_PURE_ONLY)
  set(staging_tests ${CMAKE_CURRENT_LIST_DIR}/staging)
  tradewind_test(staging
    SOURCES ${staging_tests}/data_cache_test.cpp ${staging_tests}/fetch_test.cpp ${staging_tests}/http_server.cpp ${staging_tests}/private_address_test.cpp
            ${staging_tests}/range_book_test.cpp ${staging_tests}/ranges_test.cpp
            ${staging_tests}/s3_signature_test.cpp ${staging_tests}/s3_test.cpp
            ${staging_tests}/store_test.cpp ${staging_tests}/worker_pool_test.cpp
    DEPENDS tradewind_staging tradewind_identity)
  target_compile_definitions(test_staging PRIVATE
    TRADEWIND_S3_SERVER="${staging_tests}/s3rver/start"
    TRADEWIND_S3_DIRECTORY="${PROJECT_BINARY_DIR}/s3rver")
endif()
