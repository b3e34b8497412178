// Runs a command of the shell to its end.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>

namespace tradewind::test {

// The exit code of tests/engines/slurm and its like where what they start cannot be had.
inline constexpr int skipped = 77;

// Its exit code, and all that it said.
inline std::pair<int, std::string> output_of(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string said;
  std::array<char, 4096> chunk{};
  while (pipe != nullptr) {
    const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe);
    if (got == 0) break;
    said.append(chunk.data(), got);
  }
  return {pipe == nullptr ? -1 : WEXITSTATUS(::pclose(pipe)), said};
}

}  // namespace tradewind::test
