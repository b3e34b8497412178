// A clearing: waiting jobs given to free capacity all at once, so that as much of the work as
// possible runs and costs least together; never worse than one by one. docs/routing.md has the
// objective and the method. Pure; integers only; the same arguments give the same bytes on every
// machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/route.h"
#include "schemas/decision.h"
#include "schemas/time.h"

namespace tradewind {

// What bounds a clearing's time; counts, not seconds, so that every machine does the same.
struct ClearingOptions {
  // Ways looked up for each kind of jobs at each end of its run times: as many as the budget, which
  // all classes share, allows each class, but no fewer and no more than these.
  std::size_t ways_budget = 40'000;
  std::size_t ways_min = 6;
  std::size_t ways_max = 64;
  // With more kinds of jobs, more classes and pools, or more ways between these, the flow is not
  // tried.
  std::size_t kinds_max = 2'000;
  std::size_t nodes_max = 20'000;
  std::size_t arcs_max = 300'000;
};

// What an assignment comes to, in micro-units.
struct ClearingValue {
  __extension__ using Wide = __int128;
  Wide placed = 0;    // the placed jobs' values; a second of Objective::fastest at its own rate
  Wide rejected = 0;  // the reject prices of the others that some pool is adequate for
  std::uint32_t jobs_placed = 0;
  Wide total() const { return placed + rejected; }
};

struct Cleared {
  struct Placement {
    std::uint32_t job = 0;  // index into the jobs
    Decision decision;
  };
  // To be dispatched in this order: each is adequate with those before it debited. Jobs that are
  // not among them found no place.
  std::vector<Placement> placements;
  bool by_flow = false;  // whether the flow's assignment was taken, else the greedy one
  ClearingValue greedy;
  // Nothing where no job had to give way, or the flow was beyond its bounds.
  std::optional<ClearingValue> flow;
  // No assignment at all comes to less: the flow's bound (flow.h), or the sum of what each job
  // would cost alone. Tight only where the flow saw every adequate pool.
  ClearingValue::Wide bound = 0;
};

// `jobs` in the order in which they wait; at most limits::clearing_jobs_max, and none of a tenant
// that holds a contract: the flow knows only of what is free for all. Greedy gives one after
// the other its best adequate pool (route.h, at tolerance 0) and debits it. The result never is
// worse than that. Nothing is debited in the view.
Cleared clear(Chooser& chooser, std::span<const RouteRequest> jobs, Wall::time_point now,
              const ClearingOptions& options = {});

}  // namespace tradewind
