#include "state/transparency/tile_hashes.h"

#include <bit>

#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr std::size_t kTilesHeld = 256;  // 16 kB each

}  // namespace

Result<Hash> TileHashes::range(std::uint64_t begin, std::uint64_t end) {
  TRADEWIND_ASSERT(begin < end && end <= size_ && begin % std::bit_ceil(end - begin) == 0);
  // Complete subtrees from the left, each lower than the one before.
  std::vector<Hash> pieces;
  while (begin < end) {
    const auto height = static_cast<unsigned>(std::bit_width(end - begin)) - 1;
    const auto piece = complete(begin, height);
    if (!piece) return piece;
    pieces.push_back(*piece);
    begin += std::uint64_t{1} << height;
  }
  Hash hash = pieces.back();
  for (std::size_t at = pieces.size() - 1; at-- > 0;) hash = hasher_.node(pieces[at], hash);
  return hash;
}

Result<Hash> TileHashes::complete(std::uint64_t begin, unsigned height) {
  const unsigned level = height / tile_height;
  const std::uint64_t first = begin >> (tile_height * level);
  const TileId id = tile_with(size_, level, first);
  auto found = read_.find(id);
  if (found == read_.end()) {
    auto hashes = read_tile(tiles_, id);
    if (!hashes) return fail(hashes.error());
    if (read_.size() == kTilesHeld) forget_lowest_level();
    found = read_.emplace(id, rows_over(std::move(*hashes))).first;
  }
  const unsigned row = height % tile_height;
  return found->second[row][(first % tile_width) >> row];
}

// The higher a tile, the more proofs need it.
void TileHashes::forget_lowest_level() {
  const unsigned lowest = read_.begin()->first.level;
  std::erase_if(read_, [&](const auto& each) { return each.first.level == lowest; });
}

TileHashes::Rows TileHashes::rows_over(std::vector<Hash> hashes) {
  Rows rows;
  rows[0] = std::move(hashes);
  for (unsigned height = 1; height < tile_height; ++height) {
    const std::vector<Hash>& below = rows[height - 1];
    std::vector<Hash>& row = rows[height];
    row.reserve(below.size() / 2);
    for (std::size_t at = 1; at < below.size(); at += 2) {
      row.push_back(hasher_.node(below[at - 1], below[at]));
    }
  }
  return rows;
}

}  // namespace tradewind
