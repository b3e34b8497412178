// Hashing as in RFC 6962, section 2.1: leaves and inner nodes begin with different bytes, so that
// neither can pass for the other.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "state/identity/digest.h"

namespace tradewind {

struct Hash {
  std::array<char, sha256_bytes> bytes{};

  BytesView view() const { return {bytes.data(), bytes.size()}; }
  // `raw` must hold 32 bytes.
  static Hash from(BytesView raw);
  friend bool operator==(const Hash&, const Hash&) = default;
};

// Keeps the state of its algorithm between hashes, which makes them several times cheaper: make one
// and use it for many. One thread at a time.
class Hasher {
 public:
  Hash leaf(BytesView entry);                      // SHA-256(0x00 || entry)
  Hash node(const Hash& left, const Hash& right);  // SHA-256(0x01 || left || right)
  // The root over subtrees of equal height, the last of which may be lower. Not empty.
  Hash root(std::span<const Hash> subtrees);

 private:
  Sha256 digest_;
  std::vector<Hash> row_;
};

// The root of the tree without leaves: SHA-256 of nothing.
Hash empty_root();

}  // namespace tradewind
