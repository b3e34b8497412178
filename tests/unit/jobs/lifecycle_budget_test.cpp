// A tenant's budget: whose jobs wait for it, when they go, and that it holds over restarts.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

constexpr std::int64_t kUnit = 1'000'000;

// Places each job at s1, at a second's unit of money, for as long as it may run.
class LifecycleBudgetTest : public LifecycleTest {
 protected:
  // Holds so many units.
  JobSpec costing(std::uint64_t units) const {
    JobSpec job = spec();
    job.run_seconds_max = units;
    return job;
  }
  void set(std::optional<std::int64_t> units, BudgetPeriod period = BudgetPeriod::month,
           const std::string& tenant = "acme") {
    std::optional<Budget> budget;
    if (units) budget = Budget{Money{*units * kUnit}, period, journal.size() + 1};
    lifecycle->set_budget({TenantId{tenant}, "boss", budget}, now);
  }
  BudgetStanding standing(const std::string& tenant = "acme") const {
    return lifecycle->budgets().find(TenantId{tenant}).value();
  }
  std::int64_t held() const { return standing().held.micros / kUnit; }
  std::int64_t spent_units() const { return standing().spent.spent.micros / kUnit; }
  // It runs and ends with that charge.
  void run(const JobId& job, std::int64_t charge, std::uint32_t attempt = 1) {
    granted("s1", {job, attempt});
    status("s1", {job, attempt}, AttemptPhase::running);
    move_to(now.mono + std::chrono::seconds(1'000));
    ended("s1", {job, attempt}, EndCode::succeeded, Money{charge * kUnit});
  }
  std::vector<JobId> waiting() const {
    std::vector<JobId> ids;
    for (const auto& [id, job] : tables) {
      if (job.state == JobState::queued) ids.push_back(id);
    }
    return ids;
  }
};

TEST_F(LifecycleBudgetTest, WhatItDoesNotCoverWaitsAndSaysWhy) {
  set(100);
  const JobId first = submit(costing(60));
  const JobId second = submit(costing(50));
  step();
  EXPECT_EQ(state(first), JobState::dispatching);
  EXPECT_EQ(state(second), JobState::queued);
  EXPECT_EQ(held(), 60);
  const Decision* const why = lifecycle->waiting_decision(second, now);
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->outcome, Outcome::waiting);
  EXPECT_EQ(lifecycle->waiting_for_budget(), 1U);
  EXPECT_EQ(lifecycle->waiting_for_budget(TenantId{"acme"}), 1U);
  EXPECT_EQ(lifecycle->waiting_for_budget(TenantId{"other"}), 0U);
}

TEST_F(LifecycleBudgetTest, OtherTenantsAndCheaperJobsGo) {
  set(100);
  submit(costing(90));
  const JobId dear = submit(costing(20));
  const JobId cheap = submit(costing(10));
  const JobId another = submit(costing(500), "other");
  step();
  EXPECT_EQ(waiting(), std::vector{dear});
  EXPECT_EQ(state(cheap), JobState::dispatching);
  EXPECT_EQ(state(another), JobState::dispatching);
}

TEST_F(LifecycleBudgetTest, GoesWhenAHoldEndsBelowWhatItNeeds) {
  set(100);
  const JobId first = submit(costing(60));
  const JobId second = submit(costing(50));
  step();
  run(first, 60);
  EXPECT_EQ(state(second), JobState::queued) << "all of it was spent";
  EXPECT_EQ(spent_units(), 60);
  EXPECT_EQ(held(), 0);
  const JobId third = submit(costing(30));
  step();
  run(third, 0);
  EXPECT_EQ(state(second), JobState::queued);
  set(110);
  step();
  EXPECT_EQ(state(second), JobState::dispatching);
}

TEST_F(LifecycleBudgetTest, GoesAsSoonAsAnAttemptCostLessThanItHeld) {
  set(100);
  const JobId first = submit(costing(60));
  const JobId second = submit(costing(50));
  step();
  run(first, 10);
  EXPECT_EQ(state(second), JobState::dispatching);
  EXPECT_EQ(spent_units(), 10);
  EXPECT_EQ(held(), 50);
}

TEST_F(LifecycleBudgetTest, ARefusedAttemptHoldsNothing) {
  set(100);
  const JobId first = submit(costing(60));
  const JobId second = submit(costing(50));
  step();
  router.open.clear();
  refused("s1", {first, 1});
  EXPECT_EQ(held(), 0);
  router.open = {"s1"};
  router.changed = true;
  step();
  EXPECT_EQ(state(second), JobState::dispatching);
}

TEST_F(LifecycleBudgetTest, GoesWhenTheBudgetIsRemoved) {
  set(0);
  const JobId job = submit(costing(1));
  step();
  EXPECT_EQ(state(job), JobState::queued);
  set(std::nullopt);
  step();
  EXPECT_EQ(state(job), JobState::dispatching);
  EXPECT_FALSE(lifecycle->budgets().find(TenantId{"acme"}));
  EXPECT_TRUE(spent.empty());
}

TEST_F(LifecycleBudgetTest, GoesWhenTheMonthIsOver) {
  now.wall = *parse_rfc3339("", "2026-11-30T23:50:00Z");
  step();
  set(100);
  const JobId first = submit(costing(100));
  step();
  granted("s1", {first, 1});
  move_to(now.mono + std::chrono::seconds(100));
  ended("s1", {first, 1}, EndCode::succeeded, Money{100 * kUnit});
  const JobId second = submit(costing(100));
  step();
  EXPECT_EQ(state(second), JobState::queued);
  advance(std::chrono::seconds(590));
  EXPECT_EQ(state(second), JobState::dispatching);
  EXPECT_EQ(standing().spent.since, *parse_rfc3339("", "2026-12-01T00:00:00Z"));
}

TEST_F(LifecycleBudgetTest, ABudgetForEverDoesNotBeginAnew) {
  now.wall = *parse_rfc3339("", "2026-11-30T23:50:00Z");
  step();
  set(100, BudgetPeriod::none);
  const JobId first = submit(costing(100));
  step();
  granted("s1", {first, 1});
  move_to(now.mono + std::chrono::seconds(100));
  ended("s1", {first, 1}, EndCode::succeeded, Money{100 * kUnit});
  const JobId second = submit(costing(100));
  step();
  advance(std::chrono::seconds(5'000));
  EXPECT_EQ(state(second), JobState::queued);
}

TEST_F(LifecycleBudgetTest, LoweringItStopsNothingThatRuns) {
  const JobId job = submit(costing(60));
  step();
  set(10);
  step();
  EXPECT_EQ(state(job), JobState::dispatching);
  EXPECT_EQ(held(), 60);
  run(job, 55);
  EXPECT_EQ(spent_units(), 55);
  EXPECT_EQ(state(job), JobState::succeeded);
}

TEST_F(LifecycleBudgetTest, TheFiguresAreTheSameAfterARestart) {
  set(200);
  const JobId ended_job = submit(costing(60));
  step();
  run(ended_job, 33);
  const JobId running_job = submit(costing(50));
  const JobId unanswered = submit(costing(40));
  const JobId late = submit(costing(120));
  step();
  granted("s1", {running_job, 1});
  const BudgetStanding before = standing();
  EXPECT_EQ(before.held, Money{90 * kUnit});
  EXPECT_EQ(before.spent.spent, Money{33 * kUnit});
  for (int i = 0; i < 2; ++i) {
    restart();
    EXPECT_EQ(standing(), before);
    EXPECT_EQ(waiting(), std::vector{late});
  }
  granted("s1", {unanswered, 1});
  move_to(now.mono + std::chrono::seconds(1'000));
  ended("s1", {unanswered, 1}, EndCode::succeeded, Money{});
  EXPECT_EQ(held(), 50);
  ended("s1", {running_job, 1}, EndCode::succeeded, Money{kUnit});
  EXPECT_EQ(state(late), JobState::dispatching);
}

TEST_F(LifecycleBudgetTest, ALostAttemptThatReportsLateIsChargedWithoutAHold) {
  set(100);
  const JobId job = submit(costing(60));
  step();
  granted("s1", {job, 1});
  router.open.clear();
  advance(std::chrono::seconds(1'000));
  ASSERT_EQ(tables.at(job).attempts.front().state, AttemptState::lost);
  EXPECT_EQ(held(), 0);
  ended("s1", {job, 1}, EndCode::succeeded, Money{20 * kUnit});
  EXPECT_EQ(spent_units(), 20);
  EXPECT_EQ(held(), 0);
}

TEST_F(LifecycleBudgetTest, TheQueueTimeGoesOnAndItsEndNamesTheBudget) {
  set(10);
  JobSpec job = costing(60);
  job.queue_seconds_max = 30;
  const JobId id = submit(job);
  step();
  advance(std::chrono::seconds(31));
  EXPECT_EQ(state(id), JobState::failed);
  EXPECT_EQ(tables.at(id).end_reason,
            "its tenant's budget did not cover it within the 30 s that it may wait");
  EXPECT_EQ(lifecycle->waiting_for_budget(), 0U);
}

TEST_F(LifecycleBudgetTest, ACanceledOneWaitsNoMore) {
  set(10);
  const JobId one = submit(costing(60));
  const JobId two = submit(costing(60));
  step();
  EXPECT_EQ(lifecycle->waiting_for_budget(), 2U);
  ASSERT_TRUE(lifecycle->cancel(one, "ada", now));
  step();
  EXPECT_EQ(lifecycle->waiting_for_budget(), 1U);
  ASSERT_TRUE(lifecycle->cancel(two, "ada", now));
  step();
  EXPECT_EQ(lifecycle->waiting_for_budget(), 0U);
  EXPECT_EQ(state(two), JobState::canceled);
}

TEST_F(LifecycleBudgetTest, AnArrayGoesAsFarAsTheBudgetReaches) {
  set(35);
  JobSpec job = costing(10);
  job.array_count = 10;
  const JobId array = submit(job);
  step();
  EXPECT_EQ(held(), 30);
  EXPECT_EQ(lifecycle->waiting_for_budget(), 7U);
  run(array_task_id(array, 0), 5);
  EXPECT_EQ(state(array_task_id(array, 3)), JobState::dispatching);
  EXPECT_EQ(held(), 30);
  EXPECT_EQ(spent_units(), 5);
}

// A thousand kinds of jobs of a tenant that has no money left are asked about once, and again only
// when its budget opens or after the usual interval.
TEST_F(LifecycleBudgetTest, WhoWaitsForItCostsNothingUntilItOpens) {
  set(10);
  std::vector<JobId> jobs;
  for (std::uint64_t i = 0; i < 500; ++i) jobs.push_back(submit(costing(20 + i)));
  step();
  const std::uint64_t tried = lifecycle->counters().tried;
  EXPECT_LE(tried, 500U);
  for (int i = 0; i < 20; ++i) {
    submit(costing(5), "other");
    move_to(now.mono + std::chrono::milliseconds(100));
    step();
  }
  EXPECT_EQ(lifecycle->counters().tried, tried + 20);
  EXPECT_GT(lifecycle->next_tick(), now.mono);
  // What opens is offered to as many as it covers, in their turn.
  set(50);
  step();
  EXPECT_EQ(state(jobs.front()), JobState::dispatching);
  EXPECT_EQ(state(jobs[1]), JobState::dispatching) << "20 and 21 of 50";
  EXPECT_EQ(lifecycle->counters().tried, tried + 22);
  EXPECT_GT(lifecycle->next_tick(), now.mono);
}

// The first in turn is offered the budget but has no place: who comes after it goes.
TEST_F(LifecycleBudgetTest, WhoFindsNoPlaceDoesNotKeepTheBudgetFromOthers) {
  set(10);
  JobSpec elsewhere = costing(30);
  elsewhere.name = "elsewhere";
  const JobId first = submit(elsewhere);
  const JobId second = submit(costing(25));
  step();
  router.open.clear();
  set(40);
  step();
  EXPECT_EQ(lifecycle->waiting_for_budget(), 0U) << "there is no place for either";
  router.open = {"s1"};
  router.changed = true;
  step();
  EXPECT_EQ(state(first), JobState::dispatching);
  EXPECT_EQ(state(second), JobState::queued);
  EXPECT_EQ(lifecycle->waiting_for_budget(), 1U);
}

TEST_F(LifecycleBudgetTest, EachChangeIsAnEntry) {
  set(10);
  set(20, BudgetPeriod::none);
  set(std::nullopt);
  const LifecycleOutput output = step();
  ASSERT_EQ(output.entries.size(), 3U);
  const auto& changed = std::get<BudgetChanged>(output.entries[1].body);
  EXPECT_EQ(changed.tenant.value, "acme");
  EXPECT_EQ(changed.principal, "boss");
  EXPECT_EQ(changed.budget->limit, Money{20 * kUnit});
  EXPECT_FALSE(std::get<BudgetChanged>(output.entries[2].body).budget);
}

}  // namespace
}  // namespace tradewind
