// simulation: whole federations in one thread, each from one seed.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/options.h"
#include "tests/simulation/scenario_files.h"
#include "tests/simulation/world.h"

namespace {

using namespace tradewind;
using namespace tradewind::simulation;

constexpr const char* kUsage =
    "usage: simulation --seed S [--trace]\n"
    "       simulation --seeds N|--minutes M [--first S]\n"
    "       simulation --seed S --shrink FILE\n"
    "       simulation --scenario|--rewrite FILE...\n"
    "  --seed S         one run; prints the options that the seed drew\n"
    "  --seeds N        N runs from --first S (1) on; stops at the first that fails\n"
    "  --minutes M      as many as begin within so long\n"
    "  --sites N        so many sites, whatever the seed draws\n"
    "  --trace          prints what happens\n"
    "  --shrink FILE    when the seed fails: as little of it as fails still, as a scenario; a "
    "minute\n"
    "                   at most\n"
    "  --scenario       runs these, and prints what is told otherwise than expected\n"
    "  --rewrite        … and has the files expect what was told\n"
    "  --twice          runs each seed twice and compares the trace hashes\n"
    "  --break WHAT     breaks the system on purpose; the names are in options.h\n"
    "  --expect-failure I2   succeeds when, and only when, some seed fails by that invariant\n";

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  std::uint64_t minutes = 0;
  std::uint64_t sites = 0;
  bool trace = false;
  bool twice = false;
  std::string expected;  // the invariant that is to fail
  Break broken = Break::none;
  std::string_view broken_name = "";
  std::string shrunk;
  std::vector<std::string> scenarios;
  bool rewrite = false;
};

bool read(std::string_view text, std::uint64_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool parse(int count, char** values, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    const std::string_view value = i + 1 < count ? values[i + 1] : "";
    if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--twice") {
      arguments.twice = true;
    } else if (name == "--expect-failure" && !value.empty()) {
      arguments.expected = value;
      ++i;
    } else if (name == "--scenario" || name == "--rewrite") {
      arguments.rewrite = name == "--rewrite";
      arguments.scenarios.assign(values + i + 1, values + count);
      return !arguments.scenarios.empty();
    } else if (name == "--shrink" && !value.empty()) {
      arguments.shrunk = value;
      ++i;
    } else if (name == "--seed" && read(value, arguments.first)) {
      arguments.count = 1;
      ++i;
    } else if (name == "--seeds" && read(value, arguments.count)) {
      ++i;
    } else if (name == "--minutes" && read(value, arguments.minutes)) {
      arguments.count = UINT64_MAX - arguments.first;
      ++i;
    } else if (name == "--sites" && read(value, arguments.sites)) {
      ++i;
    } else if (name == "--first" && read(value, arguments.first)) {
      ++i;
    } else if (const auto broken = read_break(value); name == "--break" && broken) {
      arguments.broken = *broken;
      arguments.broken_name = value;
      ++i;
    } else {
      return false;
    }
  }
  return arguments.count > 0;
}

Result<std::unique_ptr<Stage>> make(std::string_view options) {
  const auto read = read_options(options);
  if (!read) return fail(read.error());
  return std::unique_ptr<Stage>(std::make_unique<World>(*read));
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  if (!parse(count, values, arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (!arguments.scenarios.empty()) {
    return check_scenarios(arguments.scenarios, arguments.rewrite, make) == 0 ? 0 : 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t jobs = 0;
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  std::uint64_t seeds = 0;
  Micros simulated = 0;
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  for (std::uint64_t seed = arguments.first; seeds < arguments.count; ++seed, ++seeds) {
    if (arguments.minutes > 0 && seconds() >= 60.0 * static_cast<double>(arguments.minutes)) break;
    SimulationOptions options = draw(seed, arguments.broken);
    if (arguments.sites > 0) options.sites = static_cast<std::uint32_t>(arguments.sites);
    if (arguments.count == 1) std::printf("%s\n", describe(options).c_str());
    const std::vector<TimedCommand> commands = plan(options);
    RunResult result = run(options, commands, arguments.trace);
    if (!result.violation && arguments.twice) {
      const RunResult again = run(options, commands, false);
      if (again.hash != result.hash) result.violation = "I12: the second run went another way";
    }
    const bool expected = !arguments.expected.empty();
    if (expected && result.violation &&
        result.violation->find(' ' + arguments.expected + ": ") == std::string::npos) {
      continue;
    }
    if (result.violation) {
      std::printf(
          "seed %llu FAILED: %s\n  options: %s\n  again:   tests/simulation/run --seed %llu%s%s"
          " [--shrink tests/simulation/regress/NAME.txt]\n",
          static_cast<unsigned long long>(seed), result.violation->c_str(),
          describe(options).c_str(), static_cast<unsigned long long>(seed),
          arguments.broken_name.empty() ? "" : " --break ", arguments.broken_name.data());
      if (!arguments.shrunk.empty()) {
        write_shrunk(arguments.shrunk, options, commands, *result.violation, make);
      }
      return expected ? 0 : 1;
    }
    if (arguments.count == 1) {
      std::printf("trace hash %016llx\n", static_cast<unsigned long long>(result.hash));
    }
    jobs += result.jobs;
    runs += result.runs;
    events += result.events;
    simulated += result.simulated;
  }
  const double hours = static_cast<double>(simulated) / kSecond / 3600;
  std::printf(
      "%llu seeds passed: %.1f simulated hours in %.1f s, %.0f x real time; %llu jobs, "
      "%llu attempts started, %llu events\n",
      static_cast<unsigned long long>(seeds), hours, seconds(), hours * 3600 / seconds(),
      static_cast<unsigned long long>(jobs), static_cast<unsigned long long>(runs),
      static_cast<unsigned long long>(events));
  if (!arguments.expected.empty()) {
    std::printf("but a failure was expected: the checks are blind\n");
    return 1;
  }
  return 0;
}
