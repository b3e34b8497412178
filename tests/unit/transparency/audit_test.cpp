#include "state/transparency/audit.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/transparency/memory_log.h"

namespace tradewind {
namespace {

using testing::sample_entry;
using testing::SampleLog;

Status audit_of(const SampleLog& log, const TreeHead& known = {}, const EntryVisitor& visit = {}) {
  return audit(known, log.head, log.store.tile_reader(), log.store.bundle_reader(), visit);
}

void flip(char& byte, unsigned bit) {
  byte = static_cast<char>(byte ^ (1 << bit));
}

TEST(Audit, ShowsEveryEntryOnceInOrder) {
  const SampleLog log({5, 256, 300, 1'000});
  std::uint64_t next = 0;
  const auto visit = [&](std::uint64_t index, BytesView entry) {
    EXPECT_EQ(index, next++);
    EXPECT_EQ(entry, sample_entry(index));
    return ok();
  };
  EXPECT_TRUE(audit_of(log, {}, visit));
  EXPECT_EQ(next, 1'000U);
  next = 300;
  EXPECT_TRUE(audit_of(log, log.heads.at(300), visit));
  EXPECT_EQ(next, 1'000U);
}

TEST(Audit, GoesOnFromAnyCheckpointThatWasKept) {
  SampleLog log({1, 5, 255, 256, 257, 300, 512, 1'000, 66'000});
  log.store.drop_partials();
  for (const auto& [size, head] : log.heads) {
    EXPECT_TRUE(audit_of(log, head)) << size;
    EXPECT_FALSE(audit_of(log, TreeHead{size, Hash{}})) << size;
  }
  EXPECT_TRUE(audit(TreeHead{}, TreeHead{}, log.store.tile_reader(), log.store.bundle_reader()));
  EXPECT_FALSE(
      audit(log.head, log.heads.at(300), log.store.tile_reader(), log.store.bundle_reader()));
}

TEST(Audit, DetectsAFlipOfAnyByteOfAnyTileOrBundle) {
  SampleLog log({300});
  ASSERT_TRUE(audit_of(log));
  std::mt19937_64 random(5);
  for (auto& [id, hashes] : log.store.tiles) {
    for (char& byte : hashes) {
      const auto bit = static_cast<unsigned>(random() % 8);
      flip(byte, bit);
      ASSERT_FALSE(audit_of(log));
      flip(byte, bit);
    }
  }
  for (auto& [id, entries] : log.store.bundles) {
    for (char& byte : entries) {
      const auto bit = static_cast<unsigned>(random() % 8);
      flip(byte, bit);
      ASSERT_FALSE(audit_of(log));
      flip(byte, bit);
    }
  }
  ASSERT_TRUE(audit_of(log));
}

TEST(Audit, DetectsAFlipInTilesOfEveryLevel) {
  SampleLog log({70'000});
  std::mt19937_64 random(6);
  for (auto& [id, hashes] : log.store.tiles) {
    if (id.level == 0 && random() % 30 != 0) continue;
    char& byte = hashes[random() % hashes.size()];
    flip(byte, 3);
    const Status found = audit_of(log);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::corrupt);
    flip(byte, 3);
  }
  ASSERT_TRUE(audit_of(log));
}

TEST(Audit, DetectsEntriesThatAreMissingAddedOrSwapped) {
  const SampleLog log({300});
  const BundleId last{1, 44};
  SampleLog changed = log;
  append_entry(changed.store.bundles[last], "one more");
  EXPECT_FALSE(audit_of(changed));
  changed = log;
  changed.store.bundles.erase(last);
  EXPECT_FALSE(audit_of(changed));
  changed = log;
  std::vector<BytesView> entries = decode_bundle(last, log.store.bundles.at(last)).value();
  std::swap(entries[3], entries[17]);
  Bytes swapped;
  for (const BytesView each : entries) append_entry(swapped, each);
  changed.store.bundles[last] = swapped;
  EXPECT_FALSE(audit_of(changed));
}

TEST(Audit, AnEntryThatChangedSinceTheKnownCheckpointIsDetectedInASharedBundle) {
  SampleLog log({270, 300});
  const Bytes& entries = log.store.bundles.at(BundleId{1, 44});
  const auto at = entries.find(sample_entry(260));
  ASSERT_NE(at, Bytes::npos);
  flip(log.store.bundles.at(BundleId{1, 44})[at], 0);
  EXPECT_FALSE(audit_of(log, log.heads.at(270)));
}

TEST(Audit, EndsWithTheVisitorsError) {
  const SampleLog log({300});
  const Status found = audit_of(log, {}, [](std::uint64_t index, BytesView) -> Status {
    if (index < 7) return ok();
    return fail(ErrorCode::invalid, "entry", "no more");
  });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "no more");
}

}  // namespace
}  // namespace tradewind
