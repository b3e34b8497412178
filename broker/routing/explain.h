// Reasons in words, for people. Pure.
#pragma once

#include <string>

#include "broker/routing/route.h"
#include "broker/routing/survey.h"

namespace tradewind {

// One clause without capital or full stop, naming what was wanted and what is there: "needs 80 GiB
// of memory for each accelerator, has 48".
std::string explain(const RouteRequest& request, const RouteOptions& options, const PoolMiss& miss);

}  // namespace tradewind
