#include "broker/core/market_history.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class MarketHistoryTest : public ::testing::Test {
 protected:
  static SiteRecord site(const std::string& id, const std::vector<std::string>& pools = {"cpu"}) {
    SiteRecord record;
    record.site = SiteId{id};
    for (const std::string& each : pools) {
      Pool& pool = record.pools.emplace_back();
      pool.id = PoolId{each};
      pool.unit = Resources{1, 0, 0, 0};
      pool.tariff.currency = "EUR";
      pool.tariff.cpu_hour = MoneyPerHour{1'000'000};
    }
    return record;
  }
  // Of the site's first pool.
  static QuoteSheet sheet(const SiteRecord& record, std::uint32_t free, std::int64_t ppm) {
    QuoteSheet sheet;
    sheet.site = record.site;
    PoolQuote& quote = sheet.pools.emplace_back();
    quote.pool = record.pools.front().id;
    quote.units_free = free;
    quote.price_ppm = ppm;
    return sheet;
  }
  std::vector<MarketPoint> points(seconds step, Wall::time_point now) {
    MarketHistoryQuery query;
    query.step = step;
    const auto page = history.find(query, now);
    return page.series.empty() ? std::vector<MarketPoint>() : page.series.front().points;
  }

  MarketHistory history;
  const Wall::time_point start = wall_from_ms(1'800'000'000'000);  // a whole ten minutes
};

TEST_F(MarketHistoryTest, AStepHasItsLastSheetAndItsExtremes) {
  const SiteRecord alpha = site("alpha");
  history.add(alpha, sheet(alpha, 5, 1'500'000), start);
  history.add(alpha, sheet(alpha, 2, 2'000'000), start + seconds(20));
  history.add(alpha, sheet(alpha, 4, 1'000'000), start + seconds(59));
  history.add(alpha, sheet(alpha, 3, 1'250'000), start + seconds(60));
  const auto minute = points(seconds(60), start + seconds(61));
  ASSERT_EQ(minute.size(), 2U);
  EXPECT_EQ(minute[0], (MarketPoint{start, MoneyPerHour{1'000'000}, MoneyPerHour{1'000'000},
                                    MoneyPerHour{2'000'000}, 4, 2}));
  EXPECT_EQ(minute[1].price, MoneyPerHour{1'250'000});
  const auto ten_minutes = points(seconds(600), start + seconds(61));
  ASSERT_EQ(ten_minutes.size(), 1U);
  EXPECT_EQ(ten_minutes[0], (MarketPoint{start, MoneyPerHour{1'250'000}, MoneyPerHour{1'000'000},
                                         MoneyPerHour{2'000'000}, 3, 2}));
}

TEST_F(MarketHistoryTest, KeepsAnHourByTheMinuteAndADayByTenMinutes) {
  const SiteRecord alpha = site("alpha");
  Wall::time_point now = start;
  for (int i = 0; i < 30 * 60; ++i, now += minutes(1)) {
    history.add(alpha, sheet(alpha, static_cast<std::uint32_t>(i), 1'000'000), now);
  }
  now -= minutes(1);
  const auto minute = points(seconds(60), now);
  ASSERT_EQ(minute.size(), 60U);
  EXPECT_EQ(minute.front().at, now - minutes(59));
  EXPECT_EQ(minute.back().units_free, 1'799U);
  const auto day = points(seconds(600), now);
  ASSERT_EQ(day.size(), 144U);
  EXPECT_EQ(day.back().at - day.front().at, minutes(1'430));
  EXPECT_EQ(points(seconds(60), now + std::chrono::hours(2)).size(), 0U) << "it has passed";
  EXPECT_EQ(points(seconds(61), now).size(), 0U) << "no such step";
}

TEST_F(MarketHistoryTest, ASilentTimeIsAGapAndAClockThatWasSetBackMakesNoPoint) {
  const SiteRecord alpha = site("alpha");
  history.add(alpha, sheet(alpha, 1, 1'000'000), start + minutes(10));
  history.add(alpha, sheet(alpha, 2, 1'000'000), start + minutes(5));
  history.add(alpha, sheet(alpha, 3, 1'000'000), start + minutes(14));
  const auto kept = points(seconds(60), start + minutes(15));
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].units_free, 2U);
  EXPECT_EQ(kept[1].at - kept[0].at, minutes(4));
}

TEST_F(MarketHistoryTest, FiltersAndPagesBySiteAndPool) {
  for (const char* id : {"alpha", "beta", "gamma"}) {
    const SiteRecord record = site(id, {"cpu", "gpu"});
    QuoteSheet both = sheet(record, 1, 1'000'000);
    both.pools.push_back(both.pools.front());
    both.pools.back().pool = PoolId{"gpu"};
    both.pools.push_back(both.pools.front());
    both.pools.back().pool = PoolId{"none"};  // that the site does not sell
    history.add(record, both, start);
  }
  const auto names = [&](MarketHistoryQuery query) {
    std::string text;
    const auto page = history.find(query, start);
    for (const auto& each : page.series) text += each.site.value + "/" + each.pool.value + " ";
    return text + (page.more ? "more" : "");
  };
  MarketHistoryQuery query;
  query.limit = 4;
  EXPECT_EQ(names(query), "alpha/cpu alpha/gpu beta/cpu beta/gpu more");
  query.after = {SiteId{"beta"}, PoolId{"gpu"}};
  EXPECT_EQ(names(query), "gamma/cpu gamma/gpu ");
  query = {};
  query.site = SiteId{"beta"};
  EXPECT_EQ(names(query), "beta/cpu beta/gpu ");
  query.after = {SiteId{"beta"}, PoolId{"cpu"}};
  EXPECT_EQ(names(query), "beta/gpu ");
  query = {};
  query.pool = PoolId{"gpu"};
  EXPECT_EQ(names(query), "alpha/gpu beta/gpu gamma/gpu ");
}

TEST_F(MarketHistoryTest, AnotherCurrencyBeginsAnew) {
  SiteRecord alpha = site("alpha");
  history.add(alpha, sheet(alpha, 1, 1'000'000), start);
  alpha.pools[0].tariff.currency = "CHF";
  history.add(alpha, sheet(alpha, 1, 1'000'000), start + minutes(1));
  const auto page = history.find({}, start + minutes(1));
  ASSERT_EQ(page.series.size(), 1U);
  EXPECT_EQ(page.series[0].currency, "CHF");
  EXPECT_EQ(page.series[0].points.size(), 1U);
}

TEST_F(MarketHistoryTest, IsBoundedAndASilentPoolMakesRoom) {
  for (std::size_t i = 0; i <= MarketHistory::pools_max; ++i) {
    const SiteRecord record = site("site-" + std::to_string(i));
    history.add(record, sheet(record, 1, 1'000'000), start);
  }
  EXPECT_EQ(history.pools(), MarketHistory::pools_max);
  const SiteRecord late = site("late");
  history.add(late, sheet(late, 1, 1'000'000), start + std::chrono::hours(12));
  EXPECT_EQ(history.pools(), MarketHistory::pools_max) << "the others may be asked for";
  history.add(late, sheet(late, 1, 1'000'000), start + std::chrono::hours(36));
  EXPECT_EQ(history.pools(), 1U);
}

}  // namespace
}  // namespace tradewind
