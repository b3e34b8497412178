// Appending to the transparency log and publishing it, proofs of inclusion, and a whole audit; all
// on one core, in memory, without disk or sync. Times are those of the thread on its processor,
// which other programs disturb less. Prints JSON lines.
//
//   bench_transparency [--quick]
#include <time.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "state/transparency/audit.h"
#include "state/transparency/log.h"
#include "tests/bench/figure.h"

namespace {

using namespace tradewind;
using bench::Figure;

constexpr std::size_t kEntryBytes = 500;
constexpr const char* kOrigin = "log.example/bench";

double processor_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

// Full tiles and bundles by place; of partial ones only the newest is kept.
struct Store {
  std::array<std::vector<Bytes>, tile_levels> tiles;
  std::vector<Bytes> bundles;

  static void put(std::vector<Bytes>& to, std::uint64_t index, Bytes bytes) {
    if (to.size() <= index) to.resize(index + 1);
    to[index] = std::move(bytes);
  }
  void take(std::vector<Tile>& from) {
    for (Tile& each : from) put(tiles[each.id.level], each.id.index, std::move(each.hashes));
    from.clear();
  }
  void take(Publication& publication) {
    take(publication.tiles);
    for (Bundle& each : publication.bundles) put(bundles, each.id.index, std::move(each.entries));
  }
  TileReader tile_reader() const {
    return [this](const TileId& id) -> Result<Bytes> { return tiles[id.level].at(id.index); };
  }
  BundleReader bundle_reader() const {
    return [this](const BundleId& id) -> Result<Bytes> { return bundles.at(id.index); };
  }
};

// The last round's log, for the audit.
struct Published {
  Store store;
  TreeHead head;
};

Published appending(std::uint64_t entries, std::uint64_t per_publication) {
  const SigningKey key = SigningKey::generate();
  Published published;
  Figure rate;
  for (int round = 0; round < bench::kRounds; ++round) {
    published = {};
    Log log(kOrigin);
    Bytes entry(kEntryBytes, 'e');
    const double start = processor_seconds();
    while (log.size() < entries) {
      for (std::uint64_t at = 0; at < per_publication; ++at) {
        const std::uint64_t index = log.size();
        std::memcpy(entry.data(), &index, sizeof index);
        if (!log.append(entry)) fail("an entry was refused");
      }
      auto publication = log.publish();
      if (!publication) fail("nothing was published");
      published.store.take(*publication);
      published.head = publication->head;
      const Bytes& text = publication->checkpoint;
      if (format_note({text, {sign_note(text, kOrigin, key)}}).empty()) fail("no checkpoint");
    }
    rate.add(static_cast<double>(entries) / (processor_seconds() - start));
  }
  rate.print_rate("500-byte entries appended and published, " + std::to_string(per_publication) +
                      " a checkpoint",
                  "1/s", 500'000);
  return published;
}

void auditing(const Published& published) {
  Figure rate;
  for (int round = 0; round < bench::kRounds; ++round) {
    const double start = processor_seconds();
    const Status good =
        audit({}, published.head, published.store.tile_reader(), published.store.bundle_reader());
    if (!good) fail(describe(good.error()));
    rate.add(static_cast<double>(published.head.size) / (processor_seconds() - start));
  }
  rate.print_rate("500-byte entries audited", "1/s", 500'000);
}

void proving(std::uint64_t size) {
  std::mt19937_64 random(1);
  Store store;
  RightEdge edge;
  std::vector<Tile> full;
  while (edge.size() < size) {
    Hash leaf;
    const std::uint64_t index = edge.size();
    std::memcpy(leaf.bytes.data(), &index, sizeof index);
    edge.push(leaf, full);
    if (full.size() >= 1024) store.take(full);
  }
  store.take(full);
  std::vector<Tile> partial = edge.partial_tiles();
  store.take(partial);
  const TreeHead head{size, edge.root()};
  const std::string among = " among " + std::to_string(size) + " entries";

  // One proof by itself reads and hashes all of its tiles; one of many finds the upper ones read.
  for (const bool alone : {true, false}) {
    TileHashes tree(size, store.tile_reader());
    Figure median;
    Figure p99;
    std::vector<double> times;
    for (int round = 0; round < bench::kRounds; ++round) {
      times.clear();
      for (int count = 0; count < 2'000; ++count) {
        if (alone) tree = TileHashes(size, store.tile_reader());
        const std::uint64_t index = random() % size;
        const double start = processor_seconds();
        const auto proof = prove_inclusion(index, tree);
        times.push_back((processor_seconds() - start) * 1e6);
        Hash leaf;
        std::memcpy(leaf.bytes.data(), &index, sizeof index);
        if (!proof || !verify_inclusion(leaf, index, head, *proof)) fail("a proof proves nothing");
      }
      std::ranges::sort(times);
      median.add(times[times.size() / 2]);
      p99.add(times[times.size() * 99 / 100]);
    }
    const std::string what =
        std::string(alone ? "proof of inclusion by itself" : "proof of inclusion, one of many") +
        among;
    median.print(what + ", median", "us", 100);
    p99.print(what + ", p99", "us");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc == 2 && std::string_view(argv[1]) == "--quick";
  if (argc > 1 && !quick) {
    std::fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
    return 2;
  }
  const std::uint64_t entries = quick ? 200'000 : 1'000'000;
  appending(entries, 1'000);
  auditing(appending(entries, 50'000));
  proving(quick ? 1'000'000 : 10'000'000);
  return 0;
}
