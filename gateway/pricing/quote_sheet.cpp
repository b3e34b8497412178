#include "gateway/pricing/quote_sheet.h"

#include <algorithm>

#include "gateway/pricing/price_curve.h"
#include "schemas/limits.h"
#include "state/gossip/news.h"

namespace tradewind {
namespace {

PoolStanding standing_of(const SiteStanding& standing, const PoolId& pool) {
  const auto place = std::find_if(standing.pools.begin(), standing.pools.end(),
                                  [&pool](const PoolStanding& each) { return each.pool == pool; });
  return place == standing.pools.end() ? PoolStanding{} : *place;
}

bool fell(std::uint32_t before, std::uint32_t after) {
  return after < before && change_matters(before, after);
}

// A job that wants a whole node is misled by a node that filled up, however small its share.
bool room_fell(const QuoteSheet& before, const QuoteSheet& after) {
  return std::any_of(after.pools.begin(), after.pools.end(), [&before](const PoolQuote& each) {
    const PoolQuote* const earlier = find_pool(before, each.pool);
    return earlier != nullptr && (fell(earlier->units_free_node, each.units_free_node) ||
                                  fell(earlier->nodes_free, each.nodes_free));
  });
}

bool units_rose(const QuoteSheet& before, const QuoteSheet& after) {
  return std::any_of(after.pools.begin(), after.pools.end(), [&before](const PoolQuote& each) {
    const PoolQuote* const earlier = find_pool(before, each.pool);
    return earlier != nullptr && each.units_free > earlier->units_free &&
           change_matters(earlier->units_free, each.units_free);
  });
}

}  // namespace

std::int64_t energy_left_wh(std::int64_t quota_wh, std::int64_t used_wh) {
  if (quota_wh < 0) return -1;
  const std::int64_t used = std::max<std::int64_t>(used_wh, 0);
  return used >= quota_wh ? 0 : quota_wh - used;
}

QuoteSheet make_quote_sheet(const SiteRecord& site, const SiteStanding& standing) {
  const bool selling = site.state == SiteState::active && standing.energy_left_wh != 0;
  std::uint64_t claimable = standing.units_max == 0 ? UINT64_MAX : standing.units_max;
  QuoteSheet sheet;
  sheet.site = site.site;
  sheet.energy_left_wh = std::max<std::int64_t>(standing.energy_left_wh, -1);
  sheet.pools.reserve(site.pools.size());
  for (const Pool& pool : site.pools) {
    const PoolStanding now = standing_of(standing, pool.id);
    const std::uint32_t on_a_node = units_per_node(pool);
    const std::uint64_t total = static_cast<std::uint64_t>(on_a_node) * pool.nodes;
    std::uint64_t idle = 0;
    for (const ContractQuote& each : now.contracts) idle += each.units_idle;
    const std::uint64_t free = std::min<std::uint64_t>(now.units_free + idle, total);
    PoolQuote quote;
    quote.pool = pool.id;
    quote.price_ppm = price_ppm(pool.price_curve, total - free, total);
    if (selling && on_a_node > 0) {
      const auto sold = static_cast<std::uint32_t>(std::min(free, claimable));
      claimable -= sold;
      quote.units_free = sold;
      for (const ContractQuote& each : now.contracts) {
        const std::uint32_t held = std::min(each.units_idle, quote.units_free);
        quote.units_free -= held;
        sheet.contracts.push_back({each.contract, held});
      }
      quote.units_free_node = std::min({now.units_free_node, on_a_node, sold});
      quote.nodes_free = std::min({now.nodes_free, pool.nodes, sold / on_a_node});
    }
    quote.wait_seconds =
        quote.units_free > 0 ? 0 : std::min<std::uint32_t>(now.wait_seconds, limits::seconds_max);
    sheet.pools.push_back(std::move(quote));
  }
  return sheet;
}

bool worth_publishing(const std::optional<QuoteSheet>& last, const QuoteSheet& next,
                      std::chrono::microseconds since_last) {
  if (!last || since_last >= limits::publish_interval_max) return true;
  if (since_last < limits::publish_interval_min && !units_rose(*last, next)) return false;
  return quote_change_matters(*last, next) || room_fell(*last, next);
}

}  // namespace tradewind
