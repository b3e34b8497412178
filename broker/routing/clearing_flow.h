// A clearing as a min-cost flow (flow.h): classes of jobs are its sources, pools its places. What
// the flow wants is made a plan of whole jobs by ClearingPlanner. Pure; integers only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/clearing.h"
#include "broker/routing/clearing_groups.h"
#include "broker/routing/clearing_places.h"

namespace tradewind {

// Places are indices into ClassPlaces::by_class.
struct ClearingFlow {
  // By class: a place for each whole job that the flow brings to one.
  std::vector<std::vector<std::uint32_t>> wanted;
  // By class: its places in the order of what they cost with the flow's prices added.
  std::vector<std::vector<std::uint32_t>> ranked;
  ClearingValue::Wide bound = 0;  // no assignment comes to less, in micro-units
};

// Nothing when it is beyond the bounds of the options.
std::optional<ClearingFlow> clearing_flow(const Chooser& chooser, const ClearingGroups& groups,
                                          const ClassPlaces& places,
                                          const ClearingOptions& options);

}  // namespace tradewind
