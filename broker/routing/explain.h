// Reasons in words, for people. Pure.
#pragma once

#include <string>

#include "broker/routing/relaxation.h"
#include "broker/routing/route.h"
#include "broker/routing/survey.h"

namespace tradewind {

// One clause without capital or full stop, naming what was wanted and what is there: "needs 80 GiB
// of memory for each accelerator, has 48".
std::string explain(const RouteRequest& request, const RouteOptions& options, const PoolMiss& miss);

// One clause likewise: "a deadline 7200 s later saves 0.31 USD (31 %): aa-north-1/cpu at 0.69 USD,
// finished in 9000 s". `base` is what the job has without it; null when nothing is adequate.
std::string explain(const JobSpec& spec, const Candidate* base, const Relaxation& relaxation,
                    const RouteOptions& options);

}  // namespace tradewind
