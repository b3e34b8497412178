// simulation: whole federations in one thread, each from one seed.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "tests/simulation/options.h"
#include "tests/simulation/world.h"

namespace {

using namespace tradewind::simulation;

constexpr const char* kUsage =
    "usage: simulation --seed S [--trace]\n"
    "       simulation --seeds N [--first S]\n"
    "  --seed S         one run; prints the options that the seed drew\n"
    "  --seeds N        N runs from --first S (1) on; stops at the first that fails\n"
    "  --trace          prints what happens\n"
    "  --twice          runs each seed twice and compares the trace hashes\n"
    "  --break WHAT     breaks the system: idempotency, lease-wait, stale-dispatch, contracts\n"
    "                   or wrong-cost\n"
    "  --expect-failure succeeds when, and only when, some seed fails\n";

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  bool trace = false;
  bool twice = false;
  bool expect_failure = false;
  Break broken = Break::none;
  std::string_view broken_name = "";
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
    } else if (name == "--expect-failure") {
      arguments.expect_failure = true;
    } else if (name == "--seed" && read(value, arguments.first)) {
      arguments.count = 1;
      ++i;
    } else if (name == "--seeds" && read(value, arguments.count)) {
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

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  if (!parse(count, values, arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t jobs = 0;
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.count; ++seed) {
    const SimulationOptions options = draw(seed, arguments.broken);
    if (arguments.count == 1) std::printf("%s\n", describe(options).c_str());
    const std::vector<TimedCommand> commands = plan(options);
    RunResult result = run(options, commands, arguments.trace);
    if (!result.violation && arguments.twice) {
      const RunResult again = run(options, commands, false);
      if (again.hash != result.hash) result.violation = "I12: the second run went another way";
    }
    if (result.violation) {
      std::printf(
          "seed %llu FAILED: %s\n  options: %s\n  again:   tests/simulation/run --seed %llu%s%s\n",
          static_cast<unsigned long long>(seed), result.violation->c_str(),
          describe(options).c_str(), static_cast<unsigned long long>(seed),
          arguments.broken_name.empty() ? "" : " --break ", arguments.broken_name.data());
      return arguments.expect_failure ? 0 : 1;
    }
    if (arguments.count == 1) {
      std::printf("trace hash %016llx\n", static_cast<unsigned long long>(result.hash));
    }
    jobs += result.jobs;
    runs += result.runs;
    events += result.events;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%llu seeds passed in %.1f s: %llu jobs, %llu attempts started, %llu events\n",
              static_cast<unsigned long long>(arguments.count), seconds,
              static_cast<unsigned long long>(jobs), static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(events));
  if (arguments.expect_failure) {
    std::printf("but a failure was expected: the checks are blind\n");
    return 1;
  }
  return 0;
}
