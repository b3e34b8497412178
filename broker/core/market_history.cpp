#include "broker/core/market_history.h"

#include <algorithm>
#include <limits>

namespace tradewind {
namespace {

constexpr std::chrono::minutes kDropInterval{1};

Wall::time_point start_of_step(Wall::time_point at, std::chrono::seconds step) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch());
  return Wall::time_point(since - since % step);
}

Wall::time_point oldest(const MarketHistory::Span& span, Wall::time_point now) {
  return start_of_step(now, span.step) - span.step * static_cast<std::int64_t>(span.points - 1);
}

void add_point(std::vector<MarketPoint>& points, const MarketHistory::Span& span,
               const MarketPoint& point) {
  if (points.empty() || points.back().at < point.at) {
    if (points.size() == span.points) points.erase(points.begin());
    points.push_back(point);
    return;
  }
  MarketPoint& last = points.back();
  last.price = point.price;
  last.price_low = std::min(last.price_low, point.price);
  last.price_high = std::max(last.price_high, point.price);
  last.units_free = point.units_free;
  last.units_free_low = std::min(last.units_free_low, point.units_free);
}

}  // namespace

void MarketHistory::add(const SiteRecord& record, const QuoteSheet& sheet, Wall::time_point now) {
  for (const PoolQuote& quote : sheet.pools) {
    const auto sold = std::find_if(record.pools.begin(), record.pools.end(),
                                   [&](const Pool& each) { return each.id == quote.pool; });
    if (sold == record.pools.end()) continue;
    PoolHistory* const history = pool(record.site, quote.pool, now);
    if (history == nullptr) continue;
    if (history->currency != sold->tariff.currency) {
      // Amounts of another currency cannot stand in one series.
      *history = PoolHistory{sold->tariff.currency, {}};
    }
    MarketPoint point;
    point.price = scale_ceil(unit_price(*sold), quote.price_ppm)
                      .value_or(MoneyPerHour{std::numeric_limits<std::int64_t>::max()});
    point.price_low = point.price_high = point.price;
    point.units_free = point.units_free_low = quote.units_free;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      point.at = start_of_step(now, spans[i].step);
      add_point(history->points[i], spans[i], point);
    }
  }
}

MarketHistory::PoolHistory* MarketHistory::pool(const SiteId& site, const PoolId& pool,
                                                Wall::time_point now) {
  const auto key = std::pair(site, pool);
  if (const auto found = pools_.find(key); found != pools_.end()) return &found->second;
  if (pools_.size() >= pools_max) drop_silent(now);
  if (pools_.size() >= pools_max) return nullptr;
  return &pools_[key];
}

void MarketHistory::drop_silent(Wall::time_point now) {
  if (now - dropped_ < kDropInterval) return;
  dropped_ = now;
  std::erase_if(pools_, [&](const auto& each) {
    const auto& longest = each.second.points.back();
    return longest.empty() || longest.back().at < oldest(spans.back(), now);
  });
}

MarketHistoryPage MarketHistory::find(const MarketHistoryQuery& query, Wall::time_point now) const {
  MarketHistoryPage page;
  page.at = now;
  const auto span = std::find_if(spans.begin(), spans.end(),
                                 [&](const Span& each) { return each.step == query.step; });
  if (span == spans.end()) return page;
  const Wall::time_point from = oldest(*span, now);
  // The site's first pool, unless the page before ended behind it.
  const std::pair first_key{query.site, PoolId{}};
  auto each =
      query.after < first_key ? pools_.lower_bound(first_key) : pools_.upper_bound(query.after);
  for (; each != pools_.end(); ++each) {
    const auto& [site, pool] = each->first;
    if (!query.site.value.empty() && site != query.site) break;
    if (!query.pool.value.empty() && pool != query.pool) continue;
    const auto& kept = each->second.points[static_cast<std::size_t>(span - spans.begin())];
    const auto first = std::find_if(kept.begin(), kept.end(),
                                    [&](const MarketPoint& point) { return point.at >= from; });
    if (first == kept.end()) continue;
    if (page.series.size() == query.limit) {
      page.more = true;
      break;
    }
    page.series.push_back({site, pool, each->second.currency, {first, kept.end()}});
  }
  return page;
}

}  // namespace tradewind
