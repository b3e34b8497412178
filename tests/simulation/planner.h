// How a plan is made: each kind of thing from a stream of randomness of its own.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/plan.h"
#include "tests/simulation/random.h"
#include "tests/simulation/span.h"

namespace tradewind::simulation {

class Planner {
 public:
  explicit Planner(const SimulationOptions& options) : options_(options) {}

  std::vector<TimedCommand> plan() {
    submissions();
    links();
    processes();
    disks();
    clocks();
    sites();
    budgets();
    std::vector<TimedCommand> commands;
    for (auto& [at, command] : commands_) commands.push_back({at, std::move(command)});
    return commands;
  }

 private:
  // Commands after the phase are never given: the calm undoes all faults at once.
  void add(Micros at, std::string command) {
    if (at < options_.fault_phase) commands_.emplace(at, std::move(command));
  }
  Random stream(std::string_view name) const { return dice(options_.seed, name); }
  // Again and again, at random times about `every` apart.
  void repeat(std::string_view name, Micros every,
              const std::function<void(Random&, Micros)>& fault) const {
    if (every == 0) return;
    Random random = stream(name);
    for (Micros at = random.between(1, 2 * every); at < options_.fault_phase;
         at += random.between(1, 2 * every)) {
      fault(random, at);
    }
  }
  std::string any_site(Random& random) const {
    return "s" + std::to_string(random.below(options_.sites) + 1);
  }
  std::string any_broker(Random& random) const {
    return "b" + std::to_string(random.below(options_.brokers) + 1);
  }
  static std::string span(Micros least, Micros most, Random& random) {
    return span_text(random.between(least / kMillisecond, most / kMillisecond) * kMillisecond);
  }

  void submissions();
  void budgets();
  void cancels(const std::string& job, Micros submitted, std::uint32_t array, Random& random);
  // plan_faults.cpp
  void links();
  void swizzle(Random& random, Micros at);
  void processes();
  void kills();
  void failovers();
  void disks();
  void clocks();
  void sites();
  void lies();
  void storm(Random& random, Micros at);

  const SimulationOptions& options_;
  std::map<std::string, Micros> submitted_;
  std::multimap<Micros, std::string> commands_;  // of one moment, in the order they were made
};

}  // namespace tradewind::simulation
