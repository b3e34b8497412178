// OpenSSL 3.0 finds an algorithm, allocates and checks anew for each digest that its newer
// functions make, which for short messages costs several times what the digest does. It would
// rather that nobody used these older ones.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "state/identity/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace tradewind {
namespace {

unsigned char* raw(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
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

// After the key's block of either pass.
struct HmacSha256::Begun {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

HmacSha256::HmacSha256(BytesView key) {
  constexpr char inner_pad = 0x36;
  constexpr char outer_pad = 0x5c;
  const Bytes digest = key.size() > SHA256_CBLOCK ? sha256(key) : Bytes();
  Bytes block(digest.empty() ? key : digest);
  block.resize(SHA256_CBLOCK, '\0');
  auto begun = std::make_unique<Begun>();
  const auto begin = [&block](SHA256_CTX& state, char pad) {
    Bytes padded = block;
    for (char& each : padded) each = static_cast<char>(each ^ pad);
    SHA256_Init(&state);
    SHA256_Update(&state, padded.data(), padded.size());
    OPENSSL_cleanse(padded.data(), padded.size());
  };
  begin(begun->inner, inner_pad);
  begin(begun->outer, outer_pad);
  OPENSSL_cleanse(block.data(), block.size());
  begun_ = std::move(begun);
}
HmacSha256::~HmacSha256() = default;
HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256& HmacSha256::operator=(HmacSha256&&) noexcept = default;

Bytes HmacSha256::operator()(BytesView message) const {
  Bytes digest(sha256_bytes, '\0');
  SHA256_CTX state = begun_->inner;
  SHA256_Update(&state, message.data(), message.size());
  SHA256_Final(raw(digest.data()), &state);
  state = begun_->outer;
  SHA256_Update(&state, digest.data(), digest.size());
  SHA256_Final(raw(digest.data()), &state);
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
