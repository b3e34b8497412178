// Runs a maker's tool: no input, bounded time, bounded output.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

// The first executable file of this name in the folders of `path` (as in PATH); absolute folders
// only.
std::optional<std::string> find_tool(std::string_view name, std::string_view path);

// What argv, whose first is an absolute path, wrote to its standard output. Ends the tool and all
// that it started after `time_max` or `bytes_max`, or when it is over. Fails with
// ErrorCode::unavailable, naming the tool, when it could not be started, ran too long or ended with
// another code than 0 (then with the first words that it wrote), and with ErrorCode::too_large.
Result<std::string> run_tool(const std::vector<std::string>& argv,
                             std::chrono::milliseconds time_max, std::size_t bytes_max);

}  // namespace tradewind
