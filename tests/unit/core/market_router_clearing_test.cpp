// Jobs that contend for what is free are cleared together.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/fold.h"
#include "broker/jobs/lifecycle.h"
#include "broker/routing/clearing.h"
#include "schemas/codec.h"
#include "tests/unit/core/market_router_fixture.h"

namespace tradewind {
namespace {

using namespace router_sample;

// One unit is free at the cheap site, where the job that waits less long must go.
class Contention : public ::testing::Test {
 protected:
  Contention() {
    prepare(router);
    router.expire(now);
    router.pass(now.wall);
    LifecycleOptions options;
    options.settling = {};
    lifecycle.emplace(options, router);
    lifecycle->begin(Term{1}, {}, now);
  }
  static void prepare(MarketRouter& to) {
    add(to, near);
    add_sheet(to, near, 2, 1'000'000, 1);
    add(to, far);
  }
  JobId submit(const JobSpec& spec) {
    const JobId id = job_id(Sequence{lifecycle->entries_pending() + 1});
    lifecycle->submit(JobSubmitted{id, job().tenant, "ada", {}, spec}, now);
    return id;
  }
  // The first of the two, which could go to either site.
  JobId submit_both() {
    const JobId first = submit(sample::job());
    JobSpec bound = sample::job();
    bound.constraints.sites_allowed = {near.site.value};
    submit(bound);
    return first;
  }
  std::vector<const JobDecided*> decided(const LifecycleOutput& output) const {
    std::vector<const JobDecided*> all;
    for (const Entry& each : output.entries) {
      if (const auto* one = std::get_if<JobDecided>(&each.body)) all.push_back(one);
    }
    return all;
  }
  static inline const SiteRecord near = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  static inline const SiteRecord far = sample::site("bb-south-1", {sample::pool("cpu", 20'000)});
  const Now now{{}, sample::now};
  MarketRouter router{RouteOptions{}};
  std::optional<Lifecycle> lifecycle;
};

TEST_F(Contention, IsClearedSoThatMoreRunsThanOneByOne) {
  const JobId free_to_go = submit_both();
  const LifecycleOutput output = lifecycle->take(now);
  const auto all = decided(output);
  ASSERT_EQ(all.size(), 2U);
  for (const JobDecided* each : all) {
    const bool first = each->attempt.job == free_to_go;
    EXPECT_EQ(each->decision.chosen->site, first ? far.site : near.site);
    ASSERT_TRUE(each->decision.clearing.has_value());
    EXPECT_EQ(each->decision.clearing->jobs, 2U);
    EXPECT_EQ(each->decision.clearing->margin > 0, first);
  }
  EXPECT_EQ(router.view().debited_units(near.site, PoolId{"cpu"}), 1U);
  EXPECT_EQ(router.view().debited_units(far.site, PoolId{"cpu"}), 1U);
}

TEST_F(Contention, IsClearedAgainFromTheJournalToTheSameBytes) {
  submit_both();
  const LifecycleOutput output = lifecycle->take(now);
  const auto at = std::ranges::find_if(output.entries, [](const Entry& each) {
    return std::holds_alternative<JobsCleared>(each.body);
  });
  ASSERT_NE(at, output.entries.end());
  const std::map<JobId, JobRecord> jobs = fold({output.entries.begin(), at});
  MarketRouter again{RouteOptions{}};
  prepare(again);
  Chooser chooser(again.view(), RouteOptions{});
  std::vector<RouteRequest> requests;
  const auto& listed = std::get<JobsCleared>(at->body).jobs;
  for (const JobsCleared::Job& each : listed) {
    const JobRecord& waits = jobs.at(each.job);
    requests.push_back({waits.spec, waits.tenant, waits.job.value, each.excluded});
  }
  const Cleared cleared = clear(chooser, requests, at->at);
  ASSERT_EQ(cleared.placements.size(), 2U);
  for (std::size_t number = 0; number < 2; ++number) {
    const Cleared::Placement& each = cleared.placements[number];
    const Entry expected{at->at, JobDecided{{listed[each.job].job, 1}, each.decision}};
    EXPECT_EQ(encode(*(at + 1 + static_cast<std::ptrdiff_t>(number))), encode(expected));
  }
}

TEST_F(Contention, IsLeftToOneByOneWhereThereIsRoomForAll) {
  add_sheet(router, near, 3, 1'000'000, 2);
  submit_both();
  const LifecycleOutput output = lifecycle->take(now);
  const auto all = decided(output);
  ASSERT_EQ(all.size(), 2U);
  for (const JobDecided* each : all) {
    EXPECT_EQ(each->decision.chosen->site, near.site);
    EXPECT_FALSE(each->decision.clearing.has_value());
  }
}

TEST_F(Contention, ASiteOnTrialGetsOneJobHoweverManyWantIt) {
  // Lost there three times a minute ago.
  for (int count = 0; count < 3; ++count) {
    JobRecord lost = job();
    const AttemptId attempt{lost.job, 1};
    Decision decision;
    decision.chosen.emplace().site = far.site;
    const Wall::time_point at = sample::now - std::chrono::seconds(60 - 2 * count);
    for (Entry& each : std::vector{Entry{at, JobDecided{attempt, decision}},
                                   Entry{at + std::chrono::seconds(1), AttemptLost{attempt, {}}}}) {
      router.recorded(lost, each);
      apply(lost, each);
    }
  }
  ASSERT_EQ(router.trust().of(far.site).state, TrustState::distrusted);
  router.pass(now.wall);
  ASSERT_EQ(router.trust().of(far.site).state, TrustState::on_trial);
  for (int count = 0; count < 4; ++count) submit(sample::job());
  const auto take = [&] {
    std::map<SiteId, int> jobs;
    for (const Entry& each : lifecycle->take(now).entries) {
      if (const auto* one = std::get_if<JobDecided>(&each.body)) {
        ++jobs[one->decision.chosen->site];
      }
    }
    return jobs;
  };
  EXPECT_EQ(take(), (std::map<SiteId, int>{{near.site, 1}, {far.site, 1}}));
  EXPECT_TRUE(take().empty());
}

TEST_F(Contention, IsNotClearedForJobsWithAQuoteOrTenantsWithAContract) {
  JobRecord plain = job();
  EXPECT_TRUE(router.may_clear(plain));
  plain.quote.emplace();
  EXPECT_FALSE(router.may_clear(plain));
  SiteRecord contracted = sample::site("cc-west-1", {sample::pool("cpu", 10'000)});
  Contract& contract = contracted.contracts.emplace_back();
  contract.id.value = "ours";
  contract.tenant = job().tenant;
  contract.pool.value = "cpu";
  contract.units = 1;
  add(router, contracted);
  EXPECT_FALSE(router.may_clear(job()));
}

}  // namespace
}  // namespace tradewind
