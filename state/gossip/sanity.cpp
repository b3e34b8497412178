#include "state/gossip/sanity.h"

#include <algorithm>

namespace tradewind {
namespace {

bool is_quote_of(const PoolQuote& quote, const Pool& pool) {
  const std::uint32_t on_a_node = units_per_node(pool);
  return quote.units_free <= static_cast<std::uint64_t>(on_a_node) * pool.nodes &&
         quote.units_free_node <= on_a_node && quote.nodes_free <= pool.nodes;
}

}  // namespace

std::optional<DropReason> check_quote(const QuoteSheet& sheet, const SiteRecord& site,
                                      const Member& member) {
  std::uint64_t units_free = 0;
  for (const PoolQuote& quote : sheet.pools) {
    const auto pool = std::find_if(site.pools.begin(), site.pools.end(),
                                   [&quote](const Pool& each) { return each.id == quote.pool; });
    if (pool == site.pools.end() || !is_quote_of(quote, *pool)) return DropReason::insane_values;
    units_free += quote.units_free;
  }
  if (member.units_max != 0 && units_free > member.units_max) return DropReason::over_ceiling;
  return std::nullopt;
}

}  // namespace tradewind
