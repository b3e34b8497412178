#include "state/transparency/log_directory.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "state/transparency/audit.h"
#include "state/transparency/tile_path.h"
#include "tests/unit/transparency/memory_log.h"

namespace tradewind {
namespace {

std::filesystem::path make_scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "tradewind-log-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

struct LogDirectoryTest : ::testing::Test {
  ~LogDirectoryTest() override { std::filesystem::remove_all(scratch); }

  const std::filesystem::path scratch = make_scratch();
  const LogDirectory directory{scratch / "not" / "there yet"};
};

TEST_F(LogDirectoryTest, HoldsALogThatAnAuditReadsBack) {
  Log log("log.example/1");
  TreeHead head;
  for (const std::uint64_t size : {10U, 300U, 600U}) {
    while (log.size() < size) log.append(testing::sample_entry(log.size())).value();
    const Publication publication = log.publish().value();
    ASSERT_TRUE(directory.write(publication.tiles, publication.bundles));
    ASSERT_TRUE(directory.write_checkpoint(publication.checkpoint));
    head = publication.head;
  }
  const auto tiles = [&](const TileId& id) { return directory.read(id); };
  const auto bundles = [&](const BundleId& id) { return directory.read(id); };
  EXPECT_TRUE(audit({}, head, tiles, bundles));
  EXPECT_EQ(parse_checkpoint(directory.read_checkpoint().value()).value().head, head);

  const auto folder = scratch / "not" / "there yet";
  std::size_t files = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
    if (!each.is_regular_file()) continue;
    ++files;
    struct stat facts{};
    ASSERT_EQ(::stat(each.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0644U) << each.path();
    const std::string path = std::filesystem::relative(each.path(), folder).string();
    EXPECT_TRUE(path == "checkpoint" || parse_tile_path(path)) << path;
  }
  EXPECT_GT(files, 10U);
  EXPECT_TRUE(std::filesystem::exists(folder / "tile/0/001.p/44"));
  EXPECT_TRUE(std::filesystem::exists(folder / "tile/entries/000"));

  // Partial ones may be taken away once the full one is there.
  std::filesystem::remove_all(folder / "tile/0/000.p");
  std::filesystem::remove_all(folder / "tile/entries/000.p");
  EXPECT_EQ(directory.read(TileId{0, 0, 10}).value(),
            directory.read(TileId{0, 0}).value().substr(0, 320));
  EXPECT_TRUE(decode_bundle({0, 10}, directory.read(BundleId{0, 10}).value()));
}

TEST_F(LogDirectoryTest, SaysWhatIsNotThere) {
  for (const auto& found : {directory.read(TileId{0, 7, 9}), directory.read(BundleId{7, 9}),
                            directory.read_checkpoint()}) {
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::not_found);
  }
}

TEST_F(LogDirectoryTest, NamesThePathThatItCannotWrite) {
  const LogDirectory broken("/dev/null/log");
  const Status written = broken.write_checkpoint("x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::unavailable);
  EXPECT_NE(written.error().field.find("/dev/null"), std::string::npos);
}

}  // namespace
}  // namespace tradewind
