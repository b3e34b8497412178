// Jobs for which there is no place: who is tried when, who waits, who is told never.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

TEST_F(LifecycleTest, RetriesWaitingJobsWhenTheMarketChanges) {
  router.open.clear();
  const JobId job = submit(spec());
  step();
  EXPECT_EQ(state(job), JobState::queued);
  ASSERT_NE(lifecycle->waiting_decision(job, now), nullptr);
  EXPECT_EQ(lifecycle->waiting_decision(job, now)->outcome, Outcome::waiting);
  router.open = {"s1"};
  EXPECT_TRUE(step().empty()) << "nothing is tried while nothing has changed";
  router.changed = true;
  EXPECT_EQ(of<Dispatch>(step().sends).size(), 1U);
}

TEST_F(LifecycleTest, TriesOneOfManyJobsThatAreAlike) {
  router.open.clear();
  JobSpec array = spec();
  array.array_count = 1'000;
  submit(array);
  JobSpec other = spec();
  other.resources.cpus = 2;
  submit(other);
  step();
  EXPECT_EQ(router.asked.size(), 2U);
  EXPECT_EQ(lifecycle->waiting(), 1'001U);
}

TEST_F(LifecycleTest, TriesHigherPriorityFirstAndThenTheLongestWaiting) {
  router.open.clear();
  const JobId first = submit(spec());
  now.wall += 1s;
  JobSpec urgent_spec = spec();
  urgent_spec.priority = 5;
  const JobId urgent = submit(urgent_spec);
  const JobId last = submit(spec());
  step();
  router.asked.clear();
  router.open = {"s1"};
  router.changed = true;
  step();
  EXPECT_EQ(router.asked, (std::vector<JobId>{urgent, first, last}));
}

TEST_F(LifecycleTest, BoundsTheDispatchesThatAreUnanswered) {
  options.dispatches_in_flight_max = 2;
  restart();
  JobSpec array = spec();
  array.array_count = 5;
  const JobId id = submit(array);
  EXPECT_EQ(of<Dispatch>(step().sends).size(), 2U);
  EXPECT_EQ(of<Dispatch>(granted("s1", {array_task_id(id, 0), 1}).sends).size(), 1U);
  EXPECT_EQ(lifecycle->unanswered(), 2U);
}

TEST_F(LifecycleTest, BoundsTheDecisionsOfOneBatchAndGoesOnInTheNext) {
  options.decisions_per_take_max = 3;
  restart();
  JobSpec array = spec();
  array.array_count = 5;
  submit(array);
  EXPECT_EQ(of<Dispatch>(step().sends).size(), 3U);
  EXPECT_LE(lifecycle->next_tick(), now.mono);
  EXPECT_EQ(of<Dispatch>(step().sends).size(), 2U);
}

TEST_F(LifecycleTest, RefusesAtOnceWhatNothingOfferedCouldEverRun) {
  advance(options.settling.count() * 1s / 1000 + 1s);
  router.open.clear();
  router.never = true;
  const JobId job = submit(spec());
  step();
  EXPECT_EQ(state(job), JobState::unroutable);
  EXPECT_TRUE(tables.at(job).unplaced.has_value());
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(LifecycleTest, DoesNotBelieveNeverBeforeTheMarketIsKnown) {
  router.open.clear();
  router.never = true;
  const JobId job = submit(spec());
  step();
  EXPECT_EQ(state(job), JobState::queued);
  advance(11s);
  EXPECT_EQ(state(job), JobState::unroutable);
}

TEST_F(LifecycleTest, KeepsAJobThatHadAPlaceInSightWhenItsSiteLeavesTheMarket) {
  advance(11s);
  router.open.clear();
  const JobId job = submit(spec());
  step();
  router.never = true;
  router.changed = true;
  step();
  EXPECT_EQ(state(job), JobState::queued);
  EXPECT_EQ(lifecycle->waiting_decision(job, now)->outcome, Outcome::unroutable);
}

TEST_F(LifecycleTest, EndsAJobThatWaitedLongerThanItMay) {
  router.open.clear();
  JobSpec job_spec = spec();
  job_spec.queue_seconds_max = 30;
  const JobId job = submit(job_spec);
  step();
  advance(29s);
  EXPECT_EQ(state(job), JobState::queued);
  advance(2s);
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_NE(tables.at(job).end_reason.find("30 s"), std::string::npos);
}

TEST_F(LifecycleTest, CountsTheWaitOverARestart) {
  router.open.clear();
  JobSpec job_spec = spec();
  job_spec.queue_seconds_max = 30;
  const JobId job = submit(job_spec);
  step();
  advance(20s);
  restart();
  advance(11s);
  EXPECT_EQ(state(job), JobState::failed);
}

}  // namespace
}  // namespace tradewind
