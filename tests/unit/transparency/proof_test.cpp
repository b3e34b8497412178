// Roots, tiles and proofs against RFC 6962's definitions taken literally.
#include "state/transparency/proof.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "state/transparency/right_edge.h"
#include "state/transparency/tile_hashes.h"
#include "tests/unit/transparency/memory_log.h"
#include "tests/unit/transparency/plain_tree.h"

namespace tradewind {
namespace {

using testing::PlainTree;

// A tree with all of its tiles, and leaves that are made up without hashing.
struct Tree {
  explicit Tree(std::uint64_t size) {
    std::mt19937_64 random(size);
    std::vector<Tile> full;
    for (std::uint64_t at = 0; at < size; ++at) {
      Hash leaf;
      for (char& each : leaf.bytes) each = static_cast<char>(random());
      leaves.push_back(leaf);
      plain.add(leaf);
      edge.push(leaf, full);
    }
    for (Tile& each : full) store.tiles[each.id] = std::move(each.hashes);
    for (Tile& each : edge.partial_tiles()) store.tiles[each.id] = std::move(each.hashes);
  }
  TreeHead head(std::uint64_t size) const { return {size, plain.root(size)}; }

  std::vector<Hash> leaves;
  PlainTree plain;
  RightEdge edge;
  testing::MemoryLog store;
};

// Tiles of the tree's first `size` leaves, cut out of those of the whole.
TileReader tiles_at(const Tree& tree, std::uint64_t size) {
  return [&tree, size](const TileId& id) -> Result<Bytes> {
    EXPECT_EQ(tile_with(size, id.level, id.index * tile_width), id) << "not a tile of that tree";
    for (unsigned width = id.width; width <= tile_width; ++width) {
      const auto found = tree.store.tiles.find(TileId{id.level, id.index, width});
      if (found != tree.store.tiles.end()) return found->second.substr(0, id.width * sha256_bytes);
    }
    return fail(ErrorCode::not_found, "tile", "none");
  };
}

// Every way to change a proof a little.
void expect_refused_when_changed(std::vector<Hash> proof, auto&& verify) {
  for (Hash& each : proof) {
    each.bytes[7] = static_cast<char>(each.bytes[7] ^ 4);
    EXPECT_FALSE(verify(proof));
    each.bytes[7] = static_cast<char>(each.bytes[7] ^ 4);
  }
  proof.push_back(Hash{});
  EXPECT_FALSE(verify(proof));
  proof.pop_back();
  if (proof.size() > 1) {
    std::ranges::reverse(proof);
    EXPECT_FALSE(verify(proof));
    std::ranges::reverse(proof);
  }
  if (proof.empty()) return;
  const Hash first = proof.front();
  proof.erase(proof.begin());
  EXPECT_FALSE(verify(proof));
  proof.insert(proof.begin(), first);
  proof.pop_back();
  EXPECT_FALSE(verify(proof));
}

void check_inclusion(const Tree& tree, std::uint64_t index, TileHashes& hashes, bool changed) {
  const std::uint64_t size = hashes.size();
  const auto proof = prove_inclusion(index, hashes);
  ASSERT_TRUE(proof);
  ASSERT_EQ(*proof, tree.plain.path(index, size)) << index << " in " << size;
  const TreeHead head = tree.head(size);
  ASSERT_TRUE(verify_inclusion(tree.leaves[index], index, head, *proof));
  if (!changed) return;
  expect_refused_when_changed(*proof, [&](const std::vector<Hash>& each) {
    return verify_inclusion(tree.leaves[index], index, head, each);
  });
  EXPECT_FALSE(verify_inclusion(Hash{}, index, head, *proof));
  EXPECT_FALSE(verify_inclusion(tree.leaves[index], index + 1, head, *proof));
  EXPECT_FALSE(verify_inclusion(tree.leaves[index], index, {size, Hash{}}, *proof));
}

void check_consistency(const Tree& tree, std::uint64_t old_size, TileHashes& hashes, bool changed) {
  const std::uint64_t size = hashes.size();
  const auto proof = prove_consistency(old_size, hashes);
  ASSERT_TRUE(proof);
  ASSERT_EQ(*proof, tree.plain.proof(old_size, size)) << old_size << " to " << size;
  const TreeHead old_head = tree.head(old_size);
  const TreeHead head = tree.head(size);
  ASSERT_TRUE(verify_consistency(old_head, head, *proof));
  if (!changed) return;
  expect_refused_when_changed(*proof, [&](const std::vector<Hash>& each) {
    return verify_consistency(old_head, head, each);
  });
  EXPECT_FALSE(verify_consistency({old_size, Hash{}}, head, *proof));
  if (old_size > 0) {
    EXPECT_FALSE(verify_consistency(old_head, {size, Hash{}}, *proof));
  }
  if (old_size != size) {
    EXPECT_FALSE(verify_consistency(head, old_head, *proof));
  }
}

TEST(Proofs, AreTheRfcsForEveryLeafAndOlderSizeOfTreesUpTo600) {
  const Tree tree(600);
  for (std::uint64_t size = 0; size <= 600; ++size) {
    TileHashes hashes(size, tiles_at(tree, size));
    for (std::uint64_t index = 0; index < size; ++index) {
      check_inclusion(tree, index, hashes, size <= 70 || (index + size) % 97 == 0);
    }
    for (std::uint64_t old_size = 0; old_size <= size; ++old_size) {
      check_consistency(tree, old_size, hashes, size <= 70 || (old_size + size) % 97 == 0);
    }
    if (HasFatalFailure()) return;
  }
}

TEST(Proofs, AreTheRfcsInLargerTrees) {
  const Tree tree(200'000);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> sizes{65'535, 65'536, 65'537, 131'072, 199'999, 200'000};
  for (int round = 0; round < 200; ++round) sizes.push_back(1 + random() % 200'000);
  for (const std::uint64_t size : sizes) {
    TileHashes hashes(size, tiles_at(tree, size));
    for (int round = 0; round < 5; ++round) {
      check_inclusion(tree, random() % size, hashes, true);
      check_consistency(tree, random() % (size + 1), hashes, true);
    }
    check_inclusion(tree, size - 1, hashes, true);
    if (HasFatalFailure()) return;
  }
}

TEST(Proofs, StayTheRfcsWhenMoreTilesAreReadThanAreHeld) {
  const Tree tree(200'000);
  TileHashes hashes(200'000, tiles_at(tree, 200'000));
  for (std::uint64_t index = 7; index < 200'000; index += 199) {
    check_inclusion(tree, index, hashes, false);
  }
}

TEST(Proofs, OutOfRangeAsksAreRefusedByName) {
  const Tree tree(10);
  TileHashes ten = tree.store.tree(10);
  const auto inclusion = prove_inclusion(10, ten);
  ASSERT_FALSE(inclusion);
  EXPECT_EQ(inclusion.error().code, ErrorCode::invalid);
  EXPECT_EQ(inclusion.error().field, "index");
  const auto consistency = prove_consistency(11, ten);
  ASSERT_FALSE(consistency);
  EXPECT_EQ(consistency.error().field, "old_size");
  TileHashes too_large = tree.store.tree(~std::uint64_t{0});
  EXPECT_FALSE(prove_inclusion(0, too_large));
  EXPECT_FALSE(verify_inclusion(Hash{}, 0, {~std::uint64_t{0}, Hash{}}, {}));
  EXPECT_FALSE(verify_consistency({1, Hash{}}, {~std::uint64_t{0}, Hash{}}, {}));
}

TEST(Proofs, ATileThatIsTooShortIsNotRead) {
  const Tree tree(300);
  for (const std::size_t length : {0U, 31U, 33U, 8191U, 8193U}) {
    TileHashes hashes(300, [&](const TileId&) -> Result<Bytes> { return Bytes(length, '\0'); });
    const auto proof = prove_inclusion(0, hashes);
    ASSERT_FALSE(proof);
    EXPECT_EQ(proof.error().code, ErrorCode::corrupt);
  }
}

TEST(RightEdge, HasTheRootOfEverySizeAndGoesOnFromTiles) {
  PlainTree plain;
  RightEdge edge;
  testing::MemoryLog store;
  std::vector<Tile> full;
  EXPECT_EQ(edge.root(), plain.root(0));
  std::mt19937_64 random(3);
  for (std::uint64_t size = 1; size <= 70'000; ++size) {
    Hash leaf;
    for (char& each : leaf.bytes) each = static_cast<char>(random());
    plain.add(leaf);
    edge.push(leaf, full);
    for (Tile& each : full) store.tiles[each.id] = std::move(each.hashes);
    full.clear();
    if (size > 1'100 && size % 499 != 0 && size < 65'500) continue;
    ASSERT_EQ(edge.root(), plain.root(size)) << size;
    for (Tile& each : edge.partial_tiles()) store.tiles[each.id] = std::move(each.hashes);
    if (size % 5 == 0) {
      auto again = RightEdge::load(size, store.tile_reader());
      ASSERT_TRUE(again);
      edge = std::move(*again);
      ASSERT_EQ(edge.root(), plain.root(size)) << size;
    }
  }
}

TEST(RightEdge, ASizeOfSeventyThousandHasTheTilesOfTheSpecification) {
  const testing::SampleLog log({70'000});
  std::size_t level_0 = 0;
  for (const auto& [id, hashes] : log.store.tiles) {
    EXPECT_EQ(hashes.size(), id.width * sha256_bytes);
    if (id.level == 0 && id.width == tile_width) ++level_0;
  }
  EXPECT_EQ(level_0, 273U);
  EXPECT_TRUE(log.store.tiles.contains(TileId{0, 273, 112}));
  EXPECT_TRUE(log.store.tiles.contains(TileId{1, 0}));
  EXPECT_TRUE(log.store.tiles.contains(TileId{1, 1, 17}));
  EXPECT_TRUE(log.store.tiles.contains(TileId{2, 0, 1}));
  EXPECT_EQ(log.store.tiles.size(), 273U + 4U);
  EXPECT_TRUE(log.store.bundles.contains(BundleId{273, 112}));
  EXPECT_EQ(log.store.bundles.size(), 274U);
}

}  // namespace
}  // namespace tradewind
