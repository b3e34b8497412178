// A feed gives entries from where it is asked, never others, and a log that is made from one is the
// log that is read from the journal.
#include "broker/audit/entry_feed.h"

#include <gtest/gtest.h>

#include "tests/unit/audit/sample_log.h"

namespace tradewind {
namespace {

std::vector<Entry> entries(std::uint64_t first, std::uint64_t last) {
  std::vector<Entry> made;
  for (std::uint64_t at = first; at <= last; ++at) made.push_back(sample::log_entry(at));
  return made;
}

TEST(EntryFeed, GivesEachBatchFromWhereItIsAsked) {
  EntryFeed feed;
  feed.put(Sequence{1}, entries(1, 3), 30);
  feed.put(Sequence{4}, entries(4, 9), 60);
  EXPECT_EQ(feed.take(Sequence{1}), entries(1, 3));
  EXPECT_EQ(feed.take(Sequence{6}), entries(6, 9));
  EXPECT_TRUE(feed.take(Sequence{10}).empty());
}

TEST(EntryFeed, HasNothingBeforeItsFirstAndLetsGoOfWhatIsPassed) {
  EntryFeed feed(10, 1'000);
  feed.put(Sequence{5}, entries(5, 9), 50);
  EXPECT_TRUE(feed.take(Sequence{4}).empty());
  EXPECT_TRUE(feed.take(Sequence{10}).empty());
  // There is room for as many again.
  feed.put(Sequence{10}, entries(10, 19), 100);
  EXPECT_EQ(feed.take(Sequence{10}).size(), 10U);
}

TEST(EntryFeed, TakesNoMoreThanItHasRoomFor) {
  EntryFeed by_count(4, 1'000);
  by_count.put(Sequence{1}, entries(1, 3), 30);
  by_count.put(Sequence{4}, entries(4, 5), 20);
  by_count.put(Sequence{6}, entries(6, 6), 10);
  EXPECT_EQ(by_count.take(Sequence{1}).size(), 3U);
  EXPECT_TRUE(by_count.take(Sequence{4}).empty());
  EXPECT_EQ(by_count.take(Sequence{6}).size(), 1U);
  EntryFeed by_bytes(100, 50);
  by_bytes.put(Sequence{1}, entries(1, 1), 51);
  EXPECT_TRUE(by_bytes.take(Sequence{1}).empty());
  by_bytes.put(Sequence{2}, entries(2, 2), 50);
  EXPECT_EQ(by_bytes.take(Sequence{2}).size(), 1U);
}

TEST(EntryFeed, ALogMadeFromItWithGapsIsTheOneReadFromTheJournal) {
  const sample::TemporaryDirectory directory;
  const sample::TemporaryDirectory other;
  const auto read = sample::open(directory.path());
  sample::grow(*read, 900);
  auto reader = sample::recover(*read);
  ASSERT_TRUE(reader);
  sample::publish(*reader);

  const auto journal = sample::open(other.path());
  EntryFeed feed;
  sample::grow(*journal, 1);
  auto writer = sample::recover(*journal, {.entries = 23, .bytes = 1 << 20}, &feed);
  ASSERT_TRUE(writer);
  for (std::uint64_t last = 1; last < 900;) {
    const std::uint64_t first = last + 1;
    last = std::min<std::uint64_t>(900, last + 1 + first % 41);
    sample::grow(*journal, last);
    // Each third is missing; others come late, or twice.
    if (first % 3 != 0) feed.put(Sequence{first}, entries(first, last), 1);
    if (first % 5 != 0) ASSERT_TRUE(writer->write());
    if (first % 7 == 0) feed.put(Sequence{first}, entries(first, last), 1);
  }
  sample::publish(*writer);
  EXPECT_EQ(*journal->log().checkpoint(), *read->log().checkpoint());
}

}  // namespace
}  // namespace tradewind
