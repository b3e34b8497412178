// Every filter finds exactly the leaves that it should, and an index made anew is the one that
// grew.
#include "broker/audit/log_index.h"

#include <gtest/gtest.h>

#include "tests/unit/audit/sample_log.h"

namespace tradewind {
namespace {

using sample::TemporaryDirectory;

std::vector<IndexRow> all_rows(const LogStore& store) {
  std::vector<IndexRow> rows;
  EXPECT_TRUE(store.index_rows("", "", [&](std::string_view key, BytesView value) {
    rows.push_back({std::string(key), Bytes(value)});
    return true;
  }));
  return rows;
}

// Published in many small steps, so that rows of the bundle that is not full are written over.
void grow_slowly(Journal& journal, std::uint64_t last) {
  sample::grow(journal, 1);
  auto writer = sample::recover(journal);
  ASSERT_TRUE(writer) << describe(writer.error());
  while (journal.last().value < last) {
    sample::grow(journal, std::min(last, journal.last().value + 37));
    sample::publish(*writer);
  }
}

TEST(LogIndex, ARebuiltIndexIsTheOneThatGrew) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow_slowly(*journal, 1'300);
  const auto grown = all_rows(journal->log());
  ASSERT_FALSE(grown.empty());
  ASSERT_TRUE(journal->log().drop_index());
  EXPECT_TRUE(all_rows(journal->log()).empty());
  const auto rebuilt = LogIndex::recover(journal->log(), 1'300);
  ASSERT_TRUE(rebuilt) << describe(rebuilt.error());
  EXPECT_EQ(all_rows(journal->log()), grown);
  EXPECT_EQ(*journal->log().indexed(), 1'300U);
}

TEST(LogIndex, AnIndexThatIsBehindCatchesUp) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow_slowly(*journal, 1'000);
  const auto grown = all_rows(journal->log());
  ASSERT_TRUE(journal->log().drop_index());
  ASSERT_TRUE(LogIndex::recover(journal->log(), 300));
  EXPECT_EQ(*journal->log().indexed(), 300U);
  ASSERT_TRUE(sample::recover(*journal));
  EXPECT_EQ(all_rows(journal->log()), grown);
}

// The leaves that the filter should find, by reading all of them.
std::vector<std::uint64_t> expected(const LogFilter& filter, std::uint64_t size) {
  std::vector<std::uint64_t> leaves;
  std::map<std::string, std::string> tenants;
  std::map<std::string, std::string> sites;
  for (std::uint64_t index = 0; index < size; ++index) {
    const auto keys = leaf_keys(
        sample::leaf_writer().write(Sequence{index + 1}, sample::log_entry(index + 1)).event);
    EXPECT_TRUE(keys);
    const std::string job = keys->job.substr(0, keys->job.find('-'));
    if (!keys->tenant.empty()) tenants[job] = keys->tenant;
    if (!filter.job.empty() && filter.job != keys->job && filter.job != job) continue;
    if (!filter.tenant.empty() && filter.tenant != tenants[job]) continue;
    std::string& known = sites[keys->attempt];
    if (!keys->site.empty()) known = keys->site;
    const std::string site = keys->attempt.empty() ? keys->site : known;
    if (!filter.site.empty() && filter.site != site) continue;
    if (!filter.type.empty() && filter.type != keys->type) continue;
    if (!filter.reason.empty() && filter.reason != keys->reason) continue;
    leaves.push_back(index);
  }
  return leaves;
}

TEST(LogIndex, EachFilterAndTheirCombinationsFindExactlyWhatFits) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  constexpr std::uint64_t kSize = 1'100;
  grow_slowly(*journal, kSize);
  const std::string physics = sample::leaf_writer().pseudonym(TenantId{"physics"});
  const std::string single = sample::id(1 + 8).value;
  const std::string array = sample::id(1 + 2 * 8).value;
  const std::vector<LogFilter> filters = {
      {.job = single},
      {.job = array},
      {.job = array + "-00001"},
      {.tenant = physics},
      {.site = "osaka"},
      {.type = "org.tradewind.job.submitted"},
      {.reason = "no_capacity"},
      {.tenant = physics, .site = "paris"},
      {.job = array, .tenant = physics, .site = "osaka", .type = "org.tradewind.job.decided"},
      {.tenant = physics, .reason = "no_capacity"},
      {.site = "osaka", .reason = "no_capacity"},
      {.site = "nowhere"},
      {.site = std::string("os\0ka", 5)},
  };
  for (const LogFilter& filter : filters) {
    const auto want = expected(filter, kSize);
    std::vector<std::uint64_t> found;
    for (std::uint64_t at = 0; at < kSize;) {
      const auto some = find_leaves(journal->log(), filter, at, kSize, 50);
      ASSERT_TRUE(some) << describe(some.error());
      ASSERT_GT(some->next, at);
      found.insert(found.end(), some->leaves.begin(), some->leaves.end());
      at = some->next;
    }
    EXPECT_EQ(found, want) << filter.job << filter.tenant << filter.site << filter.type
                           << filter.reason;
    // Of a part of the log, only what lies in it.
    const auto part = find_leaves(journal->log(), filter, 300, 310, 50);
    ASSERT_TRUE(part);
    std::erase_if(found, [](std::uint64_t each) { return each < 300 || each >= 310; });
    EXPECT_EQ(part->leaves, found);
  }
}

// Also where a page ends with the submission, which has no row of its own.
TEST(LogIndex, PagesOfAnySizeGiveEachLeafOfAJobOnce) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  constexpr std::uint64_t kSize = 600;
  grow_slowly(*journal, kSize);
  for (const std::uint64_t first : {1U, 1 + 2 * 8U, 257U, 505U}) {
    const LogFilter filter{.job = sample::id(first).value};
    const auto want = expected(filter, kSize);
    ASSERT_EQ(want.front(), first - 1);
    for (const std::size_t limit : {1U, 2U, 3U}) {
      std::vector<std::uint64_t> found;
      for (std::uint64_t at = 0; at < kSize;) {
        const auto some = find_leaves(journal->log(), filter, at, kSize, limit);
        ASSERT_TRUE(some) << describe(some.error());
        ASSERT_GT(some->next, at);
        found.insert(found.end(), some->leaves.begin(), some->leaves.end());
        at = some->next;
      }
      EXPECT_EQ(found, want) << first << " " << limit;
    }
  }
}

// Logs before had a row by the job for each submission, too, and one with its tenant.
TEST(LogIndex, RowsOfOlderLogsForSubmissionsChangeNothing) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow_slowly(*journal, 300);
  const std::string job = sample::id(257).value;
  const auto tenant = tenant_of_job(journal->log(), job);
  ASSERT_TRUE(tenant && *tenant);
  const auto want = expected({.job = job}, 300);
  LogBatch batch;
  std::string by_job = "j" + job + std::string(7, '\0') + '\x01';
  by_job.insert(1 + job.size(), 1, '\0');
  Bytes places(1, '\0');
  for (const std::uint64_t leaf : want) {
    if (leaf != 256) places += static_cast<char>(leaf % 256);
  }
  batch.rows.push_back({by_job, places});
  batch.rows.push_back({"o" + job + std::string(1, '\0'), **tenant});
  ASSERT_TRUE(journal->log().write(batch));
  EXPECT_EQ(find_leaves(journal->log(), {.job = job}, 0, 300, 50)->leaves, want);
  EXPECT_EQ(**tenant_of_job(journal->log(), job), **tenant);
}

TEST(LogIndex, TheTenantOfAJobIsReadFromItsSubmission) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow_slowly(*journal, 600);
  for (const std::uint64_t first : {1U, 17U, 257U, 505U}) {
    const auto keys =
        leaf_keys(sample::leaf_writer().write(Sequence{first}, sample::log_entry(first)).event);
    ASSERT_TRUE(keys);
    const auto tenant = tenant_of_job(journal->log(), sample::id(first).value);
    ASSERT_TRUE(tenant && *tenant);
    EXPECT_EQ(**tenant, keys->tenant);
  }
  // Numbers of other entries, of none that is there, and what is no id.
  for (const std::string& other :
       {sample::id(2).value, sample::id(601).value, sample::id(90'000).value, std::string("j0")}) {
    const auto tenant = tenant_of_job(journal->log(), other);
    ASSERT_TRUE(tenant) << describe(tenant.error());
    EXPECT_FALSE(*tenant) << other;
  }
}

}  // namespace
}  // namespace tradewind
