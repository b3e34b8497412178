// Proofs that a leaf is in a tree, and that one tree is the beginning of another (RFC 6962, section
// 2.1; verification as RFC 9162, section 2.1, writes it).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schemas/result.h"
#include "state/transparency/hash.h"
#include "state/transparency/tile_hashes.h"

namespace tradewind {

// A tree by its size and root. The default is the empty tree.
struct TreeHead {
  std::uint64_t size = 0;  // leaves, at most limits::tree_size_max
  Hash root = empty_root();
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

// The hashes beside the way from leaf `index` to the tree's root, the leaf's sibling first. The
// tiles are believed: verify before handing out what an untrusted store gave. Fails with
// ErrorCode::invalid when the index is not below the tree's size, as its reader does, or with
// corrupt.
Result<std::vector<Hash>> prove_inclusion(std::uint64_t index, TileHashes& tree);
// Likewise, that the tree with `old_size` leaves begins this one; empty when it is empty or the
// same.
Result<std::vector<Hash>> prove_consistency(std::uint64_t old_size, TileHashes& tree);

// Ok when the proof shows what it should; otherwise fails with ErrorCode::invalid. Anything may be
// given.
Status verify_inclusion(const Hash& leaf, std::uint64_t index, const TreeHead& head,
                        std::span<const Hash> proof);
Status verify_consistency(const TreeHead& old_head, const TreeHead& head,
                          std::span<const Hash> proof);

}  // namespace tradewind
