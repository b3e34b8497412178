// Cheapest adequate, exactly: one job against the market view. Pure; integers only; the same
// arguments give the same bytes on every machine. docs/routing.md has the model with formulas.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/decision.h"
#include "schemas/job.h"
#include "schemas/rates.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

struct RouteOptions {
  std::int64_t tolerance_ppm =
      0;  // choose by hash among candidates at most this far above the least cost
  std::uint32_t spare_units = 0;  // free units wanted beyond the need
  RateTable rates;  // as the journal has it; pools in other currencies are not adequate
};

struct RouteRequest {
  const JobSpec& spec;
  const TenantId& tenant;
  std::string_view tie_key;             // the job id; quotes give any stable text
  const std::vector<SiteId>& excluded;  // refused or lost there just now
};

// Chooses a pool for the job; never fails, the outcome says what came of it.
Decision route(const RouteRequest& request, const MarketView& view, const RouteOptions& options,
               Wall::time_point now);

}  // namespace tradewind
