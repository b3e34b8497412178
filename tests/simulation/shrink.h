// Makes a failing run small: as few commands and options as still violate the same invariant, at
// times as round as can be. Delta debugging: Zeller and Hildebrandt, "Simplifying and isolating
// failure-inducing input", 2002.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/plan.h"
#include "tests/simulation/scenario.h"

namespace tradewind::simulation {

struct Failure {
  std::vector<std::string> options;  // words of the command `federation`
  std::vector<TimedCommand> commands;
  Micros end = 0;  // when `finish` came, if nothing was violated before
  std::string violation;
};

// "I2" of "at 17 ms: I2: …"; empty where no invariant is named.
std::string invariant_of(std::string_view violation);

// As much of the failure as violates the same invariant, in runs of its own with what `make` makes;
// `again` is asked before each, and ends it. What comes back has failed in its last run, or is what
// was given when that did not fail again.
Failure shrink(const Failure& failure, const MakeStage& make, const std::function<bool()>& again);

// The scenario that holds exactly while no invariant is violated. `title` is its first line.
std::string to_scenario(std::string_view title, const Failure& failure);

}  // namespace tradewind::simulation
