// `tradewind` as a whole: its commands, global options, and where their values come from.
#pragma once

#include <CLI/CLI.hpp>

#include "broker/cli/context.h"

namespace tradewind::cli {

// Puts everything into the program. Both must outlive it.
void build_program(CLI::App& app, Context& context);
// Parses, runs, and gives the exit code.
int run_program(int argc, const char* const* argv);

}  // namespace tradewind::cli
