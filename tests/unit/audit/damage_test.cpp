// Whatever byte of a stored log is changed: opening it, going on from it, or auditing it says so.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "broker/audit/log_writer.h"
#include "tests/unit/audit/sample_log.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;
using sample::TemporaryDirectory;

constexpr std::uint64_t kSize = 600;
constexpr unsigned kSeeds = 5;
constexpr unsigned kFileFlips = 200;  // each seed
constexpr unsigned kValueFlips = 1'000;

// A copy of a journal's directory, in memory where the system has files there: a thousand openings
// with their syncs would keep a disk busy for minutes.
class Copy {
 public:
  explicit Copy(const fs::path& original) {
    const fs::path memory = "/dev/shm";
    std::string name = ((fs::is_directory(memory) ? memory : fs::temp_directory_path()) /
                        "tradewind-damage-XXXXXX")
                           .string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    fs::copy(original, path_, fs::copy_options::recursive);
  }
  ~Copy() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Everything that a reader of the journal and its log can get, in one text.
Result<Bytes> everything(const Journal& journal, const LogStore& log) {
  Bytes all;
  Result<Bytes> data;
  const Status read = journal.read(Sequence{1}, [&](Sequence sequence, const Entry& entry) {
    const Leaf leaf = sample::leaf_writer().write(sequence, entry);
    all += leaf.event;
    if (leaf.data) data = log.data(sha256(*leaf.data));
    if (data) all += *data;
    return data.has_value();
  });
  if (!read) return fail(read.error());
  if (!data) return fail(data.error());
  for (std::uint64_t begin = 0; begin < kSize; begin += tile_width) {
    const auto width = static_cast<unsigned>(std::min<std::uint64_t>(tile_width, kSize - begin));
    for (const auto& part : {log.read(TileId{0, begin / tile_width, width}),
                             log.read(BundleId{begin / tile_width, width})}) {
      if (!part) return fail(part.error());
      all += *part;
    }
  }
  const auto top = log.read(TileId{1, 0, 2});
  if (!top) return fail(top.error());
  const auto checkpoint = log.checkpoint();
  if (!checkpoint) return fail(checkpoint.error());
  all += *top + checkpoint->value_or("none");
  const Status rows = log.index_rows("", "", [&](std::string_view key, BytesView value) {
    all += key;
    all += value;
    return true;
  });
  if (!rows) return fail(rows.error());
  return all;
}

// What opening, going on and auditing have against it, or all that it holds.
Result<Bytes> judge(const fs::path& directory) {
  auto journal = Journal::open(directory);
  if (!journal) return fail(journal.error());
  const auto writer = sample::recover(**journal);
  if (!writer) return fail(writer.error());
  if (const Status whole = sample::audit_whole((*journal)->log()); !whole) {
    return fail(whole.error());
  }
  return everything(**journal, (*journal)->log());
}

void flip(const fs::path& file, std::uintmax_t offset, unsigned bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const int byte = stream.get();
  ASSERT_NE(byte, EOF);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(static_cast<char>(byte ^ (1 << bit)));
}

// The files with entries, tiles and bundles; the store keeps its options and its name beside them.
std::vector<fs::path> data_files(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& each : fs::directory_iterator(directory / "store")) {
    const std::string name = each.path().filename();
    if (name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST")) {
      files.push_back(each.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

// Each flip in a copy of its own. A flipped byte that no reader ever gets, such as padding, may
// stay unseen when all that can be read is what it was.
class LogDamage : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, LogDamage, ::testing::Range(1U, 1U + kSeeds));

TEST_P(LogDamage, AFlippedBitInTheStoresFilesIsFoundOrChangesNothing) {
  const TemporaryDirectory original;
  sample::make_log(original.path(), kSize);
  // Opened once more, most of it lies in tables and the newest part in the store's own log.
  {
    const auto journal = sample::open(original.path());
    ASSERT_TRUE(sample::recover(*journal));
  }
  const auto whole = [&] {
    const Copy copy(original.path());
    return judge(copy.path());
  }();
  ASSERT_TRUE(whole) << describe(whole.error());

  const auto files = data_files(original.path());
  std::vector<std::uintmax_t> sizes;
  for (const fs::path& each : files) sizes.push_back(fs::file_size(each));
  std::discrete_distribution<std::size_t> which(sizes.begin(), sizes.end());
  std::mt19937_64 random(GetParam());
  unsigned unseen = 0;
  for (unsigned count = 0; count < kFileFlips; ++count) {
    const Copy copy(original.path());
    const std::size_t file = which(random);
    const std::uintmax_t offset = random() % sizes[file];
    flip(copy.path() / "store" / files[file].filename(), offset,
         static_cast<unsigned>(random() % 8));
    const auto judged = judge(copy.path());
    if (!judged) continue;
    ++unseen;
    ASSERT_EQ(*judged, *whole) << "flip " << count << ": " << files[file].filename() << " at "
                               << offset;
  }
  RecordProperty("unseen", static_cast<int>(unseen));
  EXPECT_LT(unseen, kFileFlips / 10);
}

// As somebody changes them who can write the store, checksums and all: tiles, bundles and the
// checkpoint. Here nothing may stay unseen.
TEST(LogValueDamage, AFlippedBitInATileABundleOrTheCheckpointIsFound) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), kSize);
  const auto journal = sample::open(directory.path());
  LogStore& log = journal->log();
  const VerifierKey key{sample::kOrigin, KeyType::ed25519, sample::log_key().public_key()};
  std::vector<TileId> tiles = {{0, 0, 256}, {0, 1, 256}, {0, 2, 88}, {1, 0, 2}};
  std::vector<BundleId> bundles = {{0, 256}, {1, 256}, {2, 88}};
  std::mt19937_64 random(2);
  const auto flipped = [&](Bytes bytes) {
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    return bytes;
  };
  for (unsigned count = 0; count < kValueFlips; ++count) {
    LogBatch damage;
    LogBatch repair;
    const std::uint64_t what = random() % 3;
    if (what == 0) {
      const TileId id = tiles[random() % tiles.size()];
      repair.tiles.push_back({id, *log.read(id)});
      damage.tiles.push_back({id, flipped(repair.tiles[0].hashes)});
    } else if (what == 1) {
      const BundleId id = bundles[random() % bundles.size()];
      repair.bundles.push_back({id, *log.read(id)});
      damage.bundles.push_back({id, flipped(repair.bundles[0].entries)});
    } else {
      EXPECT_FALSE(open_checkpoint(flipped(**log.checkpoint()), key));
      continue;
    }
    ASSERT_TRUE(log.write(damage));
    EXPECT_FALSE(sample::audit_whole(log)) << "flip " << count;
    ASSERT_TRUE(log.write(repair));
  }
  EXPECT_TRUE(sample::audit_whole(log));
}

}  // namespace
}  // namespace tradewind
