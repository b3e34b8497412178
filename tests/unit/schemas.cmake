tradewind_test(schemas
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/schemas/architecture_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/codec_hostile_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/codec_record_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/codec_round_trip_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/ids_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/messages.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/money_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/rates_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/resources_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/result_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/samples.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_jobs.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_market.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_messages.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/time_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schemas/url_test.cpp
  DEPENDS tradewind_schemas tradewind_schemas_generated fmt::fmt)
target_compile_definitions(test_schemas PRIVATE
  TRADEWIND_GOLDEN_DIRECTORY="${CMAKE_CURRENT_LIST_DIR}/schemas/golden")

add_executable(write_samples EXCLUDE_FROM_ALL
  ${CMAKE_CURRENT_LIST_DIR}/schemas/messages.cpp ${CMAKE_CURRENT_LIST_DIR}/schemas/samples.cpp
  ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_jobs.cpp ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_market.cpp
  ${CMAKE_CURRENT_LIST_DIR}/schemas/samples_messages.cpp ${CMAKE_CURRENT_LIST_DIR}/schemas/write_samples.cpp)
target_link_libraries(write_samples PRIVATE tradewind_schemas tradewind_warnings)
