// Scenarios as files, for the command line.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/options.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/scenario.h"

namespace tradewind::simulation {

// Runs each, and prints what is told otherwise than expected; with `rewrite` the files say
// afterwards what was told. How many could not be run or, without `rewrite`, did not come true.
int check_scenarios(const std::vector<std::string>& paths, bool rewrite, const MakeStage& make);

// Shrinks the run of these options, which failed, for a minute at most, writes the rest to `path`
// and prints how much is left.
void write_shrunk(const std::string& path, const SimulationOptions& options,
                  const std::vector<TimedCommand>& commands, const std::string& violation,
                  const MakeStage& make);

}  // namespace tradewind::simulation
