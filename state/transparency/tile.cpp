#include "state/transparency/tile.h"

#include <algorithm>

#include "schemas/assert.h"
#include "state/transparency/tile_path.h"

namespace tradewind {

std::uint64_t hashes_at(std::uint64_t size, unsigned level) {
  TRADEWIND_ASSERT(level < tile_levels);
  return size >> (tile_height * level);
}

TileId tile_with(std::uint64_t size, unsigned level, std::uint64_t hash) {
  const std::uint64_t count = hashes_at(size, level);
  TRADEWIND_ASSERT(hash < count);
  const std::uint64_t index = hash / tile_width;
  const std::uint64_t width = std::min<std::uint64_t>(tile_width, count - index * tile_width);
  return TileId{level, index, static_cast<unsigned>(width)};
}

Bytes concatenated(std::span<const Hash> hashes) {
  Bytes bytes;
  bytes.reserve(hashes.size() * sha256_bytes);
  for (const Hash& each : hashes) bytes += each.view();
  return bytes;
}

Result<std::vector<Hash>> read_tile(const TileReader& reader, const TileId& id) {
  const auto bytes = reader(id);
  if (!bytes) return fail(bytes.error());
  if (bytes->size() != id.width * sha256_bytes) {
    return fail(ErrorCode::corrupt, path_of(id),
                std::to_string(bytes->size()) + " bytes are not the " + std::to_string(id.width) +
                    " hashes of 32 bytes that the tile holds",
                "get the tile again from another copy of the log");
  }
  std::vector<Hash> hashes(id.width);
  for (unsigned at = 0; at < id.width; ++at) {
    hashes[at] = Hash::from(BytesView(*bytes).substr(at * sha256_bytes, sha256_bytes));
  }
  return hashes;
}

}  // namespace tradewind
