// The sites of a run: each has one pool, of a size and at prices that hang on its name alone.
#pragma once

#include <string>

#include "schemas/site.h"
#include "tests/simulation/options.h"

namespace tradewind::simulation {

// s1 is index 0.
SiteRecord make_site(const SimulationOptions& options, std::uint32_t index);

}  // namespace tradewind::simulation
