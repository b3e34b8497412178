// The compression function by itself costs a third less than a whole digest of two blocks does.
// OpenSSL 3.0 has it, and would rather that nobody used it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "state/identity/short_digest.h"

#include <openssl/sha.h>

#include <algorithm>

#include "schemas/assert.h"

namespace tradewind {

std::array<char, sha256_bytes> sha256_short(BytesView message) {
  TRADEWIND_ASSERT(message.size() <= short_message_bytes_max);
  // The message, a one bit, zeros, and the message's length in bits (FIPS 180-4, 5.1.1).
  std::array<unsigned char, 2UL * SHA256_CBLOCK> blocks{};
  std::ranges::copy(message, blocks.begin());
  blocks[message.size()] = 0x80;
  constexpr std::size_t one_block_max = SHA256_CBLOCK - 9;
  const std::size_t end = message.size() <= one_block_max ? SHA256_CBLOCK : blocks.size();
  const std::size_t bits = message.size() * 8;
  blocks[end - 2] = static_cast<unsigned char>(bits >> 8U);
  blocks[end - 1] = static_cast<unsigned char>(bits);

  SHA256_CTX state;
  SHA256_Init(&state);
  for (std::size_t at = 0; at < end; at += SHA256_CBLOCK) {
    SHA256_Transform(&state, blocks.data() + at);
  }
  std::array<char, sha256_bytes> digest{};
  for (std::size_t at = 0; at < sha256_bytes; ++at) {
    digest[at] = static_cast<char>(state.h[at / 4] >> (24 - 8 * (at % 4)));
  }
  return digest;
}

}  // namespace tradewind
