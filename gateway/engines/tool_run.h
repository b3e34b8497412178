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
// All of it, for commands of the centre's own choice, which print in English.
std::vector<std::string> whole_environment();

// How a tool ended and what it wrote.
struct ToolAnswer {
  int status = 0;  // as waitpid() tells it
  std::string text;
  std::string errors;  // the first 4 KiB of them
  bool succeeded() const { return status == 0; }
  // "code 2: \"no such queue\"": with the first words of its errors, else of its text, as ASCII.
  std::string words() const;
};

// Runs argv, whose first is an absolute path, with that environment. Ends the tool and all that it
// started after `time_max` or `bytes_max` of text, when a stop is requested, or when it is over.
// Fails, naming the tool, with ErrorCode::unavailable when it could not be started, ran too long or
// was stopped, and with ErrorCode::too_large. Any thread that outlives the call.
Result<ToolAnswer> ask_tool(const std::vector<std::string>& argv,
                            const std::vector<std::string>& environment,
                            std::chrono::milliseconds time_max, std::size_t bytes_max,
                            const std::stop_token& stop = {});

// The same with tool_environment(): what it wrote to its standard output. Fails with
// ErrorCode::unavailable also when it ended with another code than 0.
Result<std::string> run_tool(const std::vector<std::string>& argv,
                             std::chrono::milliseconds time_max, std::size_t bytes_max,
                             const std::stop_token& stop = {});

}  // namespace tradewind
