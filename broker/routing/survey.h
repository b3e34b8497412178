// One job held against every pool of the market view: what each would cost and take, or why it will
// not do. Numbers only; texts are made later, for what is kept. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/routing/adequacy.h"
#include "broker/routing/route.h"
#include "broker/routing/transfer.h"
#include "schemas/decision.h"
#include "schemas/money.h"
#include "schemas/site.h"
#include "state/market/market_view.h"

namespace tradewind {

// One pool in the best of its adequate ways: a variant, on demand or preemptible. Borrows from the
// market view.
struct Draft {
  const SiteView* site = nullptr;
  const Pool* pool = nullptr;
  std::uint32_t pool_index = 0;
  std::uint32_t variant = 0;
  bool preemptible = false;
  std::uint32_t units = 0;
  // After what is debited, before this job; with the idle units of the contract that it may take.
  std::uint64_t units_free = 0;
  const Contract* contract = nullptr;  // null where it takes none of its units
  std::uint32_t contract_units = 0;
  MoneyPerHour rate{};
  std::uint64_t billed_seconds = 0;
  CostBreakdown cost;
  FinishEstimate finish;
  // What the objective makes least of: micro-units, or seconds for Objective::fastest.
  std::int64_t value = 0;
};

struct Chosen {
  Draft draft;
  std::uint32_t site = 0;  // its number in the columns
};

// The number of its pool there.
inline std::uint32_t pool_of(const MarketColumns& columns, const Chosen& chosen) {
  return columns.site(chosen.site).pools[chosen.draft.pool_index];
}

// Adequate ways of one job, best first; `better` breaks ties as of the walk.
struct Nearest {
  std::vector<Chosen> ways;  // perhaps several at one pool
  // Whether these are all. Else each way that is not among them comes after the last.
  bool complete = true;
};

// One pool that is adequate in no way: the way that came furthest. Borrows from the market view.
struct PoolMiss {
  const SiteView* site = nullptr;
  const Pool* pool = nullptr;
  std::uint32_t order =
      0;  // among the misses: in order of site, then as the record lists its pools
  std::uint32_t variant = 0;
  Miss miss;
};

struct Survey {
  std::vector<Draft> drafts;     // in order of site, then as the site record lists its pools
  std::vector<PoolMiss> misses;  // the same
  bool passing = false;          // whether some way at some pool fails for a passing reason
};

// A decision for the draft with nothing of the survey in it and, of the chosen candidate, all but
// what its data rests on.
Decision placed(const Draft& chosen, const JobSpec& spec, const RouteOptions& options,
                Wall::time_point now);

Survey survey(const RouteRequest& request, const MarketView& view, const RouteOptions& options,
              const JobData& data, Wall::time_point now);

}  // namespace tradewind
