// What the broker relies on: all of a batch or nothing, in order, still there after reopening.
#include "state/journal/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "schemas/codec.h"
#include "state/journal/limits.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

using sample::entries;
using sample::fill;
using sample::id;
using sample::list_all;
using sample::record;
using sample::submitted;
using sample::TemporaryDirectory;

TEST(Journal, ANewStoreIsEmpty) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path() / "made" / "on" / "the" / "way");
  EXPECT_EQ(journal->last().value, 0U);
  EXPECT_TRUE(entries(*journal).empty());
  EXPECT_EQ(journal->job(id(1)).error().code, ErrorCode::not_found);
  EXPECT_TRUE(journal->jobs({})->jobs.empty());
  EXPECT_EQ(journal->jobs({})->next, "");
  EXPECT_FALSE(journal->by_idempotency_key(TenantId{"physics"}, "k"));
}

TEST(Journal, WhatWasCommittedIsThereAfterReopening) {
  const TemporaryDirectory directory;
  JournalBatch batch;
  batch.entries = {submitted(1), submitted(2, "chemistry", "key")};
  batch.jobs = {record(1), record(2, "chemistry")};
  batch.values = {{"member/1", "one"}, {"member/2", "two"}, {"term", "7"}};
  {
    const auto journal = sample::open(directory.path());
    ASSERT_TRUE(journal->commit(batch));
    EXPECT_EQ(journal->last().value, 2U);
    ASSERT_TRUE(journal->commit({}));
    EXPECT_EQ(journal->last().value, 2U);
  }
  const auto journal = sample::open(directory.path());
  EXPECT_EQ(journal->last().value, 2U);
  EXPECT_EQ(entries(*journal), batch.entries);
  EXPECT_EQ(*journal->job(id(2)), *batch.jobs[1]);
  EXPECT_EQ(journal->by_idempotency_key(TenantId{"chemistry"}, "key"), id(2));
  ASSERT_TRUE(journal->commit({.entries = {submitted(3)}, .jobs = {}, .values = {}}));
  EXPECT_EQ(entries(*journal).size(), 3U);
}

TEST(Journal, ReadsFromASequenceUntilToldToStop) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  fill(*journal, 1, 10);
  std::vector<std::uint64_t> seen;
  ASSERT_TRUE(journal->read(Sequence{4}, [&](Sequence sequence, const Entry&) {
    seen.push_back(sequence.value);
    return seen.size() < 3;
  }));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{4, 5, 6}));
  seen.clear();
  ASSERT_TRUE(journal->read(Sequence{11}, [&](Sequence, const Entry&) {
    ADD_FAILURE() << "there is no entry 11";
    return true;
  }));
}

TEST(Journal, LiveJobsAreThoseThatHaveNotEnded) {
  const TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  fill(*journal, 1, 5);
  JournalBatch batch;
  batch.jobs = {record(2, "physics", JobState::succeeded), record(4, "physics", JobState::running),
                record(5, "physics", JobState::unroutable)};
  ASSERT_TRUE(journal->commit(batch));
  EXPECT_EQ(journal->last().value, 5U);
  journal.reset();
  journal = sample::open(directory.path());
  std::vector<std::string> live;
  ASSERT_TRUE(journal->live_jobs(
      [&](const Bytes& each) { live.push_back(decode_job_record(each)->job.value); }));
  EXPECT_EQ(live, (std::vector<std::string>{id(1).value, id(3).value, id(4).value}));
  EXPECT_EQ(journal->job(id(4))->state, JobState::running);
  EXPECT_EQ(journal->job(id(2))->state, JobState::succeeded);
}

TEST(Journal, AJobThatWasOnlySubmittedIsThere) {
  const TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  JournalBatch batch;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    batch.entries.push_back(sample::submitted(number));
    const Entry& entry = batch.entries.back();
    batch.jobs.emplace_back(std::get<JobSubmitted>(entry.body), submitted_row(entry));
  }
  ASSERT_TRUE(journal->commit(batch));
  journal.reset();
  journal = sample::open(directory.path());
  EXPECT_EQ(entries(*journal), batch.entries);
  EXPECT_EQ(*journal->job(id(7)),
            submitted_job(std::get<JobSubmitted>(batch.entries[6].body), batch.entries[6].at));
  EXPECT_EQ(list_all(*journal, {}).size(), 300U);
  std::vector<Bytes> live;
  ASSERT_TRUE(journal->live_jobs([&](Bytes row) { live.push_back(std::move(row)); }));
  ASSERT_EQ(live.size(), 300U);
  EXPECT_EQ(live[299], batch.jobs[299].row);
  ASSERT_TRUE(journal->commit(
      {.entries = {}, .jobs = {record(7, "physics", JobState::succeeded)}, .values = {}}));
  EXPECT_EQ(journal->job(id(7))->state, JobState::succeeded);
}

TEST(Journal, PagesAreNewestFirstAndSayWhetherAnotherFollows) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  fill(*journal, 1, 20);
  std::vector<std::string> expected;
  for (std::uint64_t number = 20; number >= 1; --number) expected.push_back(id(number).value);
  for (const std::size_t limit : {1U, 3U, 4U, 5U, 19U, 20U, 21U, 1'000U}) {
    EXPECT_EQ(list_all(*journal, {.tenant = {}, .after = {}, .limit = limit, .keep = {}}), expected)
        << limit;
    EXPECT_EQ(list_all(*journal,
                       {.tenant = TenantId{"physics"}, .after = {}, .limit = limit, .keep = {}}),
              expected)
        << limit;
  }
  EXPECT_EQ(journal->jobs({.tenant = {}, .after = {}, .limit = 20, .keep = {}})->next, "");
  EXPECT_EQ(journal->jobs({.tenant = {}, .after = {}, .limit = 19, .keep = {}})->next, id(2).value);
}

TEST(Journal, FiltersApplyBeforeAPageIsCut) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  fill(*journal, 1, 10, "physics", JobState::succeeded);
  fill(*journal, 11, 20, "physics", JobState::failed);
  JobQuery query;
  query.limit = 10;
  query.keep = [](const JobRecord& each) { return each.state == JobState::failed; };
  const Result<JobPage> page = journal->jobs(query);
  EXPECT_EQ(page->jobs.size(), 10U);
  EXPECT_EQ(page->next, "");  // what follows are jobs that do not belong
  query.keep = [](const JobRecord& each) { return each.state == JobState::succeeded; };
  query.limit = 4;
  EXPECT_EQ(list_all(*journal, query).size(), 10U);
  query.keep = [](const JobRecord&) { return false; };
  EXPECT_TRUE(list_all(*journal, query).empty());
}

TEST(Journal, WhereFewJobsBelongAPageEndsEarlyAndTellsWhereToGoOn) {
  const TemporaryDirectory directory;
  const auto journal = Journal::open(directory.path(), false).value();
  constexpr std::uint64_t count = 3 * limits::jobs_examined_max;
  fill(*journal, 1, 1, "physics", JobState::failed);
  fill(*journal, 2, count, "physics", JobState::succeeded);
  for (const std::optional<TenantId>& tenant :
       {std::optional<TenantId>(), std::optional(TenantId{"physics"})}) {
    JobQuery query;
    query.tenant = tenant;
    query.limit = 10;
    query.keep = [](const JobRecord& each) { return each.state == JobState::failed; };
    const Result<JobPage> first = journal->jobs(query);
    EXPECT_TRUE(first->jobs.empty());
    EXPECT_EQ(first->next, id(count - limits::jobs_examined_max + 1).value);
    EXPECT_EQ(list_all(*journal, query), std::vector<std::string>{id(1).value});
  }
}

TEST(Journal, ACursorNeedNotBeAJobThatExists) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  fill(*journal, 1, 4);
  fill(*journal, 5, 6, "zoology");
  const auto after = [&](std::optional<TenantId> tenant, std::string cursor) {
    return list_all(*journal, {.tenant = tenant, .after = cursor, .limit = 2, .keep = {}}).size();
  };
  const TenantId physics{"physics"};
  EXPECT_EQ(after(physics, id(3).value + "-00001"), 3U);
  EXPECT_EQ(after(physics, "zzz"), 4U);
  EXPECT_EQ(after(physics, std::string("\xff\xff\0\xff", 4)), 4U);
  const Result<JobPage> before_all =
      journal->jobs({.tenant = physics, .after = "a", .limit = 2, .keep = {}});
  EXPECT_TRUE(before_all->jobs.empty());
  EXPECT_EQ(after({}, "zzz"), 6U);
  EXPECT_EQ(journal->jobs({.tenant = {}, .after = "a", .limit = 2, .keep = {}})->jobs.size(), 0U);
}

TEST(Journal, TasksOfAnArrayAreListedBesideIt) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  JournalBatch batch;
  batch.entries = {submitted(1)};
  for (std::uint32_t index = 0; index < 3; ++index) {
    JobRecord task = record(1);
    task.job = array_task_id(id(1), index);
    task.array = id(1);
    task.array_index = index;
    batch.jobs.emplace_back(task);
  }
  batch.jobs.emplace_back(record(1));
  batch.jobs.emplace_back(record(2));
  ASSERT_TRUE(journal->commit(batch));
  EXPECT_EQ(list_all(*journal, {.tenant = {}, .after = {}, .limit = 2, .keep = {}}),
            (std::vector<std::string>{id(2).value, array_task_id(id(1), 2).value,
                                      array_task_id(id(1), 1).value, array_task_id(id(1), 0).value,
                                      id(1).value}));
  EXPECT_EQ(*journal->job(array_task_id(id(1), 1)), *batch.jobs[1]);
}

TEST(Journal, TenantsSeeNothingOfEachOther) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  // Names that begin alike must not run into each other.
  fill(*journal, 1, 3, "lab");
  fill(*journal, 4, 6, "lab-2");
  fill(*journal, 7, 9, "laboratory");
  fill(*journal, 10, 12, "la");
  for (const auto& [tenant, first] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"lab", 1}, {"lab-2", 4}, {"laboratory", 7}, {"la", 10}}) {
    EXPECT_EQ(
        list_all(*journal, {.tenant = TenantId{tenant}, .after = {}, .limit = 2, .keep = {}}),
        (std::vector<std::string>{id(first + 2).value, id(first + 1).value, id(first).value}));
  }
  EXPECT_TRUE(
      list_all(*journal, {.tenant = TenantId{"l"}, .after = {}, .limit = 2, .keep = {}}).empty());
}

TEST(Journal, AnIdempotencyKeyBelongsToItsTenant) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  const std::string binary("a\0b", 3);
  JournalBatch batch;
  batch.entries = {submitted(1, "physics", "key"), submitted(2, "chemistry", "key"),
                   submitted(3, "physics", binary), submitted(4, "physics")};
  ASSERT_TRUE(journal->commit(batch));
  EXPECT_EQ(journal->by_idempotency_key(TenantId{"physics"}, "key"), id(1));
  EXPECT_EQ(journal->by_idempotency_key(TenantId{"chemistry"}, "key"), id(2));
  EXPECT_EQ(journal->by_idempotency_key(TenantId{"physics"}, binary), id(3));
  EXPECT_FALSE(journal->by_idempotency_key(TenantId{"physics"}, "ke"));
  EXPECT_FALSE(journal->by_idempotency_key(TenantId{"physics"}, ""));
  EXPECT_FALSE(journal->by_idempotency_key(TenantId{"biology"}, "key"));
}

TEST(Journal, ValuesAreReplacedErasedAndReadByPrefix) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  JournalBatch batch;
  batch.values = {{"member/2", "two"}, {"member/1", "one"}, {"memberless", "x"}, {"term", "1"}};
  ASSERT_TRUE(journal->commit(batch));
  batch.values = {{"member/2", std::nullopt}, {"member/1", "uno"}, {"member/3", ""}};
  ASSERT_TRUE(journal->commit(batch));
  const auto read = [&](std::string_view prefix) {
    std::vector<std::pair<std::string, std::string>> found;
    EXPECT_TRUE(journal->values(
        prefix, [&](std::string_view key, BytesView value) { found.emplace_back(key, value); }));
    return found;
  };
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(read("member/"), (Pairs{{"member/1", "uno"}, {"member/3", ""}}));
  EXPECT_EQ(read("").size(), 4U);
  EXPECT_TRUE(read("z").empty());
  EXPECT_EQ(journal->last().value, 0U);
}

TEST(Journal, ASecondOpenerIsTurnedAway) {
  const TemporaryDirectory directory;
  auto journal = sample::open(directory.path());
  const auto second = Journal::open(directory.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(second.error().field, directory.path().string());
  fill(*journal, 1, 1);
  journal.reset();
  EXPECT_EQ(sample::open(directory.path())->last().value, 1U);
}

TEST(Journal, ADirectoryThatCannotBeMadeIsAClearError) {
  const auto journal = Journal::open("/proc/no/such/place");
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::unavailable);
  EXPECT_EQ(journal.error().field, "/proc/no/such/place");
}

TEST(Journal, ReadersSeeWholeBatchesWhileTheWriterWrites) {
  const TemporaryDirectory directory;
  const auto journal = Journal::open(directory.path(), false).value();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      // Each batch holds two jobs.
      EXPECT_EQ(
          list_all(*journal, {.tenant = {}, .after = {}, .limit = 10'000, .keep = {}}).size() % 2,
          0U);
      std::uint64_t count = 0;
      EXPECT_TRUE(journal->read(Sequence{1}, [&](Sequence, const Entry&) {
        ++count;
        return true;
      }));
      EXPECT_EQ(count % 2, 0U);
    }
  });
  for (std::uint64_t number = 1; number < 400; number += 2) fill(*journal, number, number + 1);
  stop = true;
  reader.join();
  EXPECT_EQ(journal->last().value, 400U);
}

TEST(Journal, AHundredThousandJobsAreListedQuickly) {
  const TemporaryDirectory directory;
  const auto journal = Journal::open(directory.path(), false).value();
  constexpr std::uint64_t count = 100'000;
  for (std::uint64_t number = 1; number < count; number += 10'000) {
    fill(*journal, number, number + 9'999, number % 20'000 == 1 ? "physics" : "chemistry");
  }
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(journal->jobs({.tenant = TenantId{"physics"}, .after = {}, .limit = 256, .keep = {}})
                ->jobs.size(),
            256U);
  EXPECT_EQ(journal->jobs({.tenant = {}, .after = id(50'000).value, .limit = 256, .keep = {}})
                ->jobs.front()
                .job,
            id(49'999));
  // A page costs what is on it, not what is in the store; slow machines and sanitizers included.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
}

}  // namespace
}  // namespace tradewind
