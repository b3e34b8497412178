if(NOT TRADEWIND_PURE_ONLY)
  tradewind_test(link
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/link/link_test.cpp
            ${CMAKE_CURRENT_LIST_DIR}/link/node.cpp
            ${CMAKE_CURRENT_LIST_DIR}/link/parts_test.cpp
    DEPENDS tradewind_link tradewind_api cppzmq Boost::headers)
endif()
