#include "state/gossip/sanity.h"

#include <algorithm>
#include <map>

namespace tradewind {
namespace {

// Nothing when the site has no such contract, or a smaller one.
std::optional<PoolId> pool_of(const ContractQuote& quote, const SiteRecord& site) {
  const auto contract =
      std::find_if(site.contracts.begin(), site.contracts.end(),
                   [&quote](const Contract& each) { return each.id == quote.contract; });
  if (contract == site.contracts.end() || quote.units_idle > contract->units) return std::nullopt;
  return contract->pool;
}

// `units_idle`: of the pool's contracts.
bool is_quote_of(const PoolQuote& quote, const Pool& pool, std::uint64_t units_idle) {
  const std::uint32_t on_a_node = units_per_node(pool);
  const std::uint64_t units = quote.units_free + units_idle;
  return units <= static_cast<std::uint64_t>(on_a_node) * pool.nodes &&
         quote.units_free_node <= std::min<std::uint64_t>(on_a_node, units) &&
         quote.nodes_free <= std::min<std::uint64_t>(pool.nodes, units);
}

}  // namespace

std::optional<DropReason> check_quote(const QuoteSheet& sheet, const SiteRecord& site,
                                      const Member& member) {
  std::uint64_t units_free = 0;
  std::map<PoolId, std::uint64_t> units_idle;
  for (const ContractQuote& quote : sheet.contracts) {
    const auto pool = pool_of(quote, site);
    if (!pool) return DropReason::insane_values;
    units_idle[*pool] += quote.units_idle;
    units_free += quote.units_idle;
  }
  for (const PoolQuote& quote : sheet.pools) {
    const auto pool = std::find_if(site.pools.begin(), site.pools.end(),
                                   [&quote](const Pool& each) { return each.id == quote.pool; });
    if (pool == site.pools.end() || !is_quote_of(quote, *pool, units_idle[quote.pool])) {
      return DropReason::insane_values;
    }
    units_free += quote.units_free;
  }
  if (member.units_max != 0 && units_free > member.units_max) return DropReason::over_ceiling;
  return std::nullopt;
}

}  // namespace tradewind
