// A growing Merkle tree of which only the right edge is held: of each level the hashes of the tile
// that is not full yet, at most 255. That and the size are enough to go on and to know the root.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/hash.h"
#include "state/transparency/tile.h"

namespace tradewind {

// One thread at a time.
class RightEdge {
 public:
  // As the tiles of a tree with `size` leaves have it. Nothing is checked but their lengths:
  // compare root() with one that is trusted. Fails as the reader does, or with ErrorCode::corrupt.
  static Result<RightEdge> load(std::uint64_t size, const TileReader& tiles);

  std::uint64_t size() const { return size_; }
  // Adds a leaf by its hash, and to `full` the tiles that it fills, lowest level first.
  void push(const Hash& leaf, std::vector<Tile>& full);
  // Costs up to 255 hashes a level.
  Hash root();

  // The hashes of the level's tile that is not full yet.
  std::span<const Hash> level(unsigned number) const { return levels_[number]; }
  // The tiles that are not full and not empty, lowest level first.
  std::vector<Tile> partial_tiles() const;

 private:
  std::uint64_t size_ = 0;
  std::array<std::vector<Hash>, tile_levels> levels_;
  Hasher hasher_;
};

}  // namespace tradewind
