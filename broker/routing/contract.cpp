#include "broker/routing/contract.h"

#include <algorithm>

namespace tradewind {

ContractShare contract_share(const SiteView& site, const PoolId& pool, const TenantId& tenant,
                             const MarketView& view, Wall::time_point now) {
  ContractShare share;
  if (!site.sheet) return share;
  for (const Contract& each : site.record.contracts) {
    if (each.pool != pool || !in_force(each, now)) continue;
    const auto quote = std::ranges::find(site.sheet->contracts, each.id, &ContractQuote::contract);
    if (quote == site.sheet->contracts.end()) continue;
    const std::uint32_t debited = view.debited_contract_units(site.record.site, each.id);
    const std::uint32_t idle = quote->units_idle > debited ? quote->units_idle - debited : 0;
    if (each.tenant == tenant && idle > share.units_own) {
      share.units_others += share.units_own;
      share.contract = &each;
      share.units_own = idle;
    } else {
      share.units_others += idle;
    }
  }
  return share;
}

}  // namespace tradewind
