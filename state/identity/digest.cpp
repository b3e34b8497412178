// OpenSSL 3.0 finds an algorithm, allocates and checks anew for each digest that its newer
// functions make, which for short messages costs several times what the digest does. It would
// rather that nobody used these older ones.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "state/identity/digest.h"

#include <openssl/sha.h>
#include <sodium.h>

namespace tradewind {
namespace {

unsigned char* raw(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const char* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

}  // namespace

Bytes sha256(BytesView bytes) {
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, bytes.data(), bytes.size());
  Bytes digest(sha256_bytes, '\0');
  SHA256_Final(raw(digest.data()), &state);
  return digest;
}

// --- HMAC ----------------------------------------------------------------------------------------

struct HmacSha256::Begun {
  crypto_auth_hmacsha256_state state;
};

HmacSha256::HmacSha256(BytesView key) {
  auto begun = std::make_unique<Begun>();
  crypto_auth_hmacsha256_init(&begun->state, raw(key.data()), key.size());
  begun_ = std::move(begun);
}
HmacSha256::~HmacSha256() = default;
HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256& HmacSha256::operator=(HmacSha256&&) noexcept = default;

Bytes HmacSha256::operator()(BytesView message) const {
  Bytes digest(sha256_bytes, '\0');
  crypto_auth_hmacsha256_state state = begun_->state;
  crypto_auth_hmacsha256_update(&state, raw(message.data()), message.size());
  crypto_auth_hmacsha256_final(&state, raw(digest.data()));
  return digest;
}

Bytes hmac_sha256(BytesView key, BytesView message) {
  return HmacSha256(key)(message);
}

// --- piece by piece ------------------------------------------------------------------------------

void Sha256::Free::operator()(SHA256state_st* state) const {
  delete state;
}

Sha256::Sha256() : state_(new SHA256_CTX) {
  SHA256_Init(state_.get());
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(BytesView bytes) {
  SHA256_Update(state_.get(), bytes.data(), bytes.size());
}

Bytes Sha256::finish() {
  Bytes digest(sha256_bytes, '\0');
  finish(std::span<char, sha256_bytes>(digest));
  return digest;
}

void Sha256::finish(std::span<char, sha256_bytes> digest) {
  SHA256_Final(raw(digest.data()), state_.get());
  SHA256_Init(state_.get());
}

}  // namespace tradewind
