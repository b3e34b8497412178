// Tiles of hashes: how a tree is cut into files that never change (C2SP tlog-tiles, height 8).
//
// Hash i of tile n at level l is that of the subtree over 256^l leaves which begins at leaf
// (n * 256 + i) * 256^l. Level 0 holds leaf hashes. A full tile has 256 hashes and its root stands
// one level up; a partial one has fewer and feeds nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "schemas/result.h"
#include "state/transparency/hash.h"

namespace tradewind {

inline constexpr unsigned tile_height = 8;
inline constexpr unsigned tile_width = 1U << tile_height;
inline constexpr unsigned tile_levels = 8;  // a tree of limits::tree_size_max fills no more

struct TileId {
  unsigned level = 0;           // below tile_levels
  std::uint64_t index = 0;      // from the left
  unsigned width = tile_width;  // hashes, 1 to 256
  friend auto operator<=>(const TileId&, const TileId&) = default;
};

struct Tile {
  TileId id;
  Bytes hashes;  // one after another, 32 bytes each
  friend bool operator==(const Tile&, const Tile&) = default;
};

// Hands out the hashes of one tile, exactly as many as its id says. When a partial tile is gone
// because the full one exists, that one's first hashes are the same. Not trusted: what uses a
// reader says what it checks.
using TileReader = std::function<Result<Bytes>(const TileId&)>;

// How many hashes stand at `level` of a tree with `size` leaves.
std::uint64_t hashes_at(std::uint64_t size, unsigned level);
// The tile at `level` that holds hash number `hash`, as wide as a tree with `size` leaves has it.
TileId tile_with(std::uint64_t size, unsigned level, std::uint64_t hash);

Bytes concatenated(std::span<const Hash> hashes);
// Reads a tile and refuses it with ErrorCode::corrupt when its length is not what its id says.
Result<std::vector<Hash>> read_tile(const TileReader& reader, const TileId& id);

}  // namespace tradewind
