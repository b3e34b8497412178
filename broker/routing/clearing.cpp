#include "broker/routing/clearing.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/routing/clearing_flow.h"
#include "broker/routing/clearing_groups.h"
#include "broker/routing/clearing_places.h"
#include "broker/routing/clearing_plan.h"
#include "broker/routing/limits.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

// By class the pools that its jobs take.
std::vector<std::vector<std::uint32_t>> pools_taken(const ClearingGroups& groups,
                                                    const ClearingPlan& plan) {
  std::vector<std::vector<std::uint32_t>> taken(groups.classes().size());
  for (const ClearingPlan::Step& step : plan.steps) {
    taken[groups.number_of(step.job)].push_back(step.place.pool);
  }
  return taken;
}

}  // namespace

Cleared clear(Chooser& chooser, std::span<const RouteRequest> jobs, Wall::time_point now,
              const ClearingOptions& options) {
  for (const RouteRequest& each : jobs) {
    TRADEWIND_ASSERT(chooser.view().columns().contract_pools(each.tenant).empty());
  }
  TRADEWIND_ASSERT(jobs.size() <= limits::clearing_jobs_max);
  const ClearingGroups groups(chooser, jobs, now);
  ClearingPlanner planner(chooser, groups, now);
  ClearingPlan plan = planner.one_by_one();
  Cleared cleared;
  cleared.greedy = plan.value;
  cleared.bound = groups.least_alone();
  if (planner.gave_way(plan) && groups.kinds().size() <= options.kinds_max) {
    const ClassPlaces places =
        find_places(chooser, groups, pools_taken(groups, plan), planner.left(), now, options);
    if (const auto flow = clearing_flow(chooser, groups, places, options)) {
      ClearingPlan by_flow = planner.rounded(places, flow->wanted);
      ClearingPlan priced = planner.priced(places, flow->ranked);
      if (priced.value.total() < by_flow.value.total()) by_flow = std::move(priced);
      cleared.flow = by_flow.value;
      cleared.bound = std::max(cleared.bound, flow->bound);
      cleared.by_flow = by_flow.value.total() < plan.value.total();
      if (cleared.by_flow) plan = std::move(by_flow);
    }
  }

  cleared.placements.reserve(plan.steps.size());
  for (const ClearingPlan::Step& step : plan.steps) {
    Cleared::Placement& placement = cleared.placements.emplace_back();
    placement.job = step.job;
    placement.decision = chooser.take(jobs[step.job], step.place.pool, now);
    placement.decision.clearing =
        ClearedWith{static_cast<std::uint32_t>(jobs.size()),
                    step.place.value - groups.class_of(step.job).best->value};
  }
  return cleared;
}

}  // namespace tradewind
