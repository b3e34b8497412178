// Assignments of a clearing's jobs: one by one, or as a flow would have it. Pure; integers only;
// one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/clearing.h"
#include "broker/routing/clearing_groups.h"
#include "broker/routing/clearing_places.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

// Which job goes where, in the order in which that was found: each step has room once those before
// it are debited.
struct ClearingPlan {
  struct Step {
    std::uint32_t job = 0;
    ClassPlace place;
  };
  std::vector<Step> steps;
  ClearingValue value;
};

class ClearingPlanner {
 public:
  // All must outlive the planner; the chooser's view must not change meanwhile.
  ClearingPlanner(Chooser& chooser, const ClearingGroups& groups, Wall::time_point now);

  // The jobs as they wait, each to the best place that is left.
  ClearingPlan one_by_one();
  // Whole jobs as a flow wants them: `wanted` has by class a place, as an index into `places`, for
  // each of its jobs that gets one. Then the others where there is room.
  ClearingPlan rounded(const ClassPlaces& places,
                       const std::vector<std::vector<std::uint32_t>>& wanted);
  // Each to the first place with room: `ranked` has by class the indices of its places in the order
  // in which they are tried.
  ClearingPlan priced(const ClassPlaces& places,
                      const std::vector<std::vector<std::uint32_t>>& ranked);

  // Whether some job got no place, or a worse one than it would have alone.
  bool gave_way(const ClearingPlan& plan) const;
  // The columns with what the newest plan takes debited.
  const MarketColumns& left() const { return left_; }

 private:
  // The best place that is left for this job.
  std::optional<ClassPlace> pick(std::uint32_t job);
  bool has_room(const JobClass& each, const ClassPlace& place) const;
  void take(ClearingPlan& plan, std::uint32_t job, const ClassPlace& place);
  void forget_taken();
  // The jobs by priority, then the greater first.
  std::vector<std::uint32_t> greatest_first() const;
  void find_value(ClearingPlan& plan) const;

  Chooser& chooser_;
  const ClearingGroups& groups_;
  const Wall::time_point now_;
  const MarketColumns& columns_;
  MarketColumns left_;
  std::vector<bool> full_;  // by class: nothing has room for a job of it any more
};

}  // namespace tradewind
