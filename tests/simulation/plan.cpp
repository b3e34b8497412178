#include "tests/simulation/plan.h"

#include <algorithm>

#include "tests/simulation/planner.h"

namespace tradewind::simulation {

void Planner::submissions() {
  Random times = stream("submissions");
  std::vector<Micros> at_times;
  for (std::uint32_t i = 0; i < options_.submissions; ++i) {
    at_times.push_back(times.between(0, options_.fault_phase - 1));
  }
  std::sort(at_times.begin(), at_times.end());
  for (std::uint32_t i = 0; i < options_.submissions; ++i) {
    const std::string job = "j" + std::to_string(i + 1);
    Random random = stream("job " + job);
    const Micros at = at_times[i];
    std::string text = "submit job=" + job + " broker=" + any_broker(random);
    const auto give = [&text](std::string_view key, const std::string& value) {
      text += ' ' + std::string(key) + '=' + value;
    };
    if (random.below(3) == 0) give("tenant", "owner");
    give("cpus", std::to_string(random.between(1, 4)));
    give("run", span(100 * kMillisecond, 120 * kSecond, random));
    if (random.below(8) == 0) give("nodes", "2");
    if (random.below(5) == 0) give("restartable", "no");
    give("attempts", std::to_string(random.between(1, 4)));
    if (random.below(6) == 0) give("on-disconnect", "continue");
    give("priority", std::to_string(random.between(-2, 2)));
    if (random.below(8) == 0) give("total", span(10 * kSecond, 300 * kSecond, random));
    // Jobs of the same broker only: it knows no others.
    if (i > 0 && options_.brokers == 1 && random.below(6) == 0) {
      give("after", "j" + std::to_string(random.between(std::max<std::int64_t>(1, i - 3), i)));
    }
    if (random.below(10) == 0) give("queue", span(kSecond, 120 * kSecond, random));
    std::uint32_t array = 0;
    if (random.below(5) == 0) {
      array = static_cast<std::uint32_t>(random.between(2, 12));
      give("array", std::to_string(array));
    }
    add(at, text);
    submitted_[text] = at;
    cancels(job, at, array, random);
  }
}

// In any state: right after the submission, while it is on its way, while it runs, when it is over.
void Planner::cancels(const std::string& job, Micros submitted, std::uint32_t array,
                      Random& random) {
  if (random.below(5) != 0) return;
  const Micros spans[] = {100 * kMillisecond, 2 * kSecond, 20 * kSecond, 200 * kSecond};
  std::string name = job;
  if (array > 0 && random.below(2) == 0) name += '.' + std::to_string(random.below(array));
  add(submitted + random.between(0, spans[random.below(4)]), "cancel " + name);
}

// From less than a job holds to more than all hold together.
void Planner::budgets() {
  repeat("budgets", options_.budget_every, [this](Random& random, Micros at) {
    std::string text = random.below(2) == 0 ? "budget tenant " : "budget owner ";
    if (random.below(5) == 0) {
      text += "removed";
    } else {
      constexpr std::int64_t kMost[] = {100'000, 1'000'000, 10'000'000};
      text += "limit=" + std::to_string(random.between(0, kMost[random.below(3)]));
      if (random.below(3) == 0) text += " period=none";
    }
    add(at, text + " broker=" + any_broker(random));
  });
}

std::vector<TimedCommand> plan(const SimulationOptions& options) {
  return Planner(options).plan();
}

}  // namespace tradewind::simulation
