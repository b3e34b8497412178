// What decisions tell in small and in large markets.
#include "broker/core/market_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

void add_sheet(MarketRouter& router, const SiteRecord& site, std::uint64_t version,
               std::int64_t price_ppm, std::uint32_t units_free = 16) {
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, version};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools[0].price_ppm = price_ppm;
  sheet.pools[0].units_free = units_free;
  sheet.pools[0].units_free_node = std::min(units_free, sheet.pools[0].units_free_node);
  router.accept(Record{header, sheet});
}

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
  const Surveyed surveyed = router.quote(asked.spec, asked.tenant, 64, now);
  const Decision& quote = surveyed.decision;
  EXPECT_EQ(quote.chosen, decision.chosen);
  EXPECT_EQ(quote.relied_on, decision.relied_on);
  EXPECT_EQ(quote.pools_considered, 100U);
  EXPECT_FALSE(quote.runners_up.empty());
  EXPECT_TRUE(surveyed.reasons.empty());

  JobRecord large = job();
  large.spec.resources.cpus = 17;
  const Decision refused = router.decide(large, {}, now);
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
  const Decision decision = router.decide(record, {}, now);
  ASSERT_TRUE(decision.chosen.has_value());
  EXPECT_EQ(decision.chosen->site.value, "aa-north-1");
  EXPECT_EQ(decision.chosen->cost.total, record.quote->total);
  EXPECT_EQ(decision.relied_on, record.quote->relied_on);
}

TEST_F(QuotedJob, PaysLessWhenTheNewestSheetAsksLess) {
  add_sheet(router, near, 2, 500'000);
  const Decision decision = router.decide(record, {}, now);
  ASSERT_TRUE(decision.chosen.has_value());
  EXPECT_LT(decision.chosen->cost.total, record.quote->total);
  EXPECT_EQ(decision.relied_on.quote_version, (RecordVersion{1, 2}));
}

TEST_F(QuotedJob, GoesNowhereForMoreThanItsTotal) {
  add_sheet(router, near, 2, 1'000'000, 0);
  const Decision decision = router.decide(record, {}, now);
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
  EXPECT_FALSE(router.decide(record, {}, now).chosen.has_value());
  record.quote->relied_on.quote_valid_until = sample::now + std::chrono::seconds(15);
  EXPECT_TRUE(router.decide(record, {}, now).chosen.has_value());
  record.quote->relied_on.site_version = RecordVersion{1, 0};
  EXPECT_FALSE(router.decide(record, {}, now).chosen.has_value());
}

TEST_F(QuotedJob, KeepsTheSmallerOfItsOwnBudgetAndItsTotal) {
  record.spec.constraints.cost_max = Money{record.quote->total.micros - 1};
  EXPECT_FALSE(router.decide(record, {}, now).chosen.has_value());
}

}  // namespace
}  // namespace tradewind
