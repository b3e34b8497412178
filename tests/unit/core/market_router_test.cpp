// What decisions tell in small and in large markets, what jobs with a quote pay, and what jobs wait
// for.
#include "broker/core/market_router.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "broker/jobs/lifecycle.h"
#include "tests/unit/core/market_router_fixture.h"

namespace tradewind {
namespace {

using namespace router_sample;

TEST(MarketRouter, TellsOfAllPoolsOfASmallFederation) {
  MarketRouter router{RouteOptions{}};
  Pool small = sample::pool("small");
  small.architecture = Architecture::s390x;
  add(router, sample::site("aa-north-1", {sample::pool("cpu", 10'000)}));
  add(router, sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  add(router, sample::site("cc-west-1", {small}));
  const auto decided = router.decide(job(), {}, Now{{}, sample::now});
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_EQ(decision.runners_up.size(), 1U);
  EXPECT_EQ(decision.rejections.size(), 1U);
  EXPECT_TRUE(is_surveyed(decision));
}

TEST(MarketRouter, TellsOfAllPoolsOfALargeFederationInQuotesAndWhereNothingIsAdequate) {
  MarketRouter router{RouteOptions{}};
  for (int number = 1; number <= 100; ++number) {
    add(router,
        sample::site("aa-north-" + std::to_string(number), {sample::pool("cpu", 10'000 + number)}));
  }
  const Now now{{}, sample::now};
  const auto decided = router.decide(job(), {}, now);
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_FALSE(is_surveyed(decision));

  const JobRecord asked = job();
  const Surveyed surveyed = router.quote(asked.spec, asked.tenant, 64, now);
  const Decision& quote = surveyed.decision;
  EXPECT_EQ(quote.chosen, decision.chosen);
  EXPECT_EQ(quote.relied_on, decision.relied_on);
  EXPECT_EQ(quote.pools_considered, 100U);
  EXPECT_FALSE(quote.runners_up.empty());
  EXPECT_TRUE(surveyed.reasons.empty());

  JobRecord large = job();
  large.spec.resources.cpus = 17;
  EXPECT_EQ(router.decide(large, {}, now), std::nullopt);
  const Decision refused = router.explain(large, {}, now);
  EXPECT_EQ(refused.outcome, Outcome::unroutable);
  EXPECT_EQ(refused.rejections.size(), 64U);
  const Surveyed whole = router.quote(large.spec, large.tenant, 1'000, now);
  EXPECT_EQ(whole.decision.rejections.size(), 100U);
  EXPECT_EQ(whole.reasons, (std::map<ReasonCode, std::uint32_t>{{ReasonCode::cpus, 100}}));
}

// A job that was quoted at the first of two sites, the second dearer.
class QuotedJob : public ::testing::Test {
 protected:
  QuotedJob() {
    add(router, near);
    add(router, far);
    const Decision quoted = router.quote(record.spec, record.tenant, 64, now).decision;
    QuoteTerms& terms = record.quote.emplace();
    terms.id = "q1-1-1";
    terms.total = quoted.chosen->cost.total;
    terms.pool = quoted.chosen->pool;
    terms.price_ppm = router.price_ppm(*quoted.chosen);
    terms.relied_on = quoted.relied_on;
  }
  const SiteRecord near = sample::site("aa-north-1", {sample::pool("cpu", 10'000)});
  const SiteRecord far = sample::site("bb-south-1", {sample::pool("cpu", 20'000)});
  const Now now{{}, sample::now};
  MarketRouter router{RouteOptions{}};
  JobRecord record = job();
};

TEST_F(QuotedJob, HasItsPriceByTheQuotedSheetWhenTheNewestAsksMore) {
  add_sheet(router, near, 2, 1'500'000);
  const auto decided = router.decide(record, {}, now);
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_EQ(decision.chosen->cost.total, record.quote->total);
  EXPECT_EQ(decision.relied_on, record.quote->relied_on);
}

TEST_F(QuotedJob, PaysLessWhenTheNewestSheetAsksLess) {
  add_sheet(router, near, 2, 500'000);
  const auto decided = router.decide(record, {}, now);
  ASSERT_TRUE(decided.has_value());
  const Decision& decision = *decided;
  EXPECT_LT(decision.chosen->cost.total, record.quote->total);
  EXPECT_EQ(decision.relied_on.quote_version, (RecordVersion{1, 2}));
}

TEST_F(QuotedJob, GoesNowhereForMoreThanItsTotal) {
  add_sheet(router, near, 2, 1'000'000, 0);
  EXPECT_EQ(router.decide(record, {}, now), std::nullopt);
  const Decision decision = router.explain(record, {}, now);
  EXPECT_EQ(decision.outcome, Outcome::waiting);
  ASSERT_EQ(decision.rejections.size(), 2U);
  EXPECT_EQ(decision.rejections[0].reason, ReasonCode::budget);
  EXPECT_EQ(decision.rejections[0].site.value, "bb-south-1");
  EXPECT_EQ(decision.rejections[0].wanted, record.quote->total.micros);
  EXPECT_EQ(decision.rejections[1].reason, ReasonCode::capacity);
}

TEST_F(QuotedJob, IsNotHeldToAPriceWhoseSheetHasRunOutOrWhoseTariffHasChanged) {
  add_sheet(router, near, 2, 1'500'000);
  record.quote->relied_on.quote_valid_until = sample::now;
  EXPECT_FALSE(router.decide(record, {}, now).has_value());
  record.quote->relied_on.quote_valid_until = sample::now + std::chrono::seconds(15);
  EXPECT_TRUE(router.decide(record, {}, now).has_value());
  record.quote->relied_on.site_version = RecordVersion{1, 0};
  EXPECT_FALSE(router.decide(record, {}, now).has_value());
}

TEST_F(QuotedJob, KeepsTheSmallerOfItsOwnBudgetAndItsTotal) {
  record.spec.constraints.cost_max = Money{record.quote->total.micros - 1};
  EXPECT_FALSE(router.decide(record, {}, now).has_value());
}

TEST(MarketRouter, DebitsAContractForWhatItCovers) {
  MarketRouter router{RouteOptions{}};
  SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu", 10'000, 1)});
  site.contracts = {{ContractId{"c1"}, TenantId{"physics"}, PoolId{"cpu"}, 1,
                     sample::now - std::chrono::hours(1), sample::now + std::chrono::hours(1)}};
  add(router, site);
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 2};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools[0].units_free = 3;
  sheet.contracts = {{ContractId{"c1"}, 1}};
  router.accept(Record{header, sheet});
  JobRecord wanted = job();
  wanted.spec.resources.cpus = 8;  // 2 units, one of them of the contract
  const Now now{{}, sample::now};
  const Candidate first = *router.decide(wanted, {}, now)->chosen;
  EXPECT_EQ(first.contract_units, 1U);
  const AttemptId attempt{wanted.job, 1};
  router.placed(attempt, first);
  EXPECT_EQ(router.view().debited_units(site.site, PoolId{"cpu"}), 1U);
  EXPECT_EQ(router.decide(wanted, {}, now)->chosen->contract_units, 0U);
  router.settled(attempt, first, true);
  router.ended(attempt, first);
  EXPECT_EQ(router.view().debited_units(site.site, PoolId{"cpu"}), 0U);
  EXPECT_EQ(router.decide(wanted, {}, now)->chosen->contract_units, 1U);
}

TEST(MarketRouter, DecidesByTheRatesOfNowAndNamesTheirVersion) {
  for (const int sites : {1, 100}) {
    MarketRouter router{RouteOptions{}};
    for (int number = 1; number <= sites; ++number) {
      Pool pool = sample::pool("cpu");
      pool.tariff.currency = "EUR";
      add(router, sample::site("aa-north-" + std::to_string(number), {pool}));
    }
    const Now now{{}, sample::now};
    EXPECT_EQ(router.decide(job(), {}, now), std::nullopt);
    RateTable rates;
    rates.version = 1;
    rates.rates_ppm["EUR"] = 1'080'000;
    router.set_rates(rates);
    const std::optional<Decision> decided = router.decide(job(), {}, now);
    ASSERT_TRUE(decided.has_value());
    const Decision& decision = *decided;
    EXPECT_EQ(decision.chosen->rate.micros, 43'200);
    EXPECT_EQ(decision.rates_version, 1U);
    EXPECT_EQ(router.conversion_ppm(*decision.chosen), 1'080'000);
    rates.version = 2;
    rates.rates_ppm["EUR"] = 2'000'000;
    router.set_rates(rates);
    EXPECT_EQ(router.decide(job(), {}, now)->chosen->rate.micros, 80'000);
  }
}

// What one job waits for, and whether it would go, over a market that changes.
class MarketRouterWaitTest : public ::testing::Test {
 protected:
  void accept(const SiteRecord& site, std::chrono::seconds valid = std::chrono::hours(1)) {
    accept(RecordKind::site, site, site, valid);
  }
  void accept(const SiteRecord& site, const QuoteSheet& sheet,
              std::chrono::seconds valid = std::chrono::hours(1)) {
    accept(RecordKind::quote, site, sheet, valid);
  }
  void pass(std::chrono::seconds span) {
    now.mono += span;
    now.wall += span;
    router.expire(now);
    router.pass(now.wall);
  }

  MarketRouter router{RouteOptions{}};
  Now now{Mono::time_point(std::chrono::hours(1)), sample::now};

 private:
  template <class Body>
  void accept(RecordKind kind, const SiteRecord& site, const Body& body,
              std::chrono::seconds valid) {
    router.expire(now);
    router.pass(now.wall);
    RecordHeader header;
    header.kind = kind;
    header.subject = site_node(site.site);
    header.version = RecordVersion{1, ++version_};
    header.issued = now.wall;
    header.valid_until = now.wall + valid;
    router.accept(Record{header, body});
  }
  std::uint64_t version_ = 0;
};

TEST_F(MarketRouterWaitTest, ASheetThatEndsATimeWithoutOneOpensItsPools) {
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu")});
  accept(site);
  accept(site, sample::sheet(site), std::chrono::seconds(15));
  EXPECT_EQ(router.changes().places.size(), 1U);
  pass(std::chrono::seconds(14));
  accept(site, sample::sheet(site), std::chrono::seconds(15));
  EXPECT_TRUE(router.changes().places.empty()) << "it only prolongs the one before";
  pass(std::chrono::seconds(16));
  EXPECT_EQ(router.decide(job(), {}, now), std::nullopt);
  accept(site, sample::sheet(site), std::chrono::seconds(15));
  EXPECT_EQ(router.changes().places.size(), 1U);
}

TEST_F(MarketRouterWaitTest, AJobLacksRoomInEachShapeOfPoolThatFitsIt) {
  Pool large = sample::pool("large");
  large.unit.cpus = 8;
  Pool arm = sample::pool("arm");
  arm.architecture = Architecture::s390x;
  const SiteRecord site = sample::site("aa-north-1", {sample::pool("cpu"), large, arm});
  accept(site);
  accept(site, sample::sheet(site));
  JobRecord wide = job();
  wide.spec.resources.cpus = 8;
  const JobLacks lacks = router.lacks(wide);
  ASSERT_EQ(lacks.rooms.size(), 2U);
  std::map<std::uint32_t, std::uint32_t> sizes;
  for (const Lack& each : lacks.rooms) sizes[each.kind] = each.size;
  for (const std::uint32_t place : router.changes().places) {
    const Opening opening = router.opening(place);
    const bool fits = sizes.contains(opening.kind) && sizes[opening.kind] <= opening.size_max;
    EXPECT_EQ(router.suits(wide, {}, place, now) == Suits::now, fits);
    EXPECT_NE(router.suits(wide, {site.site}, place, now), Suits::now);
  }
  EXPECT_EQ(router.opening(1'000).size_max, 0U);
  EXPECT_EQ(router.suits(wide, {}, 1'000, now), Suits::no_job_alike);
}

// The place itself does not change: what leaves another site becomes cheaper.
TEST_F(MarketRouterWaitTest, AJobWhoseBudgetItsDataBreaksIsWokenByTheRecordOfTheSiteWhereItLies) {
  SiteRecord holds = sample::site("aa-north-1", {});
  holds.network = {NetworkTariff{"default", {1'000'000'000}, {}, 1'000, 10}};
  const SiteRecord runs = sample::site("bb-south-1", {sample::pool("cpu")});
  accept(holds);
  accept(runs);
  accept(runs, sample::sheet(runs));
  LifecycleOptions options;
  options.settling = {};
  Lifecycle lifecycle(options, router);
  lifecycle.begin(Term{1}, {}, now);
  JobSubmitted submission{JobId{"j0000000000001"}, TenantId{"physics"}, "ada", "", sample::job()};
  submission.spec.constraints.cost_max = Money{1'000'000};
  Input& input = submission.spec.inputs.emplace_back();
  input.path = "/in";
  input.size_bytes = 1'000'000'000;
  input.replicas = {Replica{"https://data.example/", "aa-north-1", ""}};
  lifecycle.submit(submission, now);
  EXPECT_EQ(lifecycle.take(now).sends.size(), 0U);
  ASSERT_EQ(lifecycle.waiting(), 1U);
  holds.network[0].egress.micros = 1'000;
  accept(holds);
  EXPECT_EQ(lifecycle.take(now).sends.size(), 1U);
}

}  // namespace
}  // namespace tradewind
