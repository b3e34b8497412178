#include "state/identity/openssl_handles.h"

#include <openssl/err.h>

#include "state/identity/certificates.h"

namespace tradewind::openssl {
namespace {

// OpenSSL asks on the terminal when no such function is given.
int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

Status check_pem_size(std::string_view field, std::string_view pem) {
  if (pem.size() <= certificate_bytes_max) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              std::to_string(pem.size()) + " bytes are over the limit of " +
                  std::to_string(certificate_bytes_max),
              "give only the PEM text that is asked for");
}

}  // namespace

Bio reader_of(BytesView bytes) {
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  TRADEWIND_ASSERT(bio != nullptr);
  return bio;
}

Bio writer() {
  Bio bio(BIO_new(BIO_s_mem()));
  TRADEWIND_ASSERT(bio != nullptr);
  return bio;
}

std::string text_of(const Bio& bio) {
  char* start = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &start);
  TRADEWIND_ASSERT(length >= 0);
  return std::string(start, static_cast<std::size_t>(length));
}

Bytes raw_public_key(const EVP_PKEY* key) {
  Bytes raw(public_key_bytes, '\0');
  std::size_t length = raw.size();
  TRADEWIND_ASSERT(EVP_PKEY_get_raw_public_key(key, data(raw), &length) == 1);
  TRADEWIND_ASSERT(length == public_key_bytes);
  return raw;
}

std::string to_pem(X509* certificate) {
  const Bio bio = writer();
  TRADEWIND_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio);
}

std::string to_pem(X509_REQ* request) {
  const Bio bio = writer();
  TRADEWIND_ASSERT(PEM_write_bio_X509_REQ(bio.get(), request) == 1);
  return text_of(bio);
}

Key private_key_from_pem(BytesView pem, int type) {
  const Bio bio = reader_of(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  ERR_clear_error();
  if (key != nullptr && EVP_PKEY_get_id(key.get()) != type) key.reset();
  return key;
}

std::string private_key_to_pem(EVP_PKEY* key) {
  const Bio bio = writer();
  TRADEWIND_ASSERT(
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio);
}

Result<std::vector<Certificate>> certificates_from_pem(std::string_view field, std::string_view pem,
                                                       std::size_t count_max) {
  if (const Status size = check_pem_size(field, pem); !size) return fail(size.error());
  const Bio bio = reader_of(pem);
  std::vector<Certificate> certificates;
  while (true) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
    if (next == nullptr) break;
    if (certificates.size() == count_max) {
      ERR_clear_error();
      return fail(ErrorCode::invalid, std::string(field),
                  "holds more than " + std::to_string(count_max) +
                      (count_max == 1 ? " certificate" : " certificates"),
                  "give no more than that");
    }
    certificates.push_back(std::move(next));
  }
  // Reading ends with "no start line" when nothing is left, with anything else when a certificate
  // was begun and is broken.
  const unsigned long reason = ERR_peek_last_error();
  const bool broken =
      ERR_GET_LIB(reason) != ERR_LIB_PEM || ERR_GET_REASON(reason) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (certificates.empty() || broken) {
    return fail(ErrorCode::invalid, std::string(field), "is no X.509 certificate in PEM form",
                "give the text from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----");
  }
  return certificates;
}

Result<Certificate> certificate_from_pem(std::string_view field, std::string_view pem) {
  auto certificates = certificates_from_pem(field, pem, 1);
  if (!certificates) return fail(certificates.error());
  return std::move(certificates->front());
}

Result<Request> request_from_pem(std::string_view field, std::string_view pem) {
  if (const Status size = check_pem_size(field, pem); !size) return fail(size.error());
  const Bio bio = reader_of(pem);
  Request request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_pass_phrase, nullptr));
  EVP_PKEY* const key = request == nullptr ? nullptr : X509_REQ_get0_pubkey(request.get());
  const bool good = key != nullptr && X509_REQ_verify(request.get(), key) == 1;
  ERR_clear_error();
  if (request == nullptr) {
    return fail(ErrorCode::invalid, std::string(field), "is no certificate request in PEM form",
                "give the text from -----BEGIN CERTIFICATE REQUEST----- to -----END CERTIFICATE "
                "REQUEST-----");
  }
  if (!good) {
    return fail(ErrorCode::invalid, std::string(field),
                "the request's own signature does not fit its key",
                "make the request again with the key that it names");
  }
  return request;
}

std::string text_of(const ASN1_TIME* at) {
  const Bio bio = writer();
  if (ASN1_TIME_print(bio.get(), at) != 1) return "an unreadable time";
  return text_of(bio);
}

}  // namespace tradewind::openssl
