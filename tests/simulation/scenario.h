// A scenario: a story of commands to a federation, and what is told of it. Read from a text file:
//
//   # A site that grants and then dies does not get the job run twice.
//   federation seed=1 sites=2 lease=60s
//   show dispatch ask attempt.*
//
//   submit
//   kill s1 after=attempt.granted
//   advance 20s
//   ----
//   dispatch b1 -> s1 j1#1
//
//   finish
//   ----
//
// Blocks of commands, `----`, and the lines that are expected to be told during them, up to a blank
// line. Lines of commands that begin with # and blank ones among them say nothing. The first
// command is `federation` with its options, the last is `finish`. Between them stand the commands
// of stage.h, and two more:
//
//   advance SPAN    true time passes: 250ms, 20s, 5m
//   show [EVENT…]   from here on, only events of these names are told: `attempt.*` stands for all
//                   that begin so, `at:renew` for the arrival of a message, `lost:renew` for its
//                   loss. Before the first, everything is told
//
// An invariant that does not hold is told in any case, as `violated: …`, and ends the story.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "schemas/result.h"
#include "tests/simulation/stage.h"

namespace tradewind::simulation {

// The federation of these options, at its beginning. invalid: names the option.
using MakeStage = std::function<Result<std::unique_ptr<Stage>>(std::string_view options)>;

struct ScenarioRun {
  std::string text;         // the scenario as it would read had it expected what was told
  std::string differences;  // for a person; empty when everything was as expected
};

// invalid: the text is no scenario, or a command is not understood; the field is "name:line".
Result<ScenarioRun> run_scenario(std::string_view name, std::string_view text,
                                 const MakeStage& make);

}  // namespace tradewind::simulation
