// What goes wrong in a plan, by where: links, processes, disks, clocks, sites.
#include <algorithm>
#include <iterator>

#include "tests/simulation/planner.h"

namespace tradewind::simulation {

void Planner::links() {
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
  repeat("swizzles", options_.swizzle_every,
         [this](Random& random, Micros at) { swizzle(random, at); });
  repeat("replays", options_.replay_every, [this](Random& random, Micros at) {
    add(at, "replay " + (random.below(2) == 0 ? any_broker(random) : any_site(random)));
  });
}

// Some links are cut one after the other and healed in another order, so that for a while each node
// reaches others than its neighbours do.
void Planner::swizzle(Random& random, Micros at) {
  std::vector<std::pair<std::uint64_t, std::string>> cuts;
  for (std::uint32_t b = 1; b <= options_.brokers; ++b) {
    for (std::uint32_t s = 1; s <= options_.sites; ++s) {
      if (random.below(2) == 0) continue;
      cuts.emplace_back(random.next(), " b" + std::to_string(b) + " s" + std::to_string(s));
    }
  }
  for (const auto& each : cuts) {
    add(at, "cut" + each.second);
    at += random.between(0, 5) * kSecond;
  }
  std::sort(cuts.begin(), cuts.end());
  for (const auto& each : cuts) {
    at += random.between(0, 20) * kSecond;
    add(at, "heal" + each.second);
  }
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
    if (random.chance(options_.wipe_ppm)) {
      text += " wipe";
    } else if (random.chance(options_.restore_ppm)) {
      add(at - std::min(at, random.between(0, 120) * kSecond), "save " + site);
      text += " restore";
    }
    add(at, text);
    // Mostly back soon, sometimes long after every lease.
    const Micros down =
        random.below(3) == 0 ? random.between(0, 200) * kSecond : random.between(0, 5'000'000);
    add(at + down, "start " + site);
    add(at + down + random.between(5, 60) * kSecond, "start " + site);
  });
}

void Planner::processes() {
  kills();
  failovers();

  repeat("pauses", options_.broker_pause_every, [this](Random& random, Micros at) {
    add(at, "pause " + any_broker(random) + " for=" + span(kSecond, 150 * kSecond, random));
  });
  repeat("upgrades", options_.upgrade_every, [this](Random& random, Micros at) {
    switch (random.below(4)) {
      case 0: add(at, "downgrade " + any_site(random)); break;
      case 1: add(at, "upgrade " + any_broker(random)); break;
      default: add(at, "upgrade " + any_site(random));
    }
  });
  repeat("reconnects", options_.reconnect_every, [this](Random& random, Micros at) {
    for (std::uint32_t s = 1; s <= options_.sites; ++s) add(at, "kill s" + std::to_string(s));
    const Micros down = random.between(0, 30) * kSecond;
    for (std::uint32_t s = 1; s <= options_.sites; ++s) {
      add(at + down, "start s" + std::to_string(s));
    }
  });
}

// The old process is at work, or stands still and goes on after the new one has begun; sometimes
// what a site answers does not get through.
void Planner::failovers() {
  repeat("failovers", options_.failover_every, [this](Random& random, Micros at) {
    const std::string broker = any_broker(random);
    if (random.below(3) != 0) {
      add(at, "pause " + broker + " for=" + span(10 * kSecond, 120 * kSecond, random));
    }
    if (random.below(2) == 0) {
      const std::string site = any_site(random);
      add(at, "cut " + site + ' ' + broker + " one-way");
      add(at + random.between(60, 200) * kSecond, "heal " + site + ' ' + broker);
    }
    add(at + random.between(0, 20) * kSecond, "replace " + broker);
  });
}

void Planner::disks() {
  repeat("disks", options_.disk_fault_every, [this](Random& random, Micros at) {
    const std::string node = random.below(2) == 0 ? any_broker(random) : any_site(random);
    if (random.below(2) == 0) {
      add(at, "disk " + node + " broken");
      add(at + random.between(10, 60) * kSecond, "start " + node);
    } else {
      add(at, "disk " + node + " full");
      add(at + random.between(1, 20) * kSecond, "start " + node);
      const Micros good = at + random.between(10, 120) * kSecond;
      add(good, "disk " + node + " good");
      add(good + random.between(0, 5) * kSecond, "start " + node);
    }
  });
}

// A site that has lost its disk tells a new one from the old by its clock: where disks are lost,
// only the brokers' jump.
void Planner::clocks() {
  const bool disks_lost =
      options_.wipe_ppm > 0 || options_.restore_ppm > 0 || options_.upgrade_every > 0;
  repeat("jumps", options_.wall_jump_every, [&](Random& random, Micros at) {
    const bool of_broker = disks_lost || random.below(2) == 0;
    const std::string node = of_broker ? any_broker(random) : any_site(random);
    add(at, "jump " + node + " by=" + std::to_string(random.between(-3'600, 3'600)) + 's');
  });
}

void Planner::sites() {
  constexpr std::string_view kStates[] = {"active", "draining", "maintenance"};
  repeat("site states", options_.site_state_every, [&](Random& random, Micros at) {
    const std::string site = any_site(random);
    add(at, "state " + site + ' ' + std::string(kStates[random.below(3)]));
  });
  lies();
  repeat("churn", options_.churn_every, [this](Random& random, Micros at) {
    const std::string site = any_site(random);
    add(at, "leave " + site);
    add(at + random.between(1, 120) * kSecond, "join " + site);
  });
  repeat("storms", options_.storm_every, [this](Random& random, Micros at) { storm(random, at); });
}

void Planner::lies() {
  constexpr std::string_view kLies[] = {"overclaims",    "refuses", "never-runs",
                                        "never-answers", "slow",    "equivocates"};
  // The release before knows no proofs: what its brokers believe of such a site is no fault.
  const std::size_t lies = std::size(kLies) - (options_.former_ppm > 0 ? 1 : 0);
  repeat("lies", options_.lie_every, [&](Random& random, Micros at) {
    const std::string site = any_site(random);
    add(at, "behave " + site + ' ' + std::string(kLies[random.below(lies)]));
    add(at + random.between(10, 200) * kSecond, "behave " + site + " honest");
    if (random.below(2) != 0) return;
    const std::string other = any_site(random);
    add(at, "price " + other + ' ' + std::to_string(random.between(200'000, 3'000'000)));
  });
}

// For a minute all sites but one take nothing new, and whoever has submitted within the minute
// before does so again and again.
void Planner::storm(Random& random, Micros at) {
  const std::string spared = any_site(random);
  for (std::uint32_t s = 1; s <= options_.sites; ++s) {
    const std::string site = "s" + std::to_string(s);
    if (site == spared) continue;
    add(at, "state " + site + " draining");
    add(at + 60 * kSecond, "state " + site + " active");
  }
  for (const auto& [command, submitted] : submitted_) {
    if (submitted > at || submitted < at - 60 * kSecond) continue;
    for (int again = 1; again <= 3; ++again) add(at + again * 10 * kSecond, command);
  }
}

}  // namespace tradewind::simulation
