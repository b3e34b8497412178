// How decisions spread where sites refuse.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "broker/core/market_router.h"
#include "tests/unit/core/market_router_fixture.h"

namespace tradewind {
namespace {

using namespace router_sample;

Now after(std::chrono::seconds span) {
  return Now{Mono::time_point(span), sample::now};
}

// Dispatches the job to its place, where it comes to nothing.
Decision refuse(MarketRouter& router, const JobRecord& job, Now now) {
  router.expire(now);
  router.pass(now.wall);
  const Decision decision = *router.decide(job, {}, now);
  const AttemptId attempt{job.job, 1};
  router.placed(attempt, *decision.chosen);
  router.settled(attempt, *decision.chosen, false);
  return decision;
}

// Sites that are 1 % dearer each than the one before.
void add_sites(MarketRouter& router, int count) {
  for (int number = 0; number < count; ++number) {
    add(router, sample::site("aa-north-" + std::to_string(number),
                             {sample::pool("cpu", 10'000 + 100 * number)}));
  }
}

// Few sites are surveyed, many are not; the choice is the same.
class MarketRouterUnderLoad : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Markets, MarketRouterUnderLoad, ::testing::Values(10, 100));

TEST_P(MarketRouterUnderLoad, SpreadsJobsWithinTheToleranceWhereASiteHasRefusedLately) {
  MarketRouter router{RouteOptions{}};
  add_sites(router, GetParam());
  const Decision exact = refuse(router, job(1), after(std::chrono::seconds(100)));
  EXPECT_EQ(exact.chosen->site.value, "aa-north-0");
  EXPECT_EQ(exact.tolerance_ppm, 0);
  EXPECT_EQ(exact.spare_units, 0U);
  const std::int64_t least = exact.chosen->cost.total.micros;

  std::set<std::string> sites;
  const Now now = after(std::chrono::seconds(159));
  router.expire(now);
  router.pass(now.wall);
  for (int number = 2; number < 50; ++number) {
    const Decision decision = *router.decide(job(number), {}, now);
    ASSERT_TRUE(decision.chosen.has_value());
    EXPECT_EQ(decision.tolerance_ppm, 50'000);
    EXPECT_EQ(decision.spare_units, 2U);
    EXPECT_LE(decision.chosen->cost.total.micros * 100, least * 105);
    sites.insert(decision.chosen->site.value);
    // What the decision names is enough to come to it again.
    RouteOptions named;
    named.tolerance_ppm = decision.tolerance_ppm;
    named.spare_units = decision.spare_units;
    const JobRecord record = job(number);
    const std::vector<SiteId> none;
    EXPECT_EQ(route(RouteRequest{record.spec, record.tenant, record.job.value, none}, router.view(),
                    named, now.wall)
                  .chosen,
              decision.chosen);
  }
  EXPECT_EQ(sites.size(), 6U);
}

TEST_P(MarketRouterUnderLoad, IsExactAgainAMinuteAfterTheRefusal) {
  MarketRouter router{RouteOptions{}};
  add_sites(router, GetParam());
  refuse(router, job(1), after(std::chrono::seconds(100)));
  const Now now = after(std::chrono::seconds(160));
  router.expire(now);
  router.pass(now.wall);
  for (int number = 2; number < 20; ++number) {
    const Decision decision = *router.decide(job(number), {}, now);
    EXPECT_EQ(decision.chosen->site.value, "aa-north-0");
    EXPECT_EQ(decision.tolerance_ppm, 0);
  }
}

TEST_P(MarketRouterUnderLoad, IsExactWhereAnotherSiteThanTheCheapestHasRefused) {
  MarketRouter router{RouteOptions{}};
  add_sites(router, GetParam());
  JobRecord elsewhere = job(1);
  elsewhere.spec.constraints.sites_allowed = {"aa-north-3"};
  const Now now = after(std::chrono::seconds(100));
  EXPECT_EQ(refuse(router, elsewhere, now).chosen->site.value, "aa-north-3");
  const Decision decision = *router.decide(job(2), {}, now);
  EXPECT_EQ(decision.chosen->site.value, "aa-north-0");
  EXPECT_EQ(decision.tolerance_ppm, 0);
}

TEST(MarketRouter, LetsNoJobWaitForAMarginUnderLoad) {
  MarketRouter router{RouteOptions{}};
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  add(router, site);
  const Now now = after(std::chrono::seconds(100));
  refuse(router, job(1), now);
  // One unit is left of sixteen, which is what the job takes.
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools.front().units_free = sheet.pools.front().units_free_node = 1;
  sheet.pools.front().nodes_free = 0;
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 2};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  router.accept(Record{header, sheet});
  const Decision decision = *router.decide(job(2), {}, now);
  ASSERT_TRUE(decision.chosen.has_value());
  EXPECT_EQ(decision.spare_units, 0U);
}

TEST(MarketRouter, StaysExactUnderLoadWhenToldSo) {
  MarketRouter router{RouteOptions{}, UnderLoad{0, 0, std::chrono::seconds(0)}};
  add_sites(router, 10);
  const Now now = after(std::chrono::seconds(100));
  refuse(router, job(1), now);
  for (int number = 2; number < 20; ++number) {
    EXPECT_EQ(router.decide(job(number), {}, now)->chosen->site.value, "aa-north-0");
  }
}

}  // namespace
}  // namespace tradewind
