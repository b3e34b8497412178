#include "tests/simulation/scenario_files.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/simulation/shrink.h"

namespace tradewind::simulation {
namespace {

// Nothing of a scenario is told when this is false.
bool check(const std::string& path, bool rewrite, const MakeStage& make) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    std::printf("%s cannot be read\n", path.c_str());
    return false;
  }
  const auto ran = run_scenario(path, text.str(), make);
  if (!ran) {
    std::printf("%s\n", describe(ran.error()).c_str());
    return false;
  }
  std::printf("%s", ran->differences.c_str());
  if (!rewrite || ran->text == text.str()) return ran->differences.empty();
  std::ofstream(path) << ran->text;
  return true;
}

}  // namespace

int check_scenarios(const std::vector<std::string>& paths, bool rewrite, const MakeStage& make) {
  int failed = 0;
  for (const std::string& path : paths) failed += check(path, rewrite, make) ? 0 : 1;
  return failed;
}

void write_shrunk(const std::string& path, const SimulationOptions& options,
                  const std::vector<TimedCommand>& commands, const std::string& violation,
                  const MakeStage& make) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  int runs = 0;
  std::istringstream words(describe(options));
  Failure failure{{}, commands, options.fault_phase, violation};
  for (std::string word; words >> word;) failure.options.push_back(word);
  const Failure least = shrink(failure, make, [&] {
    ++runs;
    return std::chrono::steady_clock::now() < end;
  });
  const std::string from = std::to_string(commands.size());
  const std::string to = std::to_string(least.commands.size());
  std::ofstream(path) << to_scenario(
      "Seed " + std::to_string(options.seed) + ", " + to + " of its " + from + " commands.", least);
  std::printf("  shrunk:  from %s to %s commands in %d runs: %s\n", from.c_str(), to.c_str(), runs,
              path.c_str());
}

}  // namespace tradewind::simulation
