#include "state/transparency/proof.h"

#include <algorithm>
#include <bit>

#include "schemas/assert.h"
#include "state/transparency/limits.h"

namespace tradewind {
namespace {

struct Range {
  std::uint64_t begin;
  std::uint64_t end;
};

// Where a subtree of `count` > 1 leaves is split: the largest power of two below it.
std::uint64_t split(std::uint64_t count) {
  return std::bit_floor(count - 1);
}

Result<std::vector<Hash>> hashes_of(const std::vector<Range>& top_first, TileHashes& tree) {
  std::vector<Hash> proof;
  proof.reserve(top_first.size());
  for (auto each = top_first.rbegin(); each != top_first.rend(); ++each) {
    const auto hash = tree.range(each->begin, each->end);
    if (!hash) return fail(hash.error());
    proof.push_back(*hash);
  }
  return proof;
}

Status check_size(const char* field, std::uint64_t size) {
  if (size <= limits::tree_size_max) return ok();
  return fail(
      ErrorCode::invalid, field,
      std::to_string(size) + " is over the limit of " + std::to_string(limits::tree_size_max),
      "give the size of a tree");
}

// The way from a node up to the root, for those who know the tree's size alone.
struct Way {
  std::uint64_t node;  // its number at its level, from the left
  std::uint64_t last;  // the number of the last node of that level

  bool done() const { return last == 0; }
  // Whether the next hash beside the way stands to its left; otherwise to its right.
  bool has_left() const { return (node & 1) != 0 || node == last; }
  void up() {
    // The last node of an odd row goes up as it is.
    if (has_left()) {
      while ((node & 1) == 0 && node != 0) shift();
    }
    shift();
  }
  void shift() {
    node >>= 1;
    last >>= 1;
  }
};

tl::unexpected<Error> not_proved(const char* what) {
  return fail(ErrorCode::invalid, "proof", what,
              "ask for the proof again, for just these sizes; if it stays so, keep the checkpoint "
              "as evidence");
}

}  // namespace

Result<std::vector<Hash>> prove_inclusion(std::uint64_t index, TileHashes& tree) {
  const std::uint64_t size = tree.size();
  if (const Status sized = check_size("size", size); !sized) return fail(sized.error());
  if (index >= size) {
    return fail(ErrorCode::invalid, "index",
                std::to_string(index) + " is not in a tree of " + std::to_string(size) + " leaves",
                "give an index below the size");
  }
  std::vector<Range> beside;
  Range around{0, size};
  while (around.end - around.begin > 1) {
    const std::uint64_t middle = around.begin + split(around.end - around.begin);
    if (index < middle) {
      beside.push_back({middle, around.end});
      around.end = middle;
    } else {
      beside.push_back({around.begin, middle});
      around.begin = middle;
    }
  }
  return hashes_of(beside, tree);
}

Result<std::vector<Hash>> prove_consistency(std::uint64_t old_size, TileHashes& tree) {
  const std::uint64_t size = tree.size();
  if (const Status sized = check_size("size", size); !sized) return fail(sized.error());
  if (old_size > size) {
    return fail(ErrorCode::invalid, "old_size",
                std::to_string(old_size) + " is more than the " + std::to_string(size) +
                    " leaves of the newer tree",
                "give a size of at most that");
  }
  std::vector<Range> needed;
  if (old_size == 0 || old_size == size) return std::vector<Hash>{};
  Range around{0, size};
  while (around.end != old_size) {
    const std::uint64_t middle = around.begin + split(around.end - around.begin);
    if (old_size <= middle) {
      needed.push_back({middle, around.end});
      around.end = middle;
    } else {
      needed.push_back({around.begin, middle});
      around.begin = middle;
    }
  }
  // The old tree's own root is known to whoever checks.
  if (around.begin != 0) needed.push_back(around);
  return hashes_of(needed, tree);
}

Status verify_inclusion(const Hash& leaf, std::uint64_t index, const TreeHead& head,
                        std::span<const Hash> proof) {
  if (const Status sized = check_size("size", head.size); !sized) return sized;
  if (index >= head.size) return not_proved("the index is not in the tree");
  Hasher hasher;
  Hash root = leaf;
  Way way{index, head.size - 1};
  for (const Hash& each : proof) {
    if (way.done()) return not_proved("the proof is too long");
    root = way.has_left() ? hasher.node(each, root) : hasher.node(root, each);
    way.up();
  }
  if (!way.done()) return not_proved("the proof is too short");
  if (root != head.root) return not_proved("the proof leads to another root");
  return ok();
}

Status verify_consistency(const TreeHead& old_head, const TreeHead& head,
                          std::span<const Hash> proof) {
  if (const Status sized = check_size("size", head.size); !sized) return sized;
  if (old_head.size > head.size) return not_proved("the newer tree is the smaller one");
  if ((old_head.size == 0 && old_head.root != empty_root()) ||
      (head.size == 0 && head.root != empty_root())) {
    return not_proved("a tree without leaves has another root than SHA-256 of nothing");
  }
  if (old_head.size == 0 || old_head.size == head.size) {
    if (!proof.empty()) return not_proved("nothing is to be proved, and yet there is a proof");
    if (old_head.size == head.size && old_head.root != head.root) {
      return not_proved("two trees of one size have different roots");
    }
    return ok();
  }

  Hasher hasher;
  Way way{old_head.size - 1, head.size - 1};
  while ((way.node & 1) != 0) way.shift();
  Hash old_root = old_head.root;
  if (!std::has_single_bit(old_head.size)) {
    if (proof.empty()) return not_proved("the proof is too short");
    old_root = proof.front();
    proof = proof.subspan(1);
  }
  Hash root = old_root;
  for (const Hash& each : proof) {
    if (way.done()) return not_proved("the proof is too long");
    if (way.has_left()) {
      old_root = hasher.node(each, old_root);
      root = hasher.node(each, root);
    } else {
      root = hasher.node(root, each);
    }
    way.up();
  }
  if (!way.done()) return not_proved("the proof is too short");
  if (old_root != old_head.root) return not_proved("the proof leads to another old root");
  if (root != head.root) return not_proved("the proof leads to another root");
  return ok();
}

}  // namespace tradewind
