// What would change the answer: of one constraint of the job at a time, the smallest relaxation
// that gets it a better choice or, where nothing is adequate, any. Pure; integers only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/route.h"
#include "schemas/decision.h"
#include "schemas/job.h"
#include "schemas/money.h"
#include "schemas/time.h"

namespace tradewind {

// One constraint made weaker, by as little as does it, and what comes of it.
struct Relaxation {
  // The constraint, by the reason that it gives; preemptible_only stands for not allowing
  // preemptible capacity.
  ReasonCode constraint = ReasonCode::none;
  std::uint32_t variant = 0;  // whose need it is; 0 for what is asked of the whole job
  // The bound as it is and as it would have to be, in the predicate's own unit (a deadline: seconds
  // from now); 0 where the constraint is no bound.
  std::int64_t from = 0;
  std::int64_t to = 0;
  // What would have to be allowed: a site, region, jurisdiction, provider, model or architecture;
  // or the key of the label that would have to go.
  std::string value{};
  Candidate chosen{};           // what routing then chooses
  Money saving{};               // of the total; negative when the better choice is dearer
  std::int64_t better_ppm = 0;  // by how much less of what the objective makes least, rounded down
  std::string detail{};         // for people: "a deadline 7200 s later saves 0.31 USD (31 %): ..."
  friend bool operator==(const Relaxation&, const Relaxation&) = default;
};

struct Relaxations {
  std::vector<Relaxation> list;  // the best choice first, at most limits::relaxations_max
  bool complete = true;  // false: limits::relaxation_choices_max was reached before all were tried
};

// The job with that relaxation, and nothing else, applied.
JobSpec relaxed(JobSpec spec, const Relaxation& relaxation, Wall::time_point now);

// `chooser` is over the market in question, at tolerance 0: what is told is the least that can be
// had. Exact: routing the relaxed job at tolerance 0 gives the told choice, and no smaller step of
// the same constraint gives a better one than the job has as it is.
//
// Never relaxed: where data may be processed, what the commands are built for other than the
// architecture, the job's own time limit, and what is not the job's to say. What the job reserves
// (nodes, CPUs, memory, disk, accelerators) is relaxed only where nothing is adequate: asking for
// less is always cheaper.
Relaxations relaxations(const RouteRequest& request, const MarketView& view, Chooser& chooser,
                        Wall::time_point now);

}  // namespace tradewind
