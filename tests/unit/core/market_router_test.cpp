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
  const Decision quote = router.quote(asked.spec, asked.tenant, now);
  EXPECT_EQ(quote.chosen, decision.chosen);
  EXPECT_EQ(quote.relied_on, decision.relied_on);
  EXPECT_EQ(quote.pools_considered, 100U);
  EXPECT_FALSE(quote.runners_up.empty());

  JobRecord large = job();
  large.spec.resources.cpus = 17;
  EXPECT_EQ(router.decide(large, {}, now), std::nullopt);
  const Decision refused = router.explain(large, {}, now);
  EXPECT_EQ(refused.outcome, Outcome::unroutable);
  EXPECT_FALSE(refused.rejections.empty());
}

}  // namespace
}  // namespace tradewind
