// What is done to a federation in the phase of faults, made up front from the options alone. Any
// part of a plan is a plan: a failing one can be made smaller by leaving commands out.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/options.h"

namespace tradewind::simulation {

struct TimedCommand {
  Micros at = 0;        // true time since the start
  std::string command;  // stage.h
  friend bool operator==(const TimedCommand&, const TimedCommand&) = default;
};

// In order of time. Pure.
std::vector<TimedCommand> plan(const SimulationOptions& options);

}  // namespace tradewind::simulation
