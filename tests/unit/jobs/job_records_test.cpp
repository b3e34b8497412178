// Job ids as numbers, and records that lie packed while nobody touches them.
#include "broker/jobs/job_records.h"

#include <gtest/gtest.h>

#include <deque>

#include "broker/jobs/job_brief.h"
#include "broker/jobs/job_number.h"
#include "broker/jobs/record_compressor.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

TEST(JobNumber, IsTheIdAgainAndHasItsOrder) {
  std::vector<JobId> ids;
  for (const std::uint32_t tag : {0U, 1U, (1U << 19U) - 1}) {
    for (const std::uint64_t sequence : {1ULL, 2ULL, 32ULL, 1ULL << 40, (1ULL << 45) - 1}) {
      const JobId id = job_id(Sequence{sequence}, BrokerTag{tag});
      ids.push_back(id);
      for (const std::uint32_t index : {0U, 1U, limits::array_tasks_max - 1}) {
        ids.push_back(array_task_id(id, index));
      }
    }
  }
  ASSERT_TRUE(std::ranges::is_sorted(ids));
  JobNumber last;
  for (const JobId& id : ids) {
    const auto number = job_number(id);
    ASSERT_TRUE(number) << id.value;
    EXPECT_EQ(job_id(*number), id);
    EXPECT_GT(*number, last);
    EXPECT_EQ(job_id(submission_of(*number)).value, id.value.substr(0, 14));
    last = *number;
  }
}

TEST(JobNumber, IsNothingOfAnIdThatNoBrokerGives) {
  for (const std::string id : {"", "j1", "j0000000000001-1", "no job", "jg000000000001",
                               "jzzzzzzzzzzzzz", "j0000000000001-000001"}) {
    EXPECT_FALSE(job_number(JobId{id})) << id;
  }
}

JobRecord record(std::uint64_t number) {
  JobRecord record;
  record.job = job_id(Sequence{number});
  record.tenant = TenantId{"physics"};
  record.spec.name = "job " + std::to_string(number);
  record.spec.variants = {Variant{}};
  record.spec.variants[0].architectures = {Architecture::amd64};
  return record;
}

TEST(JobRecords, AreTheSameWhetherOpenOrPacked) {
  JobRecords records(2);
  std::deque<JobRecords::Slot> slots(20);
  for (std::size_t i = 0; i < slots.size(); ++i) records.put(slots[i], record(i + 1));
  records.close_surplus();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(records.read(slots[i]), record(i + 1));
    records.change(slots[i]).attempts_count = 7;
    if (i % 3 == 0) records.close_surplus();
  }
  records.close_surplus();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    JobRecord expected = record(i + 1);
    expected.attempts_count = 7;
    EXPECT_EQ(records.read(slots[i]), expected);
    EXPECT_EQ(*records.take(slots[i]), expected);
    records.put(slots[i], std::move(expected));
  }
}

TEST(JobRecords, WhatWasShownStaysAsItWasWhateverComesAfter) {
  JobRecords records(2);
  JobRecords::Slot slot;
  JobRecord expected = record(1);
  records.put(slot, expected);
  for (const bool lasts : {false, true, true, false}) {
    const ChangedJob shown = records.show(slot, lasts);
    EXPECT_EQ(*shown, expected);
    EXPECT_EQ(shown.row, encode(expected));
    const JobRecord before = expected;
    ++expected.attempts_count;
    ++records.change(slot).attempts_count;
    EXPECT_EQ(*shown, before);
    EXPECT_EQ(records.read(slot), expected);
  }
  EXPECT_EQ(*records.take(slot), expected);
}

TEST(JobRecords, StayWhereTheyAreUntilTheSurplusIsClosed) {
  JobRecords records(1);
  std::deque<JobRecords::Slot> slots(50);
  std::vector<const JobRecord*> open;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    records.put(slots[i], record(i + 1));
    open.push_back(&records.read(slots[i]));
  }
  for (std::size_t i = 0; i < slots.size(); ++i) EXPECT_EQ(&records.read(slots[i]), open[i]);
}

TEST(RecordCompressor, GivesEachRecordBackAndKeepsLittleOfThoseLikeOthers) {
  RecordCompressor compressor;
  std::vector<std::pair<Bytes, Bytes>> kept;
  for (std::uint64_t number = 1; number <= 500; ++number) {
    JobRecord each = record(number);
    each.spec.variants[0].executors = {Executor{}};
    each.spec.variants[0].executors[0].image = "registry.example/atlas/downscale:4.2";
    each.spec.variants[0].executors[0].command = {"python3", "/opt/atlas/downscale.py",
                                                  std::to_string(number)};
    Bytes plain = encode(each);
    kept.emplace_back(compressor.compress(plain), std::move(plain));
  }
  const Bytes long_one(1'000'000, 'x');
  kept.emplace_back(compressor.compress(long_one), long_one);
  for (const auto& [compressed, plain] : kept) EXPECT_EQ(compressor.expand(compressed), plain);
  // Only the first become what others are held against.
  EXPECT_GT(kept.front().first.size(), kept.front().second.size());
  EXPECT_LT(3 * kept.at(499).first.size(), kept.at(499).second.size());
}

TEST(StoredJob, OfARowIsThatOfItsRecord) {
  const JobRecord job = record(5);
  const auto read = StoredJob::read(encode(job));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->row, encode(job));
  EXPECT_EQ(read->row, StoredJob(job).row);
  EXPECT_EQ(read->brief.number, StoredJob(job).brief.number);
  EXPECT_EQ(read->brief.shape, shape_of(job.tenant, job.spec));
  EXPECT_FALSE(StoredJob::read("no record"));
}

TEST(StoredJob, OfARowOfItsSubmissionIsThatOfItsRecord) {
  JobSpec spec = record(6).spec;
  spec.priority = 7;
  spec.total_seconds_max = 600;
  const JobSubmitted submission{record(6).job, TenantId{"physics"}, "ada", "key", spec};
  const Entry entry{Wall::time_point(std::chrono::seconds(5)), submission};
  const auto read = StoredJob::read(submitted_row(entry));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->row, submitted_row(entry));
  EXPECT_EQ(read->tenant, submission.tenant);
  for (const JobBrief& brief :
       {StoredJob(submitted_job(submission, entry.at)).brief,
        brief_of(submission, entry.at, read->brief.shape, read->brief.demand)}) {
    EXPECT_EQ(read->brief.number, brief.number);
    EXPECT_EQ(read->brief.shape, brief.shape);
    EXPECT_EQ(read->brief.demand, brief.demand);
    EXPECT_EQ(read->brief.submitted, brief.submitted);
    EXPECT_EQ(read->brief.priority, 7);
    EXPECT_EQ(brief.priority, 7);
    EXPECT_EQ(read->brief.total_seconds_max, brief.total_seconds_max);
    EXPECT_EQ(read->brief.has_ended, brief.has_ended);
    EXPECT_EQ(read->brief.attempts_count, brief.attempts_count);
  }
}

// The whole lifecycle's tests again with every record packed as soon as it may be would be the
// same; this one goes through a life with none open between inputs but the last.
TEST_F(LifecycleTest, ALifeIsTheSameWithRecordsPacked) {
  options.records_open_max = 1;
  restart();
  std::vector<JobId> jobs;
  for (int count = 0; count < 8; ++count) jobs.push_back(submit(spec()));
  step();
  for (const JobId& job : jobs) {
    EXPECT_EQ(state(job), JobState::dispatching);
    granted("s1", {job, 1});
  }
  restart();
  for (const JobId& job : jobs) {
    status("s1", {job, 1}, AttemptPhase::running);
    EXPECT_EQ(*lifecycle->find(job), tables.at(job));
  }
  ASSERT_TRUE(lifecycle->cancel(jobs[0], "ada", now));
  step();
  ended("s1", {jobs[0], 1}, EndCode::canceled);
  EXPECT_EQ(state(jobs[0]), JobState::canceled);
  for (const JobId& job : std::vector(jobs.begin() + 1, jobs.end())) {
    ended("s1", {job, 1}, EndCode::succeeded);
    EXPECT_EQ(state(job), JobState::succeeded);
  }
  EXPECT_EQ(lifecycle->live(), 0U);
}

}  // namespace
}  // namespace tradewind
