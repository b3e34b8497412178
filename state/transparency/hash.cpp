#include "state/transparency/hash.h"

#include <algorithm>

#include "schemas/assert.h"
#include "state/identity/pair_digest.h"

namespace tradewind {

Hash Hash::from(BytesView raw) {
  TRADEWIND_ASSERT(raw.size() == sha256_bytes);
  Hash hash;
  std::ranges::copy(raw, hash.bytes.begin());
  return hash;
}

Hash Hasher::leaf(BytesView entry) {
  Hash hash;
  digest_.update(BytesView("\0", 1));
  digest_.update(entry);
  digest_.finish(hash.bytes);
  return hash;
}

Hash Hasher::node(const Hash& left, const Hash& right) {
  return Hash{sha256_pair(1, left.bytes, right.bytes)};
}

// Pairs from the left, an odd one goes up as it is: the same tree as the RFC's split at the largest
// power of two.
Hash Hasher::root(std::span<const Hash> subtrees) {
  TRADEWIND_ASSERT(!subtrees.empty());
  row_.assign(subtrees.begin(), subtrees.end());
  while (row_.size() > 1) {
    const std::size_t pairs = row_.size() / 2;
    for (std::size_t at = 0; at < pairs; ++at) row_[at] = node(row_[2 * at], row_[2 * at + 1]);
    if (row_.size() % 2 == 1) row_[pairs] = row_.back();
    row_.resize((row_.size() + 1) / 2);
  }
  return row_.front();
}

Hash empty_root() {
  return Hash::from(sha256(""));
}

}  // namespace tradewind
