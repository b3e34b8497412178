// Appending to the transparency log and publishing it, proofs of inclusion, and a whole audit; all
// on one core, in memory, without disk or sync. Times are those of the thread on its processor,
// which other programs disturb less. With a folder, also entries through the journal on its disk
// until a checkpoint covers them, by the clock on the wall. Prints JSON lines.
//
//   bench_transparency [--quick] [FOLDER]
#include <time.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/audit/log_publisher.h"
#include "schemas/codec.h"
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

// An entry of about 500 bytes in the journal, and in the log.
Entry sample_entry(std::uint64_t sequence) {
  static const std::size_t others =
      encode(Entry{{}, AttemptLost{{job_id(Sequence{1}), 1}, ""}}).size();
  return Entry{wall_from_ms(1'700'000'000'000),
               AttemptLost{{job_id(Sequence{sequence}), 1}, Bytes(kEntryBytes - others, 'x')}};
}

// Entries committed by one thread, `per_commit` with each sync, and published by another.
void publishing(const std::filesystem::path& folder, std::uint64_t entries, std::size_t per_commit,
                const LeafWriter& leaves, const LeafMaker& make, const std::string& name,
                std::optional<double> goal) {
  std::vector<JournalBatch> batches;
  for (std::uint64_t sequence = 1; sequence <= entries;) {
    JournalBatch& batch = batches.emplace_back();
    while (batch.entries.size() < per_commit && sequence <= entries) {
      batch.entries.push_back(sample_entry(sequence++));
    }
  }
  const SigningKey key = SigningKey::generate();
  const std::filesystem::path directory = folder / "bench_transparency.tmp";
  Figure rate;
  for (int round = 0; round < bench::kRounds; ++round) {
    std::filesystem::remove_all(directory);
    auto journal = Journal::open(directory);
    if (!journal) fail(describe(journal.error()));
    if (!(*journal)->commit({{}, {}, {{std::string(journal_term_key), "1"}}})) fail("no term");
    auto writer = LogWriter::recover(kOrigin, **journal, make, key);
    if (!writer) fail(describe(writer.error()));
    PublishedLog log(**journal, (*journal)->log(), leaves,
                     VerifierKey{kOrigin, KeyType::ed25519, key.public_key()});
    const auto start = bench::Clock::now();
    const auto publisher = LogPublisher::start({}, std::move(*writer), log);
    for (const JournalBatch& each : batches) {
      if (const Status done = (*journal)->commit(each); !done) fail(describe(done.error()));
    }
    while (log.shown() == nullptr || log.shown()->checkpoint.head.size < entries) {
      if (const auto error = log.state().error) fail(describe(*error));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    rate.add(static_cast<double>(entries) /
             (bench::microseconds(bench::Clock::now() - start) * 1e-6));
  }
  std::filesystem::remove_all(directory);
  const std::string metric = name + ", " + std::to_string(per_commit) + " a commit";
  if (goal) {
    rate.print_rate(metric, "1/s", *goal);
  } else {
    rate.print(metric, "1/s");
  }
}

void publishing(const std::filesystem::path& folder, bool quick) {
  const LeafWriter leaves("//log.example", Bytes(32, 's'));
  const std::uint64_t entries = quick ? 200'000 : 1'000'000;
  const Bytes filler(kEntryBytes, 'e');
  // Bytes of no form, which the index does not take.
  const LeafMaker plain = [&](Sequence sequence, const Entry&) {
    Leaf leaf{filler, {}};
    std::memcpy(leaf.event.data(), &sequence.value, sizeof sequence.value);
    return leaf;
  };
  publishing(folder, entries, 5'000, leaves, plain,
             "500-byte entries durable in the journal and in a published checkpoint", 150'000);
  const LeafMaker real = [&](Sequence sequence, const Entry& entry) {
    return leaves.write(sequence, entry);
  };
  publishing(folder, entries / 2, 5'000, leaves, real, "the same as events, with their index", {});
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  const int used = quick ? 2 : 1;
  if (argc > used + 1 || (argc > used && argv[used][0] == '-')) {
    std::fprintf(stderr, "usage: %s [--quick] [FOLDER]\n", argv[0]);
    return 2;
  }
  const std::uint64_t entries = quick ? 200'000 : 1'000'000;
  appending(entries, 1'000);
  auditing(appending(entries, 50'000));
  proving(quick ? 1'000'000 : 10'000'000);
  if (argc > used) publishing(argv[used], quick);
  return 0;
}
