// How long a job takes at a pool. Pure; whole seconds, rounded up; times that do not fit are
// limits::seconds_forever.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "schemas/decision.h"
#include "schemas/job.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

// Expected run time of one undisturbed run: the stated duration; else the stated work at the pool's
// performance for the workload class; else limits::run_seconds_default, or the job's own time limit
// where that is shorter. Nothing when the work is stated and the pool says no performance for its
// class.
std::optional<std::uint64_t> run_seconds(const JobSpec& spec, const Variant& variant,
                                         const Pool& pool);

// Its two cases: where it does not depend on the pool, nothing otherwise; and the stated work at a
// performance, nothing when that is not positive.
std::optional<std::uint64_t> run_seconds_stated(const JobSpec& spec, const Variant& variant);
std::optional<std::uint64_t> run_seconds_worked(std::uint64_t work_seconds,
                                                std::int64_t performance_ppm);

// What interruptions add to a preemptible run, expected: each costs half a run, and run / 3600 *
// interruptions_ppm_hour / 10^6 of them are expected.
std::uint64_t rerun_seconds(std::uint64_t run_seconds, std::int64_t interruptions_ppm_hour);

// What is billed for a run: at least the minimum, rounded up to the increment.
std::uint64_t billed_seconds(std::uint64_t run_seconds, const Tariff& tariff);
std::uint64_t billed_seconds(std::uint64_t run_seconds, std::uint32_t increment_seconds,
                             std::uint32_t minimum_seconds);

// Fills in the sum.
FinishEstimate finish_estimate(std::uint64_t wait_seconds, std::uint64_t stage_in_seconds,
                               std::uint64_t run_seconds, std::uint64_t stage_out_seconds);

// Whole seconds from `now` to `deadline`, rounded down; negative when it has passed.
std::int64_t seconds_until(Wall::time_point deadline, Wall::time_point now);

// The time limit to dispatch an attempt with; never 0 at a site whose policy grants anything. The
// job's own limit when it states one; else the greater of limits::run_seconds_default and twice the
// expected run, as far as the site's policy grants it.
std::uint64_t time_limit_seconds(const JobSpec& spec, std::uint64_t run_seconds,
                                 const SitePolicy& policy);

}  // namespace tradewind
