// Cheapest adequate, exactly: one job against the market view. Pure; integers only; the same
// arguments give the same bytes on every machine. docs/routing.md has the model with formulas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
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
  // Of a job with a quote: its pool is priced by the quote sheet that the quote rests on, while
  // that one binds, where the newest asks more. The quote's total is no part of this: it is a
  // budget.
  const QuoteTerms* quote = nullptr;
};

// A decision with what the survey found against all other pools.
struct Surveyed {
  Decision decision;                              // with as many rejections as were asked for
  std::map<ReasonCode, std::uint32_t> reasons{};  // pools that are not adequate, by reason
};

// Chooses a pool for the job; never fails, the outcome says what came of it.
Decision route(const RouteRequest& request, const MarketView& view, const RouteOptions& options,
               Wall::time_point now);
// The same, telling more of the rest. A decision with more than limits::rejections_max rejections
// is for reading only: no journal takes it.
Surveyed route_surveyed(const RouteRequest& request, const MarketView& view,
                        const RouteOptions& options, std::size_t rejections_max,
                        Wall::time_point now);

// The quote's price factor for the pool of that quote sheet row, while it binds and is below the
// newest; else nothing.
std::optional<std::int64_t> held_price_ppm(const QuoteTerms& quote, const SiteView& site,
                                           const PoolQuote& newest, Wall::time_point now);

}  // namespace tradewind
