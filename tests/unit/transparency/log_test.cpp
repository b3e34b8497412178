#include "state/transparency/log.h"

#include <gtest/gtest.h>

#include <random>

#include "state/transparency/audit.h"
#include "state/transparency/limits.h"
#include "tests/unit/transparency/memory_log.h"

namespace tradewind {
namespace {

using testing::MemoryLog;
using testing::sample_entry;
using testing::SampleLog;

constexpr const char* kOrigin = "log.example/1";

TEST(Log, GivesIndicesInOrderAndPublishesOnlyWhatIsNew) {
  Log log(kOrigin);
  const auto empty = log.publish();
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->head, TreeHead{});
  EXPECT_TRUE(empty->tiles.empty());
  EXPECT_TRUE(empty->bundles.empty());
  EXPECT_FALSE(log.publish());
  for (std::uint64_t index = 0; index < 300; ++index) {
    EXPECT_EQ(log.append(sample_entry(index)).value(), index);
  }
  const auto first = log.publish();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->head.size, 300U);
  // The full tile and bundle, and the partial ones of levels 0 and 1.
  EXPECT_EQ(first->tiles.size(), 3U);
  EXPECT_EQ(first->bundles.size(), 2U);
  EXPECT_EQ(parse_checkpoint(first->checkpoint).value(), (Checkpoint{kOrigin, first->head, {}}));
  EXPECT_FALSE(log.publish());
  ASSERT_TRUE(log.append("x"));
  const auto second = log.publish();
  ASSERT_TRUE(second);
  // Level 1 has not changed.
  ASSERT_EQ(second->tiles.size(), 1U);
  EXPECT_EQ(second->tiles[0].id, (TileId{0, 1, 45}));
  ASSERT_EQ(second->bundles.size(), 1U);
  EXPECT_EQ(second->bundles[0].id, (BundleId{1, 45}));
}

TEST(Log, RefusesLeavesThatNoBundleCanHold) {
  Log log(kOrigin);
  EXPECT_TRUE(log.append(Bytes(65'535, 'x')));
  const auto refused = log.append(Bytes(65'536, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  EXPECT_EQ(log.size(), 1U);
}

TEST(Log, TakesNoMoreThanItsBoundBetweenPublications) {
  Log log(kOrigin);
  const Bytes leaf(limits::leaf_bytes_max, 'x');
  Result<std::uint64_t> last = log.append(leaf);
  while (last) last = log.append(leaf);
  EXPECT_EQ(last.error().code, ErrorCode::exhausted);
  EXPECT_TRUE(log.publish());
  EXPECT_TRUE(log.append(leaf));
}

TEST(Log, AnyScheduleOfPublicationsAndRestartsGivesConsistentCheckpointsOfOneLog) {
  std::mt19937_64 random(11);
  for (int run = 0; run < 20; ++run) {
    MemoryLog store;
    std::vector<TreeHead> heads;
    std::optional<TreeHead> signed_head;
    TreeHead stored;
    std::optional<Log> log(std::in_place, kOrigin);
    const std::uint64_t most = run == 0 ? 70'000 : 1'500;
    while (log->size() < most) {
      const std::uint64_t more = 1 + random() % (run == 0 ? 9'000 : 200);
      for (std::uint64_t at = 0; at < more; ++at) {
        ASSERT_TRUE(log->append(sample_entry(log->size())));
      }
      const auto choice = random() % 4;
      if (choice > 0) {
        const auto publication = log->publish();
        ASSERT_TRUE(publication);
        store.take(*publication);
        stored = publication->head;
        // A crash between writing the tiles and signing leaves the older checkpoint.
        if (choice > 1) {
          signed_head = stored;
          heads.push_back(stored);
        }
        if (choice == 2) store.drop_partials();
      }
      if (choice < 2) {
        auto again =
            Log::recover(kOrigin, stored, signed_head, store.tile_reader(), store.bundle_reader());
        ASSERT_TRUE(again) << describe(again.error());
        ASSERT_EQ(again->size(), stored.size);
        log.emplace(std::move(*again));
      }
    }
    for (std::size_t at = 1; at < heads.size(); ++at) {
      TileHashes tree = store.tree(heads[at].size);
      const auto proof = prove_consistency(heads[at - 1].size, tree);
      if (!proof) continue;  // a partial tile of that size was dropped
      EXPECT_TRUE(verify_consistency(heads[at - 1], heads[at], *proof));
    }
    const auto last = log->publish();
    if (last) {
      store.take(*last);
      stored = last->head;
    }
    EXPECT_TRUE(audit(TreeHead{}, stored, store.tile_reader(), store.bundle_reader()));
    EXPECT_EQ(stored, SampleLog({stored.size}).head);
  }
}

TEST(Log, ARestartWithoutNewLeavesSignsTheSameTextAgain) {
  SampleLog log({300});
  auto again = Log::recover(kOrigin, log.head, std::nullopt, log.store.tile_reader(),
                            log.store.bundle_reader());
  ASSERT_TRUE(again);
  const auto publication = again->publish();
  ASSERT_TRUE(publication);
  EXPECT_EQ(publication->head, log.head);
  EXPECT_TRUE(publication->tiles.empty());
  EXPECT_TRUE(publication->bundles.empty());

  auto signed_before =
      Log::recover(kOrigin, log.head, log.head, log.store.tile_reader(), log.store.bundle_reader());
  ASSERT_TRUE(signed_before);
  EXPECT_FALSE(signed_before->publish());
}

void expect_refused(const SampleLog& log, const TreeHead& stored,
                    const std::optional<TreeHead>& signed_head) {
  const auto recovered = Log::recover(kOrigin, stored, signed_head, log.store.tile_reader(),
                                      log.store.bundle_reader());
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, ErrorCode::corrupt) << describe(recovered.error());
}

TEST(Log, RefusesToGoOnBehindWhatWasSigned) {
  const SampleLog log({300, 310});
  expect_refused(log, log.heads.at(300), log.heads.at(310));
}

TEST(Log, RefusesToGoOnFromAnotherTreeThanWasSigned) {
  const SampleLog log({300, 310});
  expect_refused(log, log.head, TreeHead{300, Hash{}});
  expect_refused(log, log.head, TreeHead{310, Hash{}});
  expect_refused(log, TreeHead{310, Hash{}}, std::nullopt);
}

TEST(Log, RefusesARightEdgeWithAnyByteChanged) {
  const SampleLog log({300});
  for (const TileId& id : {TileId{0, 1, 44}, TileId{1, 0, 1}}) {
    for (std::size_t at = 0; at < log.store.tiles.at(id).size(); ++at) {
      SampleLog changed = log;
      char& byte = changed.store.tiles.at(id)[at];
      byte = static_cast<char>(byte ^ 1);
      expect_refused(changed, log.head, std::nullopt);
    }
  }
  const BundleId last{1, 44};
  for (std::size_t at = 0; at < log.store.bundles.at(last).size(); ++at) {
    SampleLog changed = log;
    char& byte = changed.store.bundles.at(last)[at];
    byte = static_cast<char>(byte ^ 1);
    expect_refused(changed, log.head, log.head);
  }
}

}  // namespace
}  // namespace tradewind
