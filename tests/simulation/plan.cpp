#include "tests/simulation/plan.h"

#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "tests/simulation/random.h"
#include "tests/simulation/span.h"

namespace tradewind::simulation {
namespace {

class Planner {
 public:
  explicit Planner(const SimulationOptions& options) : options_(options) {}

  std::vector<TimedCommand> plan() {
    submissions();
    partitions();
    kills();
    pauses();
    jumps();
    site_states();
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
  void cancels(const std::string& job, Micros submitted, std::uint32_t array, Random& random);
  void partitions();
  void kills();
  void pauses();
  void jumps();
  void site_states();

  const SimulationOptions& options_;
  std::multimap<Micros, std::string> commands_;  // of one moment, in the order they were made
};

void Planner::submissions() {
  for (std::uint32_t i = 0; i < options_.submissions; ++i) {
    const std::string job = "j" + std::to_string(i + 1);
    Random random = stream("job " + job);
    const Micros at = random.between(0, options_.fault_phase - 1);
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
    if (random.below(10) == 0) give("queue", span(kSecond, 120 * kSecond, random));
    std::uint32_t array = 0;
    if (random.below(5) == 0) {
      array = static_cast<std::uint32_t>(random.between(2, 12));
      give("array", std::to_string(array));
    }
    add(at, text);
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

void Planner::partitions() {
  repeat("partitions", options_.partition_every, [this](Random& random, Micros at) {
    const std::string site = any_site(random);
    const std::string broker = any_broker(random);
    const Micros healed = at + random.between(1, 180) * kSecond;
    switch (random.below(4)) {
      case 0: add(at, "cut " + site + " one-way"); break;
      case 1: add(at, "cut " + broker + ' ' + site + " one-way"); break;
      case 2: add(at, "cut " + site); break;
      default: add(at, "cut " + broker + ' ' + site);
    }
    add(healed, "heal " + site);
  });
}

void Planner::kills() {
  // Half of them at once, half with an event, before it or after.
  const auto kill = [](const std::string& node, const std::vector<std::string_view>& events,
                       Random& random) {
    std::string text = "kill " + node;
    if (random.below(2) == 0) {
      text += random.below(2) == 0 ? " before=" : " after=";
      text += events[random.below(events.size())];
    }
    return text;
  };
  repeat("broker kills", options_.broker_crash_every, [&](Random& random, Micros at) {
    const std::string broker = any_broker(random);
    add(at, kill(broker,
                 {"commit", "job.submitted", "job.decided", "attempt.granted", "attempt.refused",
                  "attempt.ended", "attempt.lost", "job.cancel_requested", "dispatch", "renew",
                  "acknowledge", "cancel", "ask", "granted", "ended"},
                 random));
    add(at + random.between(0, 30) * kSecond, "start " + broker);
    add(at + random.between(30, 60) * kSecond, "start " + broker);
  });
  repeat("gateway kills", options_.gateway_crash_every, [&](Random& random, Micros at) {
    const std::string site = any_site(random);
    std::string text = kill(site,
                            {"commit", "start", "granted", "refused", "status", "ended", "dispatch",
                             "renew", "acknowledge", "cancel", "ask"},
                            random);
    if (random.chance(options_.wipe_ppm)) text += " wipe";
    add(at, text);
    // Mostly back soon, sometimes long after every lease.
    const Micros down =
        random.below(3) == 0 ? random.between(0, 200) * kSecond : random.between(0, 5'000'000);
    add(at + down, "start " + site);
    add(at + down + random.between(5, 60) * kSecond, "start " + site);
  });
}

void Planner::pauses() {
  repeat("pauses", options_.broker_pause_every, [this](Random& random, Micros at) {
    add(at, "pause " + any_broker(random) + " for=" + span(kSecond, 150 * kSecond, random));
  });
}

void Planner::jumps() {
  repeat("jumps", options_.wall_jump_every, [this](Random& random, Micros at) {
    const std::string node = random.below(2) == 0 ? any_broker(random) : any_site(random);
    add(at, "jump " + node + " by=" + std::to_string(random.between(-3'600, 3'600)) + 's');
  });
}

void Planner::site_states() {
  constexpr std::string_view kStates[] = {"active", "draining", "maintenance"};
  repeat("site states", options_.site_state_every, [&](Random& random, Micros at) {
    const std::string site = any_site(random);
    add(at, "state " + site + ' ' + std::string(kStates[random.below(3)]));
  });
}

}  // namespace

std::vector<TimedCommand> plan(const SimulationOptions& options) {
  return Planner(options).plan();
}

}  // namespace tradewind::simulation
