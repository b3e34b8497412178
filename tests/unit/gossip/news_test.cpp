#include "state/gossip/news.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

QuoteSheet sheet(std::uint32_t units, std::int64_t price = ppm_one) {
  QuoteSheet result;
  result.pools.push_back(PoolQuote{.pool = PoolId{"cpu"}, .units_free = units, .price_ppm = price});
  return result;
}

TEST(News, AChangeMattersFromFivePercentAndToOrFromZero) {
  EXPECT_FALSE(change_matters(100, 100));
  EXPECT_FALSE(change_matters(100, 96));
  EXPECT_TRUE(change_matters(100, 95));
  EXPECT_TRUE(change_matters(100, 105));
  EXPECT_FALSE(change_matters(101, 106)) << "4.95 %";
  EXPECT_TRUE(change_matters(1, 2));
  EXPECT_TRUE(change_matters(1'000'000, 0));
  EXPECT_TRUE(change_matters(0, 1));
  EXPECT_FALSE(change_matters(0, 0));
  EXPECT_TRUE(change_matters(UINT64_MAX, 1));
}

TEST(News, UnitsPricesAndPoolsCountPoolByPool) {
  EXPECT_FALSE(quote_change_matters(sheet(100), sheet(98)));
  EXPECT_TRUE(quote_change_matters(sheet(100), sheet(90)));
  EXPECT_TRUE(quote_change_matters(sheet(100, 1'000'000), sheet(100, 1'050'000)));
  EXPECT_TRUE(quote_change_matters(sheet(100), QuoteSheet{}));
  QuoteSheet other = sheet(100);
  other.pools[0].pool = PoolId{"gpu"};
  EXPECT_TRUE(quote_change_matters(sheet(100), other));
}

TEST(News, CapacityFellWhenAnyPoolHasLess) {
  EXPECT_TRUE(capacity_fell(sheet(100), sheet(99)));
  EXPECT_FALSE(capacity_fell(sheet(100), sheet(100)));
  EXPECT_FALSE(capacity_fell(sheet(100), sheet(101)));
  EXPECT_TRUE(capacity_fell(sheet(100), QuoteSheet{}));
}

}  // namespace
}  // namespace tradewind
