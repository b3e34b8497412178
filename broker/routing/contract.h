// What contracts hold at a pool: of the tenant's own, which its job may use, and of others. Pure.
#pragma once

#include <cstdint>

#include "schemas/site.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

struct ContractShare {
  // Of the tenant's contracts in force the one with the most idle units, of equal ones the first;
  // null when none has any.
  const Contract* contract = nullptr;
  std::uint64_t units_own = 0;     // its idle units, after what is debited
  std::uint64_t units_others = 0;  // those of all other contracts in force
  // What a preemptible way finds: it uses no contract.
  ContractShare without_own() const { return {nullptr, 0, units_own + units_others}; }
};

// As the site's sheet says, valid or not. Borrows from the view.
ContractShare contract_share(const SiteView& site, const PoolId& pool, const TenantId& tenant,
                             const MarketView& view, Wall::time_point now);

}  // namespace tradewind
