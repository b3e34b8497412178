// Entry bundles: the leaves under one level-0 tile, as bytes (C2SP tlog-tiles). Each entry is its
// length in two bytes, most significant first, then the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

struct BundleId {
  std::uint64_t index = 0;  // of the level-0 tile over the same entries
  unsigned width = 256;     // entries, 1 to 256
  friend auto operator<=>(const BundleId&, const BundleId&) = default;
};

struct Bundle {
  BundleId id;
  Bytes entries;
  friend bool operator==(const Bundle&, const Bundle&) = default;
};

// As TileReader (tile.h), for bundles.
using BundleReader = std::function<Result<Bytes>(const BundleId&)>;

// The entry must be at most limits::leaf_bytes_max long.
void append_entry(Bytes& bundle, BytesView entry);

// The entries, which point into `bundle`; exactly as many as the id says and nothing after them.
// Fails with ErrorCode::corrupt.
Result<std::vector<BytesView>> decode_bundle(const BundleId& id, BytesView bundle);

// The bytes of the first `width` entries of a full bundle, which are those of the partial one.
// Fails with ErrorCode::corrupt when there are fewer.
Result<Bytes> first_entries(const BundleId& partial, BytesView full);

}  // namespace tradewind
