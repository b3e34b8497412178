tradewind_test(identity
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/identity/certificates_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/digest_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/forgery.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/former_trust_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/join_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/keys_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/records_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/renewal_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/identity/trust_test.cpp
  DEPENDS tradewind_identity OpenSSL::Crypto)
