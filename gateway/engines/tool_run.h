// Runs a program of the machine for its answer: no input, bounded time, bounded output.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

// The first executable file of this name in the folders of `path` (as in PATH); absolute folders
// only.
std::optional<std::string> find_tool(std::string_view name, std::string_view path);

// Of this process's environment, what a tool may see: where programs and a user's own files are.
std::vector<std::string> tool_environment();

// What argv, whose first is an absolute path, wrote to its standard output. Ends the tool and all
// that it started after `time_max` or `bytes_max`, when a stop is requested, or when it is over.
// Fails with ErrorCode::unavailable, naming the tool, when it could not be started, ran too long,
// was stopped or ended with another code than 0 (then with the first words that it wrote, those of
// its errors before others), and with ErrorCode::too_large.
Result<std::string> run_tool(const std::vector<std::string>& argv,
                             std::chrono::milliseconds time_max, std::size_t bytes_max,
                             const std::stop_token& stop = {});

}  // namespace tradewind
