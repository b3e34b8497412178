# tradewind_room(NAME SOURCES file… [DEPENDS target…] [PRIVATE target…])
# One library a room. DEPENDS are the rooms and libraries that its headers need, PRIVATE those that only its sources
# need: what is not linked cannot be included.
function(tradewind_room name)
  cmake_parse_arguments(room "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(tradewind_${name} STATIC ${room_SOURCES})
  target_include_directories(tradewind_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(tradewind_${name} PUBLIC ${room_DEPENDS} PRIVATE ${room_PRIVATE} tradewind_warnings)
endfunction()

# tradewind_test(NAME SOURCES file… DEPENDS target…): a GoogleTest binary whose cases ctest knows one by one.
# A case takes two places of `ctest --parallel`, since it computes. `tests/run` gives two for each processor, so that those
# who wait can take one.
function(tradewind_test name)
  cmake_parse_arguments(test "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(test_${name} ${test_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${test_DEPENDS} GTest::gmock GTest::gtest_main tradewind_warnings)
  add_dependencies(unit_tests test_${name})
  include(GoogleTest)
  gtest_discover_tests(test_${name} TEST_PREFIX unit/ PROPERTIES LABELS unit TIMEOUT 300 PROCESSORS 2 DISCOVERY_TIMEOUT 60)
endfunction()

add_library(tradewind_warnings INTERFACE)
target_compile_options(tradewind_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion)

if(TRADEWIND_SANITIZE)
  add_compile_options(-fsanitize=${TRADEWIND_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TRADEWIND_SANITIZE})
  if(TRADEWIND_SANITIZE MATCHES "undefined")
    # Without those that the other sanitizer or the machine shows by itself: they are half of what there is to compile.
    add_compile_options(-fno-sanitize=null,alignment,vptr,object-size -fno-sanitize-recover=undefined)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()
