// The herd of herd_model.h under four policies, at three lags. Prints JSON lines.
//
//   bench_herd [--quick]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/herd_model.h"

namespace {

using namespace tradewind::herd;
using std::chrono::milliseconds;

constexpr auto kMeasured = std::chrono::seconds(100);

constexpr Policy kPolicies[] = {
    {"gossip alone", false, false, false, 0, false},
    {"with refusals that tell", true, false, false, 0, false},
    {"with own debits and 2 spare", true, true, false, 2, false},
    {"as delivered", true, true, true, 0, true},
};

void print(const std::string& metric, std::vector<double> values, const char* unit,
           std::optional<double> goal) {
  std::ranges::sort(values);
  const double value = values[values.size() / 2];
  std::printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"spread\": [%.3f, %.3f], ",
              metric.c_str(), value, unit, values.front(), values.back());
  if (goal) {
    std::printf("\"goal\": \"<= %g\", \"holds\": %s}\n", *goal, value <= *goal ? "true" : "false");
  } else {
    std::printf("\"goal\": null, \"holds\": null}\n");
  }
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  const bool quick = count > 1 && std::string_view(arguments[1]) == "--quick";
  const std::vector<int> lags = quick ? std::vector{3'600} : std::vector{1'000, 3'600, 6'700};
  for (const Policy& policy : kPolicies) {
    for (const int lag : lags) {
      std::vector<double> tries;
      std::vector<double> unplaced;
      std::vector<double> least_trust;
      for (std::uint64_t seed = 1; seed <= (quick || !policy.under_load ? 1U : 3U); ++seed) {
        const Found found = Herd(policy, milliseconds(lag), kMeasured, seed).run();
        tries.push_back(static_cast<double>(found.tries) / static_cast<double>(found.passes));
        least_trust.push_back(static_cast<double>(found.least_trust_ppm) / 10'000);
        unplaced.push_back(100.0 * static_cast<double>(found.unplaced) /
                           static_cast<double>(found.passes));
      }
      const bool ours = policy.under_load && lag == 3'600;
      char name[100];
      std::snprintf(name, sizeof(name), "%s, lag %.1f s: ", policy.name, lag / 1'000.0);
      print(std::string(name) + "tries a job", tries, "tries",
            ours ? std::optional(2.5) : std::nullopt);
      print(std::string(name) + "without a place in one pass", unplaced, "%",
            ours ? std::optional(1.0) : std::nullopt);
      print(std::string(name) + "least trust of a broker in a site", least_trust, "%",
            std::nullopt);
    }
  }
  return 0;
}
