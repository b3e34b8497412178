#include "state/identity/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "schemas/assert.h"

namespace tradewind {
namespace {

// Fetching the algorithm costs more than hashing a short message, so it happens once; it lives as
// long as the process.
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TRADEWIND_ASSERT(fetched != nullptr);
  return fetched;
}

}  // namespace

Bytes sha256(BytesView bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish();
}

Bytes hmac_sha256(BytesView key, BytesView message) {
  Bytes digest(sha256_bytes, '\0');
  unsigned size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                          reinterpret_cast<unsigned char*>(digest.data()), &size);
  TRADEWIND_ASSERT(made != nullptr && size == sha256_bytes);
  return digest;
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  TRADEWIND_ASSERT(context_ != nullptr);
  start();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::start() {
  TRADEWIND_ASSERT(EVP_DigestInit_ex2(context_.get(), algorithm(), nullptr) == 1);
}

void Sha256::update(BytesView bytes) {
  TRADEWIND_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Bytes Sha256::finish() {
  Bytes digest(sha256_bytes, '\0');
  finish(std::span<char, sha256_bytes>(digest));
  return digest;
}

void Sha256::finish(std::span<char, sha256_bytes> digest) {
  unsigned int length = 0;
  TRADEWIND_ASSERT(EVP_DigestFinal_ex(context_.get(),
                                      reinterpret_cast<unsigned char*>(digest.data()),
                                      &length) == 1);
  TRADEWIND_ASSERT(length == sha256_bytes);
  start();
}

}  // namespace tradewind
