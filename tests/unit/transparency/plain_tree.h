// RFC 6962's definitions taken literally, over a list of leaf hashes: what everything else is held
// against.
#pragma once

#include <cstdint>
#include <vector>

#include "state/transparency/hash.h"

namespace tradewind::testing {

class PlainTree {
 public:
  void add(const Hash& leaf);
  std::uint64_t size() const { return complete_.empty() ? 0 : complete_[0].size(); }
  // MTH, PATH and PROOF of the first `size` leaves.
  Hash root(std::uint64_t size) const;
  std::vector<Hash> path(std::uint64_t index, std::uint64_t size) const;
  std::vector<Hash> proof(std::uint64_t old_size, std::uint64_t size) const;

 private:
  Hash hash(std::uint64_t begin, std::uint64_t end) const;
  void path(std::uint64_t index, std::uint64_t begin, std::uint64_t end,
            std::vector<Hash>& out) const;
  void subproof(std::uint64_t old_size, std::uint64_t begin, std::uint64_t end, bool whole,
                std::vector<Hash>& out) const;

  // Of each height the complete subtrees, which saves computing them again and again.
  std::vector<std::vector<Hash>> complete_;
  mutable Hasher hasher_;
};

}  // namespace tradewind::testing
