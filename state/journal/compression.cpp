#include "state/journal/compression.h"

#include <lz4.h>

#include <cstdint>

#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

Bytes compress(BytesView plain) {
  TRADEWIND_ASSERT(plain.size() <= std::size_t{1} << 30U);
  const int length = static_cast<int>(plain.size());
  const int bound = LZ4_compressBound(length);
  Bytes bytes(kLengthBytes + static_cast<std::size_t>(bound), '\0');
  for (std::size_t at = 0; at < kLengthBytes; ++at) {
    bytes[at] = static_cast<char>(plain.size() >> (8 * at) & 0xffU);
  }
  const int made = LZ4_compress_default(plain.data(), bytes.data() + kLengthBytes, length, bound);
  TRADEWIND_ASSERT(made > 0);
  bytes.resize(kLengthBytes + static_cast<std::size_t>(made));
  return bytes;
}

Result<Bytes> expand(BytesView compressed, std::size_t bytes_max) {
  if (compressed.size() < kLengthBytes) return fail(ErrorCode::corrupt, "row", "ends too early");
  std::size_t length = 0;
  for (std::size_t at = 0; at < kLengthBytes; ++at) {
    length |= std::size_t{static_cast<unsigned char>(compressed[at])} << (8 * at);
  }
  if (length > bytes_max) return fail(ErrorCode::corrupt, "row", "expands to more than there is");
  compressed.remove_prefix(kLengthBytes);
  Bytes plain(length, '\0');
  const int made =
      LZ4_decompress_safe(compressed.data(), plain.data(), static_cast<int>(compressed.size()),
                          static_cast<int>(length));
  if (made < 0 || static_cast<std::size_t>(made) != length) {
    return fail(ErrorCode::corrupt, "row", "does not expand to what was compressed");
  }
  return plain;
}

}  // namespace tradewind
