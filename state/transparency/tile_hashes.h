// Hashes of subtrees, computed from tiles.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/tile.h"

namespace tradewind {

// Of one tree. Keeps the tiles that it has read, up to 4 MB of them, with the hashes between their
// bottom and their root: proofs of leaves that lie close together, or in one tree of some size,
// cost much less from one TileHashes than from one each. One thread.
class TileHashes {
 public:
  // The reader must have the tiles of a tree with `size` leaves, and is believed.
  TileHashes(std::uint64_t size, TileReader tiles) : size_(size), tiles_(std::move(tiles)) {}

  std::uint64_t size() const { return size_; }
  // The hash of the leaves from `begin` to before `end`, for ranges that RFC 6962 makes a subtree
  // of: not empty, within the tree, and `begin` a multiple of the smallest power of two that is not
  // less than their number. Fails as the reader does, or with ErrorCode::corrupt.
  Result<Hash> range(std::uint64_t begin, std::uint64_t end);

 private:
  // The complete subtrees of a tile by height, from its own hashes to below its root.
  using Rows = std::array<std::vector<Hash>, tile_height>;

  // Of 2^height leaves, height below 63.
  Result<Hash> complete(std::uint64_t begin, unsigned height);
  Rows rows_over(std::vector<Hash> hashes);
  void forget_lowest_level();

  std::uint64_t size_;
  TileReader tiles_;
  std::map<TileId, Rows> read_;
  Hasher hasher_;
};

}  // namespace tradewind
