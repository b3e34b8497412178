// The compression function by itself costs a fourth less than a whole digest of two blocks does.
// OpenSSL 3.0 has it, and would rather that nobody used it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "state/identity/pair_digest.h"

#include <openssl/sha.h>

#include <cstring>

namespace tradewind {

Sha256Digest sha256_pair(char first, const Sha256Digest& left, const Sha256Digest& right) {
  // The message, a one bit, zeros, and the message's length in bits (FIPS 180-4, 5.1.1).
  constexpr std::size_t message_bytes = 1 + 2 * sha256_bytes;
  constexpr std::size_t bits = message_bytes * 8;
  std::array<unsigned char, 2UL * SHA256_CBLOCK> blocks{};
  blocks[0] = static_cast<unsigned char>(first);
  std::memcpy(blocks.data() + 1, left.data(), sha256_bytes);
  std::memcpy(blocks.data() + 1 + sha256_bytes, right.data(), sha256_bytes);
  blocks[message_bytes] = 0x80;
  blocks[blocks.size() - 2] = bits >> 8U;
  blocks[blocks.size() - 1] = bits & 0xffU;

  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Transform(&state, blocks.data());
  SHA256_Transform(&state, blocks.data() + SHA256_CBLOCK);
  Sha256Digest digest;
  for (std::size_t word = 0; word < sha256_bytes / 4; ++word) {
    const auto number = state.h[word];
    digest[4 * word] = static_cast<char>(number >> 24U);
    digest[4 * word + 1] = static_cast<char>(number >> 16U);
    digest[4 * word + 2] = static_cast<char>(number >> 8U);
    digest[4 * word + 3] = static_cast<char>(number);
  }
  return digest;
}

}  // namespace tradewind
