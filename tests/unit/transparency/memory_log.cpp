#include "tests/unit/transparency/memory_log.h"

#include <string>

namespace tradewind::testing {
namespace {

tl::unexpected<Error> missing() {
  return fail(ErrorCode::not_found, "memory", "no such tile or bundle");
}

template <class Store>
void erase_partials(Store& store) {
  std::erase_if(store, [&](const auto& each) {
    auto full = each.first;
    full.width = tile_width;
    return each.first.width != tile_width && store.contains(full);
  });
}

}  // namespace

void MemoryLog::take(const Publication& publication) {
  for (const Tile& each : publication.tiles) tiles[each.id] = each.hashes;
  for (const Bundle& each : publication.bundles) bundles[each.id] = each.entries;
}

void MemoryLog::drop_partials() {
  erase_partials(tiles);
  erase_partials(bundles);
}

TileReader MemoryLog::tile_reader() const {
  return [this](const TileId& id) -> Result<Bytes> {
    if (const auto found = tiles.find(id); found != tiles.end()) return found->second;
    const auto full = tiles.find(TileId{id.level, id.index, tile_width});
    if (full == tiles.end()) return missing();
    return full->second.substr(0, id.width * sha256_bytes);
  };
}

BundleReader MemoryLog::bundle_reader() const {
  return [this](const BundleId& id) -> Result<Bytes> {
    if (const auto found = bundles.find(id); found != bundles.end()) return found->second;
    const auto full = bundles.find(BundleId{id.index, tile_width});
    if (full == bundles.end()) return missing();
    return first_entries(id, full->second);
  };
}

Bytes sample_entry(std::uint64_t index) {
  return std::to_string(index) + Bytes(index % 7, 'x');
}

SampleLog::SampleLog(std::vector<std::uint64_t> sizes) {
  Log log("log.example/1");
  for (const std::uint64_t size : sizes) {
    while (log.size() < size) log.append(sample_entry(log.size())).value();
    const Publication publication = log.publish().value();
    store.take(publication);
    heads[size] = head = publication.head;
  }
}

}  // namespace tradewind::testing
