#include "state/identity/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <limits>

#include "schemas/assert.h"

namespace tradewind {

Bytes random_bytes(std::size_t count) {
  TRADEWIND_ASSERT(count <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  Bytes bytes(count, '\0');
  TRADEWIND_ASSERT(
      RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1);
  return bytes;
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  for (const char each : random_bytes(sizeof number)) {
    number = number << 8U | static_cast<unsigned char>(each);
  }
  return number;
}

bool constant_time_equal(BytesView left, BytesView right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace tradewind
