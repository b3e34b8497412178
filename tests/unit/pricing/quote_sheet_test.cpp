#include "gateway/pricing/quote_sheet.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <numeric>

#include "gateway/pricing/price_curve.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

Pool pool_of(std::string id, std::uint32_t nodes, std::uint32_t cpus) {
  Pool pool;
  pool.id = PoolId{std::move(id)};
  pool.nodes = nodes;
  pool.node = Resources{.cpus = cpus, .memory_mib = 1'024ULL * cpus};
  pool.unit = Resources{.cpus = 1, .memory_mib = 1'024};
  pool.performance_ppm["default"] = ppm_one;
  return pool;
}

SiteRecord site() {
  SiteRecord record;
  record.site = SiteId{"jp-osaka-1"};
  record.pools = {pool_of("big", 4, 8), pool_of("small", 2, 4)};
  return record;
}

SiteStanding half_free() {
  return SiteStanding{.pools = {PoolStanding{PoolId{"small"}, 4, 4, 1, 30},
                                PoolStanding{PoolId{"big"}, 16, 8, 2, 60}}};
}

QuoteSheet sheet_with(std::uint32_t units_free, std::int64_t price = ppm_one) {
  QuoteSheet sheet;
  sheet.pools.push_back(
      PoolQuote{.pool = PoolId{"big"}, .units_free = units_free, .price_ppm = price});
  return sheet;
}

TEST(QuoteSheetMaking, QuotesEachPoolOfTheRecordInItsOrder) {
  const QuoteSheet sheet = make_quote_sheet(site(), half_free());
  EXPECT_EQ(sheet.site, SiteId{"jp-osaka-1"});
  EXPECT_EQ(sheet.energy_left_wh, -1);
  ASSERT_EQ(sheet.pools.size(), 2U);
  const PoolQuote big{.pool = PoolId{"big"},
                      .units_free = 16,
                      .units_free_node = 8,
                      .nodes_free = 2,
                      .wait_seconds = 0,
                      .price_ppm = price_ppm(PriceCurve{}, 16, 32)};
  EXPECT_EQ(sheet.pools[0], big);
  EXPECT_EQ(sheet.pools[1].pool, PoolId{"small"});
  EXPECT_EQ(sheet.pools[1].units_free, 4U);
}

TEST(QuoteSheetMaking, TellsTheWaitOfAPoolWithNothingFree) {
  SiteStanding standing = half_free();
  standing.pools[1].units_free = 0;
  const QuoteSheet sheet = make_quote_sheet(site(), standing);
  EXPECT_EQ(sheet.pools[0].wait_seconds, 60U);
  EXPECT_EQ(sheet.pools[0].units_free_node, 0U);
  EXPECT_EQ(sheet.pools[0].price_ppm, 4'000'000);
}

TEST(QuoteSheetMaking, APoolWithoutAStandingHasNothingFree) {
  SiteStanding standing = half_free();
  standing.pools.pop_back();
  EXPECT_EQ(make_quote_sheet(site(), standing).pools[0].units_free, 0U);
}

TEST(QuoteSheetMaking, OffersNothingWhenTheEnergyQuotaIsUsedUp) {
  SiteStanding standing = half_free();
  standing.energy_left_wh = 0;
  for (const PoolQuote& each : make_quote_sheet(site(), standing).pools) {
    EXPECT_EQ(each.units_free, 0U);
    EXPECT_EQ(each.nodes_free, 0U);
    EXPECT_EQ(each.units_free_node, 0U);
  }
  standing.energy_left_wh = 1;
  EXPECT_EQ(make_quote_sheet(site(), standing).pools[0].units_free, 16U);
  EXPECT_EQ(make_quote_sheet(site(), standing).energy_left_wh, 1);
}

TEST(QuoteSheetMaking, ASiteThatTakesNothingNewOffersNothing) {
  for (const SiteState state : {SiteState::draining, SiteState::maintenance}) {
    SiteRecord record = site();
    record.state = state;
    for (const PoolQuote& each : make_quote_sheet(record, half_free()).pools) {
      EXPECT_EQ(each.units_free, 0U);
    }
  }
}

TEST(QuoteSheetMaking, EnergyLeftIsNeverBelowZero) {
  EXPECT_EQ(energy_left_wh(1'000, 300), 700);
  EXPECT_EQ(energy_left_wh(1'000, 1'000), 0);
  EXPECT_EQ(energy_left_wh(1'000, 5'000), 0);
  EXPECT_EQ(energy_left_wh(1'000, -5), 1'000);
  EXPECT_EQ(energy_left_wh(INT64_MAX, INT64_MIN), INT64_MAX);
  EXPECT_EQ(energy_left_wh(-1, 300), -1) << "no quota";
  EXPECT_EQ(energy_left_wh(0, 0), 0) << "a quota of nothing is a quota";
}

TEST(QuoteSheetMaking, NeverClaimsMoreThanThereIsNorThanTheCeiling) {
  EXPECT_TRUE(rc::check([] {
    SiteRecord record = site();
    const auto any = rc::gen::arbitrary<std::uint32_t>();
    SiteStanding standing;
    for (const Pool& pool : record.pools) {
      standing.pools.push_back(PoolStanding{pool.id, *any, *any, *any, *any});
    }
    standing.units_max = *rc::gen::inRange<std::uint32_t>(0, 60);
    const QuoteSheet sheet = make_quote_sheet(record, standing);
    std::uint64_t claimed = 0;
    for (std::size_t i = 0; i < record.pools.size(); ++i) {
      const Pool& pool = record.pools[i];
      const PoolQuote& quote = sheet.pools[i];
      RC_ASSERT(quote.units_free <= units_per_node(pool) * pool.nodes);
      RC_ASSERT(quote.units_free_node <= std::min(quote.units_free, units_per_node(pool)));
      RC_ASSERT(quote.nodes_free * units_per_node(pool) <= quote.units_free);
      claimed += quote.units_free;
    }
    RC_ASSERT(standing.units_max == 0 || claimed <= standing.units_max);
  }));
}

TEST(QuoteSheetMaking, TellsWhatContractsHoldApartFromWhatIsFreeForAll) {
  SiteStanding standing = half_free();
  standing.pools[1].units_free = 10;
  standing.pools[1].contracts = {{ContractId{"c1"}, 4}, {ContractId{"c2"}, 2}};
  QuoteSheet sheet = make_quote_sheet(site(), standing);
  EXPECT_EQ(sheet.pools[0].units_free, 10U);
  EXPECT_EQ(sheet.pools[0].units_free_node, 8U);
  EXPECT_EQ(sheet.pools[0].nodes_free, 2U);
  EXPECT_EQ(sheet.pools[0].price_ppm, price_ppm(PriceCurve{}, 16, 32)) << "idle is not used";
  EXPECT_EQ(sheet.contracts, standing.pools[1].contracts);
  standing.units_max = 5;  // what is paid already goes first
  sheet = make_quote_sheet(site(), standing);
  EXPECT_EQ(sheet.pools[0].units_free, 0U);
  EXPECT_EQ(sheet.contracts[0].units_idle, 4U);
  EXPECT_EQ(sheet.contracts[1].units_idle, 1U);
  standing.energy_left_wh = 0;
  EXPECT_TRUE(make_quote_sheet(site(), standing).contracts.empty());
}

TEST(QuoteSheetPublishing, AContractThatWasTakenIsWorthIt) {
  QuoteSheet last = sheet_with(10);
  last.contracts = {{ContractId{"c1"}, 4}};
  QuoteSheet next = last;
  next.contracts[0].units_idle = 3;
  EXPECT_TRUE(worth_publishing(last, next, 2s));
}

TEST(QuoteSheetPublishing, ComesAtLeastAtTheLongestAndNeverBelowTheShortestInterval) {
  EXPECT_TRUE(worth_publishing(std::nullopt, sheet_with(10), 0s)) << "never published";
  EXPECT_FALSE(worth_publishing(sheet_with(10), sheet_with(0), limits::publish_interval_min - 1us));
  EXPECT_TRUE(worth_publishing(sheet_with(10), sheet_with(0), limits::publish_interval_min));
  EXPECT_TRUE(worth_publishing(sheet_with(0), sheet_with(1), 0s)) << "a job may wait for it";
  EXPECT_FALSE(worth_publishing(sheet_with(100), sheet_with(102), 0s));
  EXPECT_FALSE(
      worth_publishing(sheet_with(10), sheet_with(10), limits::publish_interval_max - 1us));
  EXPECT_TRUE(worth_publishing(sheet_with(10), sheet_with(10), limits::publish_interval_max));
}

TEST(QuoteSheetPublishing, InBetweenOnlyAChangeThatMattersIsWorthIt) {
  const auto worth = [](const QuoteSheet& last, const QuoteSheet& next) {
    return worth_publishing(last, next, 2s);
  };
  EXPECT_FALSE(worth(sheet_with(100), sheet_with(96)));
  EXPECT_TRUE(worth(sheet_with(100), sheet_with(95)));
  EXPECT_TRUE(worth(sheet_with(100), sheet_with(105)));
  EXPECT_TRUE(worth(sheet_with(0), sheet_with(1)));
  EXPECT_TRUE(worth(sheet_with(1), sheet_with(0)));
  EXPECT_FALSE(worth(sheet_with(9, 1'000'000), sheet_with(9, 1'049'999)));
  EXPECT_TRUE(worth(sheet_with(9, 1'000'000), sheet_with(9, 1'050'000)));
  EXPECT_TRUE(worth(sheet_with(9), QuoteSheet{})) << "a pool is gone";
}

TEST(QuoteSheetPublishing, ANodeThatFilledUpIsWorthItHoweverLargeThePool) {
  QuoteSheet last = sheet_with(1'000);
  last.pools[0].nodes_free = 1;
  QuoteSheet next = sheet_with(999);
  next.pools[0].nodes_free = 0;
  EXPECT_TRUE(worth_publishing(last, next, 2s));
  EXPECT_FALSE(worth_publishing(next, last, 2s)) << "room that rose harms nobody by coming later";
}

}  // namespace
}  // namespace tradewind
