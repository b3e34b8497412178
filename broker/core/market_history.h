// What pools asked and had free, from the quote sheets that this broker accepted: the last hour by
// the minute, the last day by ten minutes. In memory only, so it begins anew with the broker.
// Pure; the core's thread.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schemas/ids.h"
#include "schemas/money.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

// What the sheets of one step of time said. A step in which none came has no point.
struct MarketPoint {
  Wall::time_point at{};  // when the step began
  MoneyPerHour price{};   // of one unit, in the tariff's currency; of the step's last sheet
  MoneyPerHour price_low{};
  MoneyPerHour price_high{};
  std::uint32_t units_free = 0;  // of the last sheet
  std::uint32_t units_free_low = 0;
  friend bool operator==(const MarketPoint&, const MarketPoint&) = default;
};

struct MarketSeries {
  SiteId site;
  PoolId pool;
  std::string currency;
  std::vector<MarketPoint> points;  // oldest first
};

struct MarketHistoryQuery {
  SiteId site;  // empty: all
  PoolId pool;  // empty: all
  std::chrono::seconds step{60};
  // The site and pool after which the page begins; empty: with the first.
  std::pair<SiteId, PoolId> after{};
  std::size_t limit = 100;  // series
};
struct MarketHistoryPage {
  Wall::time_point at{};
  std::vector<MarketSeries> series;  // by site and pool; those without a point left are not told
  bool more = false;                 // whether another page follows
};

class MarketHistory {
 public:
  struct Span {
    std::chrono::seconds step;
    std::size_t points;
  };
  static constexpr std::array<Span, 2> spans{
      {{std::chrono::seconds(60), 60}, {std::chrono::seconds(600), 144}}};
  // About 70 MB when all are full. Of pools beyond it nothing is kept until another has been silent
  // for a day.
  static constexpr std::size_t pools_max = 8'192;
  static constexpr bool has_step(std::chrono::seconds step) {
    return std::ranges::any_of(spans, [step](const Span& each) { return each.step == step; });
  }

  // The sheet counts for the step that `now` lies in; of a clock that was set back, for the newest
  // one.
  void add(const SiteRecord& record, const QuoteSheet& sheet, Wall::time_point now);
  MarketHistoryPage find(const MarketHistoryQuery& query, Wall::time_point now) const;
  std::size_t pools() const { return pools_.size(); }

 private:
  struct PoolHistory {
    std::string currency;
    std::array<std::vector<MarketPoint>, spans.size()> points;  // oldest first
  };
  using Pools = std::map<std::pair<SiteId, PoolId>, PoolHistory>;

  // Null when there is no room.
  PoolHistory* pool(const SiteId& site, const PoolId& pool, Wall::time_point now);
  void drop_silent(Wall::time_point now);

  Pools pools_;
  Wall::time_point dropped_{};  // when those that are silent were last looked for
};

}  // namespace tradewind
