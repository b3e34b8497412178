#include "tests/unit/identity/forgery.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "schemas/assert.h"

namespace tradewind {
namespace {

X509* parse(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  TRADEWIND_ASSERT(certificate != nullptr);
  return certificate;
}

std::string drain(BIO* bio) {
  char* start = nullptr;
  const long length = BIO_get_mem_data(bio, &start);
  std::string text(start, static_cast<std::size_t>(length));
  BIO_free(bio);
  return text;
}

void add(X509* certificate, X509* issuer, int kind, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  TRADEWIND_ASSERT(extension != nullptr);
  TRADEWIND_ASSERT(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void add_unknown(X509* certificate, const std::string& object) {
  ASN1_OBJECT* const kind = OBJ_txt2obj(object.c_str(), 1);
  ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>("\x05\x00"), 2);
  X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, kind, 1, value);
  TRADEWIND_ASSERT(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(kind);
}

void set_time(ASN1_TIME* field, Wall::time_point at) {
  ASN1_TIME_set(field,
                std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

std::string write(X509* certificate) {
  BIO* const bio = BIO_new(BIO_s_mem());
  TRADEWIND_ASSERT(PEM_write_bio_X509(bio, certificate) == 1);
  return drain(bio);
}

Bytes der_of(const std::string& pem) {
  X509* const certificate = parse(pem);
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  Bytes bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  X509_free(certificate);
  return bytes;
}

}  // namespace

std::string forge(const Forgery& forgery, const SigningKey& issuer_key,
                  const std::string& issuer_pem) {
  X509* const issuer = parse(issuer_pem);
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
  set_time(X509_getm_notBefore(certificate), forgery.not_before);
  set_time(X509_getm_notAfter(certificate), forgery.not_after);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("forged"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  const SigningKey subject = SigningKey::generate();
  if (forgery.of_curve_p256) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509_set_pubkey(certificate, key);
    EVP_PKEY_free(key);
  } else {
    X509_set_pubkey(certificate, subject.native());
  }
  add(certificate, issuer, NID_subject_key_identifier, "hash");
  add(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  add(certificate, issuer, NID_basic_constraints, forgery.constraints);
  add(certificate, issuer, NID_key_usage, forgery.usage);
  add(certificate, issuer, NID_ext_key_usage, forgery.extended_usage);
  std::string names;
  for (const std::string& each : forgery.names) names += (names.empty() ? "" : ",") + each;
  add(certificate, issuer, NID_subject_alt_name, names);
  if (forgery.twice_named) add(certificate, issuer, NID_subject_alt_name, names);
  if (!forgery.unknown_critical.empty()) add_unknown(certificate, forgery.unknown_critical);
  TRADEWIND_ASSERT(X509_sign(certificate, issuer_key.native(), nullptr) > 0);
  std::string pem = write(certificate);
  X509_free(certificate);
  X509_free(issuer);
  return pem;
}

std::string request_of_curve(const char* curve) {
  EVP_PKEY* const key = EVP_EC_gen(curve);
  X509_REQ* const request = X509_REQ_new();
  X509_REQ_set_pubkey(request, key);
  TRADEWIND_ASSERT(X509_REQ_sign(request, key, EVP_sha256()) > 0);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_REQ(bio, request);
  X509_REQ_free(request);
  EVP_PKEY_free(key);
  return drain(bio);
}

std::size_t der_size(const std::string& pem) {
  return der_of(pem).size();
}

std::string with_changed_byte(const std::string& pem, std::size_t at) {
  Bytes der = der_of(pem);
  der[at] = static_cast<char>(der[at] ^ 1);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio(bio, "CERTIFICATE", "", reinterpret_cast<const unsigned char*>(der.data()),
                static_cast<long>(der.size()));
  return drain(bio);
}

std::string printed_names(const std::string& certificate_pem) {
  X509* const certificate = parse(certificate_pem);
  const int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  std::string text;
  if (at >= 0) {
    BIO* const bio = BIO_new(BIO_s_mem());
    X509V3_EXT_print(bio, X509_get_ext(certificate, at), 0, 0);
    text = drain(bio);
  }
  X509_free(certificate);
  return text;
}

std::string printed(const std::string& certificate_pem) {
  X509* const certificate = parse(certificate_pem);
  BIO* const bio = BIO_new(BIO_s_mem());
  X509_print(bio, certificate);
  X509_free(certificate);
  return drain(bio);
}

}  // namespace tradewind
