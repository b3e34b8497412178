// The order of adequate pools, and the choice among those near the best. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/routing/survey.h"
#include "schemas/job.h"

namespace tradewind {

// What the job's objective makes least of: the cost; the seconds to the finish; or the cost plus
// what these seconds are worth, rounded up. INT64_MAX when it does not fit.
std::int64_t objective_value(const JobSpec& spec, const CostBreakdown& cost,
                             const FinishEstimate& finish);
std::int64_t objective_value(const JobSpec& spec, const Draft& draft);

// For ties that must fall the same way everywhere and yet differ from job to job: FNV-1a of the tie
// key, a zero byte, the site, a zero byte and the pool, finished as splitmix64 finishes.
std::uint64_t tie_hash(std::string_view tie_key, const Draft& draft);

// Whether `a` comes before `b`; a total order: value, cost, finish, most free units, tie_hash; then
// site, pool, on demand before preemptible, variant.
bool better(const Draft& a, const Draft& b, std::string_view tie_key);

// The highest value that a tolerance above 0 lets be chosen: least * (1 + tolerance_ppm / 10^6),
// rounded down, at most INT64_MAX.
std::int64_t highest_value_within(std::int64_t least, std::int64_t tolerance_ppm);

// Moves the best `count` drafts, in order, to the front and returns the index of the chosen one:
// the first at tolerance 0; else, of all whose value is at most highest_value_within, the one with
// the least tie_hash, moved to the place after the best ones when it is not among them. `drafts`
// must not be empty.
std::size_t choose(std::vector<Draft>& drafts, std::size_t count, std::string_view tie_key,
                   std::int64_t tolerance_ppm);

}  // namespace tradewind
