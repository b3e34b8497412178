// What a log published, in memory, and readers over it.
#pragma once

#include <map>
#include <string>

#include "state/transparency/log.h"

namespace tradewind::testing {

struct MemoryLog {
  std::map<TileId, Bytes> tiles;
  std::map<BundleId, Bytes> bundles;

  void take(const Publication& publication);
  // Drops partial tiles and bundles whose full ones are there.
  void drop_partials();
  // Both fall back to the full tile or bundle; the log must outlive them.
  TileReader tile_reader() const;
  TileHashes tree(std::uint64_t size) const { return {size, tile_reader()}; }
  BundleReader bundle_reader() const;
};

// Entries of some different lengths, none equal to another.
Bytes sample_entry(std::uint64_t index);

// A log of so many sample entries, published at each of `sizes`, which rise.
struct SampleLog {
  explicit SampleLog(std::vector<std::uint64_t> sizes);
  MemoryLog store;
  std::map<std::uint64_t, TreeHead> heads;  // by size
  TreeHead head;                            // the newest
};

}  // namespace tradewind::testing
