if(NOT TRADEWIND_PURE_ONLY)
  set(engines_tests ${CMAKE_CURRENT_LIST_DIR}/engines)
  tradewind_test(engines
    SOURCES ${engines_tests}/architecture_test.cpp ${engines_tests}/batch_test.cpp ${engines_tests}/check_test.cpp
            ${engines_tests}/container_test.cpp ${engines_tests}/container_words_test.cpp
            ${engines_tests}/engine_fixture.cpp ${engines_tests}/http_client_test.cpp
            ${engines_tests}/image_reference_test.cpp ${engines_tests}/kubernetes_test.cpp
            ${engines_tests}/lease_guard_test.cpp ${engines_tests}/limits_test.cpp ${engines_tests}/podman_store.cpp
            ${engines_tests}/queue_test.cpp ${engines_tests}/run_test.cpp ${engines_tests}/sandbox_test.cpp
            ${engines_tests}/slurm_test.cpp ${engines_tests}/stop_test.cpp ${engines_tests}/tes_test.cpp
            ${engines_tests}/tool_run_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/staging/http_server.cpp
    DEPENDS tradewind_engines tradewind_identity Boost::json)
endif()
