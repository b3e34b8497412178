// A job made concrete for the pool that it was given.
#pragma once

#include <cstdint>

#include "schemas/decision.h"
#include "schemas/dispatch.h"
#include "schemas/journal.h"

namespace tradewind {

// What the market says of the pool beside the decision.
struct AssignmentTerms {
  std::int64_t price_ppm = ppm_one;
  std::int64_t conversion_ppm = ppm_one;
  std::uint64_t run_seconds_max = 0;  // the longest that the site grants; 0: not known
};

// `decision.chosen` must be set. Each input keeps the one replica that the price rests on. The
// environment tells the command what it is:
//   TRADEWIND_JOB_ID, TRADEWIND_ATTEMPT (from 1), TRADEWIND_SITE, TRADEWIND_POOL, TRADEWIND_NODES
//   and, of a task, TRADEWIND_ARRAY_ID, TRADEWIND_ARRAY_INDEX (from 0), TRADEWIND_ARRAY_COUNT.
// The time limit is the job's; when it states none, four times the expected run, at least
// limits::run_seconds_default, and at most the site's longest unless that is 0.
Assignment make_assignment(const JobRecord& job, std::uint32_t attempt, const Decision& decision,
                           const AssignmentTerms& terms);

// That time limit, in seconds, at least 1; `site_max`: the site's longest, or 0.
std::uint64_t run_limit(const JobSpec& spec, const Candidate& chosen, std::uint64_t site_max);

}  // namespace tradewind
