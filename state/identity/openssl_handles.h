// Owners for OpenSSL's objects, and reading and writing PEM. Only this room's sources include it.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "schemas/assert.h"
#include "schemas/result.h"

namespace tradewind::openssl {

template <auto Release>
struct ReleaseWith {
  template <class Object>
  void operator()(Object* object) const {
    Release(object);
  }
};
template <class Object, auto Release>
using Owned = std::unique_ptr<Object, ReleaseWith<Release>>;

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Bio = Owned<BIO, BIO_free_all>;
using Certificate = Owned<X509, X509_free>;
using Request = Owned<X509_REQ, X509_REQ_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using Name = Owned<GENERAL_NAME, GENERAL_NAME_free>;
using Store = Owned<X509_STORE, X509_STORE_free>;
using StoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using Number = Owned<BIGNUM, BN_free>;

inline const unsigned char* data(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* data(Bytes& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

Bio reader_of(BytesView bytes);  // the bytes must outlive it
Bio writer();
std::string text_of(const Bio& bio);

// The raw public key, 32 bytes, of an Ed25519 or X25519 key.
Bytes raw_public_key(const EVP_PKEY* key);

std::string to_pem(X509* certificate);
std::string to_pem(X509_REQ* request);

// An unencrypted private key of the given type (EVP_PKEY_ED25519, EVP_PKEY_X25519) from PEM; never
// asks anybody for a pass phrase. Null when it is none.
Key private_key_from_pem(BytesView pem, int type);
std::string private_key_to_pem(EVP_PKEY* key);

// 1 to `count_max` certificates. Fails with ErrorCode::invalid naming `field`.
Result<std::vector<Certificate>> certificates_from_pem(std::string_view field, std::string_view pem,
                                                       std::size_t count_max);
Result<Certificate> certificate_from_pem(std::string_view field, std::string_view pem);
// A request whose own signature is good.
Result<Request> request_from_pem(std::string_view field, std::string_view pem);

// The time as text, for messages.
std::string text_of(const ASN1_TIME* at);

}  // namespace tradewind::openssl
