// What decisions tell in small and in large markets.
#include "broker/core/market_router.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

void add(MarketRouter& router, const SiteRecord& site) {
  RecordHeader header;
  header.kind = RecordKind::site;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 1};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  router.accept(Record{header, site});
  header.kind = RecordKind::quote;
  router.accept(Record{header, sample::sheet(site)});
}

JobRecord job() {
  JobRecord record;
  record.job = JobId{"j0000000000001"};
  record.tenant = TenantId{"physics"};
  record.spec = sample::job();
  return record;
}

TEST(MarketRouter, TellsOfAllPoolsOfASmallFederation) {
  MarketRouter router{RouteOptions{}};
  Pool small = sample::pool("small");
  small.architecture = Architecture::s390x;
  add(router, sample::site("aa-north-1", {sample::pool("cpu", 10'000)}));
  add(router, sample::site("bb-south-1", {sample::pool("cpu", 20'000)}));
  add(router, sample::site("cc-west-1", {small}));
  const Decision decision = router.decide(job(), {}, Now{{}, sample::now});
  ASSERT_TRUE(decision.chosen.has_value());
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
  const Decision decision = router.decide(job(), {}, now);
  ASSERT_TRUE(decision.chosen.has_value());
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_FALSE(is_surveyed(decision));

  const JobRecord asked = job();
  const Decision quote = router.quote(asked.spec, asked.tenant, now);
  EXPECT_EQ(quote.chosen, decision.chosen);
  EXPECT_EQ(quote.relied_on, decision.relied_on);
  EXPECT_EQ(quote.pools_considered, 100U);
  EXPECT_FALSE(quote.runners_up.empty());

  JobRecord large = job();
  large.spec.resources.cpus = 17;
  const Decision refused = router.decide(large, {}, now);
  EXPECT_EQ(refused.outcome, Outcome::unroutable);
  EXPECT_FALSE(refused.rejections.empty());
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
  const Candidate first = *router.decide(wanted, {}, now).chosen;
  EXPECT_EQ(first.contract_units, 1U);
  const AttemptId attempt{wanted.job, 1};
  router.placed(attempt, first);
  EXPECT_EQ(router.view().debited_units(site.site, PoolId{"cpu"}), 1U);
  EXPECT_EQ(router.decide(wanted, {}, now).chosen->contract_units, 0U);
  router.settled(attempt, first, true);
  router.ended(attempt, first);
  EXPECT_EQ(router.view().debited_units(site.site, PoolId{"cpu"}), 0U);
  EXPECT_EQ(router.decide(wanted, {}, now).chosen->contract_units, 1U);
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
    EXPECT_EQ(router.decide(job(), {}, now).outcome, Outcome::waiting);
    RateTable rates;
    rates.version = 1;
    rates.rates_ppm["EUR"] = 1'080'000;
    router.set_rates(rates);
    const Decision decision = router.decide(job(), {}, now);
    ASSERT_TRUE(decision.chosen.has_value());
    EXPECT_EQ(decision.chosen->rate.micros, 43'200);
    EXPECT_EQ(decision.rates_version, 1U);
    EXPECT_EQ(router.conversion_ppm(*decision.chosen), 1'080'000);
    rates.version = 2;
    rates.rates_ppm["EUR"] = 2'000'000;
    router.set_rates(rates);
    EXPECT_EQ(router.decide(job(), {}, now).chosen->rate.micros, 80'000);
  }
}

}  // namespace
}  // namespace tradewind
