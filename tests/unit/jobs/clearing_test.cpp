// Which waiting jobs are cleared together, and what becomes of those that get a place and of the
// others.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

// One place with room for some CPUs, and a clearing that gives places to the jobs the test names.
class ClearingRouter final : public Router {
 public:
  std::uint32_t room = 1;
  std::vector<JobId> wanted;  // by the clearing, in this order
  std::set<JobId> alone;      // no clearing may have them
  std::vector<std::vector<JobId>> cleared;
  std::vector<JobId> decided;
  bool changed = false;
  std::int64_t cleared_rate = 1;  // micro-units an hour; alone each job has one
  void forget() {}

  std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                 Now now) override {
    decided.push_back(job.job);
    if (job.spec.resources.cpus > room || !excluded.empty()) return std::nullopt;
    return decision(job, now);
  }
  Decision explain(const JobRecord&, const std::vector<SiteId>&, Now now) override {
    Decision decision;
    decision.decided_at = now.wall;
    decision.outcome = Outcome::waiting;
    decision.pools_considered = 1;
    return decision;
  }
  bool may_clear(const JobRecord& job) override { return !alone.contains(job.job); }
  std::vector<JobPlaced> clear(const std::vector<JobToClear>& jobs, Now now) override {
    std::vector<JobId>& ids = cleared.emplace_back();
    for (const JobToClear& each : jobs) ids.push_back(each.job->job);
    std::vector<JobPlaced> placed;
    for (const JobId& each : wanted) {
      const auto at = std::ranges::find(ids, each);
      if (at == ids.end()) continue;
      const auto number = static_cast<std::size_t>(at - ids.begin());
      placed.push_back({number, decision(*jobs[number].job, now)});
      placed.back().decision.chosen->rate.micros = cleared_rate;
      placed.back().decision.clearing = ClearedWith{static_cast<std::uint32_t>(ids.size()), 0};
    }
    return placed;
  }
  RouterChanges changes() override { return {std::exchange(changed, false), false, {}}; }
  JobLacks lacks(const JobRecord&) override { return {}; }
  Opening opening(std::uint32_t) override { return {}; }
  Suits suits(const JobRecord&, const std::vector<SiteId>&, std::uint32_t, Now) override {
    return Suits::no_job_alike;
  }
  std::int64_t price_ppm(const Candidate&) const override { return ppm_one; }
  void placed(const AttemptId&, const Candidate& chosen) override {
    ASSERT_GE(room, chosen.units);
    room -= chosen.units;
  }
  void settled(const AttemptId&, const Candidate&, bool) override {}

 private:
  static Decision decision(const JobRecord& job, Now now) {
    Decision decision;
    decision.outcome = Outcome::placed;
    decision.decided_at = now.wall;
    Candidate& chosen = decision.chosen.emplace();
    chosen.site.value = "s1";
    chosen.pool.value = "cpu";
    chosen.units = job.spec.resources.cpus;
    chosen.rate.micros = 1;
    chosen.billed_seconds = 10;
    return decision;
  }
};

class LifecycleClearingTest : public LifecycleFixture<ClearingRouter> {
 protected:
  JobId submit_unlike(std::uint32_t cpus = 1) {
    JobSpec job = spec();
    job.resources.cpus = cpus;
    job.variants[0].duration_seconds = ++unlike_;
    return submit(job);
  }
  // One batch; the jobs that were dispatched, in order.
  std::vector<JobId> batch() {
    output = step();
    std::vector<JobId> jobs;
    for (const auto& [site, each] : of<Dispatch>(output.sends)) jobs.push_back(each.attempt.job);
    return jobs;
  }
  const JobsCleared* journaled() const {
    for (const Entry& each : output.entries) {
      if (const auto* cleared = std::get_if<JobsCleared>(&each.body)) return cleared;
    }
    return nullptr;
  }
  LifecycleOutput output;

 private:
  std::uint64_t unlike_ = 0;
};

TEST_F(LifecycleClearingTest, DispatchesWhatAClearingPlacesAndTheOthersWait) {
  router.room = 2;
  const JobId large = submit_unlike(2);
  const JobId small = submit_unlike();
  const JobId other = submit_unlike();
  router.wanted = {other, small};
  EXPECT_EQ(batch(), (std::vector<JobId>{other, small}));
  EXPECT_EQ(router.cleared, (std::vector<std::vector<JobId>>{{large, small, other}}));
  EXPECT_EQ(state(large), JobState::queued);
  EXPECT_EQ(lifecycle->waiting(), 1U);
  EXPECT_EQ(lifecycle->counters().clearings, 1U);
  EXPECT_NE(lifecycle->waiting_decision(large, now), nullptr);
}

TEST_F(LifecycleClearingTest, TwoJobsDoNotBothTakeTheLastOfABudget) {
  lifecycle->set_budget({TenantId{"acme"}, "boss", Budget{Money{1}}}, now);
  router.room = 3;
  const JobId first = submit_unlike();
  const JobId second = submit_unlike();
  const JobId other = submit(spec(), "other");
  router.wanted = {second, first, other};
  EXPECT_EQ(batch(), (std::vector<JobId>{first, other}));
  EXPECT_EQ(router.cleared, (std::vector<std::vector<JobId>>{{first, other}}));
  EXPECT_EQ(lifecycle->waiting_for_budget(), 1U);
  EXPECT_EQ(state(second), JobState::queued);
}

TEST_F(LifecycleClearingTest, PlacesThatABudgetDoesNotCoverTogetherAreGivenOneByOne) {
  lifecycle->set_budget({TenantId{"acme"}, "boss", Budget{Money{3}}}, now);
  router.room = 3;
  router.cleared_rate = 2;
  const JobId first = submit_unlike();
  const JobId second = submit_unlike();
  router.wanted = {second, first};
  EXPECT_EQ(batch(), (std::vector<JobId>{first, second}));
  EXPECT_EQ(router.cleared.size(), 1U);
  EXPECT_EQ(journaled(), nullptr);
  EXPECT_EQ(lifecycle->budgets().find(TenantId{"acme"})->held, Money{2});
}

TEST_F(LifecycleClearingTest, JournalsTheJobsInTheirTurnRightBeforeTheDecisions) {
  router.room = 2;
  const JobId large = submit_unlike(2);
  const JobId small = submit_unlike();
  const JobId other = submit_unlike();
  router.wanted = {other, small};
  batch();
  ASSERT_EQ(output.entries.size(), 6U);
  const auto* cleared = std::get_if<JobsCleared>(&output.entries[3].body);
  ASSERT_NE(cleared, nullptr);
  EXPECT_EQ(*cleared, (JobsCleared{{{large, {}}, {small, {}}, {other, {}}}}));
  EXPECT_EQ(std::get<JobDecided>(output.entries[4].body).attempt.job, other);
  EXPECT_EQ(std::get<JobDecided>(output.entries[5].body).attempt.job, small);
}

TEST_F(LifecycleClearingTest, DecidesOneByOneWhereAClearingIsNotBetterOrPlacesOnlyOne) {
  router.room = 2;
  const JobId first = submit_unlike(2);
  const JobId second = submit_unlike();
  for (const bool one : {false, true}) {
    if (one) router.wanted = {second};
    EXPECT_EQ(batch(), (std::vector<JobId>{one ? second : first}));
    EXPECT_EQ(journaled(), nullptr);
    if (one) break;
    EXPECT_EQ(router.cleared.size(), 1U);
    router.room = 1;
    router.changed = true;
  }
  EXPECT_EQ(lifecycle->counters().clearings, 0U);
}

TEST_F(LifecycleClearingTest, AJobThatGoesByItselfIsDecidedInItsTurn) {
  router.room = 4;
  const JobId first = submit_unlike();
  const JobId second = submit_unlike();
  const JobId alone = submit_unlike();
  const JobId last = submit_unlike();
  router.alone = {alone};
  router.wanted = {second, first, last};
  EXPECT_EQ(batch(), (std::vector<JobId>{second, first, alone, last}));
  EXPECT_EQ(router.cleared, (std::vector<std::vector<JobId>>{{first, second}}));
}

TEST_F(LifecycleClearingTest, IsNotAskedAboutJobsThatHaveNoPlaceAnyway) {
  router.room = 1;
  submit_unlike(5);
  const JobId first = submit_unlike();
  submit_unlike(5);
  const JobId second = submit_unlike();
  EXPECT_EQ(batch(), std::vector<JobId>{first});
  EXPECT_EQ(router.cleared, (std::vector<std::vector<JobId>>{{first, second}}));
}

TEST_F(LifecycleClearingTest, PassesTheFirstInTurnOverOnlyOnce) {
  router.room = 2;
  const JobId large = submit_unlike(2);
  const JobId small = submit_unlike();
  const JobId other = submit_unlike();
  router.wanted = {other, small};
  EXPECT_EQ(batch(), (std::vector<JobId>{other, small}));
  const JobId third = submit_unlike();
  const JobId fourth = submit_unlike();
  router.wanted = {third, fourth};
  router.room = 2;
  router.changed = true;
  EXPECT_EQ(batch(), std::vector<JobId>{large});
}

TEST_F(LifecycleClearingTest, IsBoundedByJobsAndDispatchesInFlight) {
  options.jobs_cleared_max = 3;
  options.dispatches_in_flight_max = 5;
  restart();
  router.room = 100;
  for (int count = 0; count < 10; ++count) submit_unlike();
  EXPECT_EQ(batch().size(), 5U);
  ASSERT_EQ(router.cleared.size(), 2U);
  EXPECT_EQ(router.cleared[0].size(), 3U);
  EXPECT_EQ(router.cleared[1].size(), 2U);
}

}  // namespace
}  // namespace tradewind
