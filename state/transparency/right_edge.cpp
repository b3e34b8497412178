#include "state/transparency/right_edge.h"

#include "schemas/assert.h"
#include "state/transparency/limits.h"

namespace tradewind {

Result<RightEdge> RightEdge::load(std::uint64_t size, const TileReader& tiles) {
  TRADEWIND_ASSERT(size <= limits::tree_size_max);
  RightEdge edge;
  edge.size_ = size;
  for (unsigned level = 0; level < tile_levels; ++level) {
    const std::uint64_t count = hashes_at(size, level);
    if (count % tile_width == 0) continue;
    auto hashes = read_tile(tiles, tile_with(size, level, count - 1));
    if (!hashes) return fail(hashes.error());
    edge.levels_[level] = std::move(*hashes);
  }
  return edge;
}

void RightEdge::push(const Hash& leaf, std::vector<Tile>& full) {
  TRADEWIND_ASSERT(size_ < limits::tree_size_max);
  ++size_;
  Hash next = leaf;
  for (unsigned level = 0; level < tile_levels; ++level) {
    std::vector<Hash>& held = levels_[level];
    held.push_back(next);
    if (held.size() < tile_width) return;
    full.push_back(Tile{TileId{level, hashes_at(size_, level) / tile_width - 1, tile_width},
                        concatenated(held)});
    next = hasher_.root(held);
    held.clear();
  }
}

Hash RightEdge::root() {
  if (size_ == 0) return empty_root();
  // What the levels below have beyond their last full tile is one more subtree, a lower one.
  std::vector<Hash> subtrees;
  bool lower = false;
  Hash last;
  for (const std::vector<Hash>& held : levels_) {
    subtrees = held;
    if (lower) subtrees.push_back(last);
    if (subtrees.empty()) continue;
    last = hasher_.root(subtrees);
    lower = true;
  }
  return last;
}

std::vector<Tile> RightEdge::partial_tiles() const {
  std::vector<Tile> tiles;
  for (unsigned level = 0; level < tile_levels; ++level) {
    if (levels_[level].empty()) continue;
    const std::uint64_t last = hashes_at(size_, level) - 1;
    tiles.push_back(Tile{tile_with(size_, level, last), concatenated(levels_[level])});
  }
  return tiles;
}

}  // namespace tradewind
