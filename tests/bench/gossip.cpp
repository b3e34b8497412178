// How fast quote sheets spread and what that costs: a simulation over the real cores, in virtual
// time, from one seed. Prints JSON lines.
//
//   bench_gossip [--quick] [--only flat|lossy|partitioned|divided|long] [DELAYS]
//
// DELAYS: a file of 10 x 10 one-way delays in ms. Without --quick it takes several minutes of a
// core and 7 GB. `long` cuts the whole federation for 10 minutes, which takes an hour, and is left
// out unless it is asked for.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/bench/gossip_simulation.h"

namespace {

using namespace tradewind;
using namespace std::chrono_literals;
using bench::GossipSimulation;
using bench::GossipWorld;
using Role = GossipSimulation::Role;

void print(const std::string& metric, double value, const char* unit,
           std::optional<double> goal = {}) {
  std::printf("{\"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"spread\": null, ",
              metric.c_str(), value, unit);
  if (goal) {
    std::printf("\"goal\": \"<= %g\", \"holds\": %s}\n", *goal, value <= *goal ? "true" : "false");
  } else {
    std::printf("\"goal\": null, \"holds\": null}\n");
  }
  std::fflush(stdout);
}

double percentile(std::vector<double> values, double part) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * part)];
}

void print_spread(const std::string& name, const GossipSimulation& simulation, bool goals) {
  const std::vector<double> all = simulation.held_by_all();
  print(name + "publication to held by all, median", percentile(all, 0.5), "s",
        goals ? std::optional(2.5) : std::nullopt);
  print(name + "publication to held by all, p99", percentile(all, 0.99), "s",
        goals ? std::optional(4.0) : std::nullopt);
  print(name + "publication to held by one, median", percentile(simulation.held_by_one(), 0.5),
        "s");
  print(name + "publication to held by one, p99", percentile(simulation.held_by_one(), 0.99), "s");
}

void print_traffic(const std::string& name, const GossipSimulation& simulation, Role role,
                   std::optional<double> goal = {}) {
  const auto traffic = simulation.traffic(role);
  print(name + "sent by a node", traffic.sent / 1'000, "kB/s", goal);
  print(name + "received by a node", traffic.received / 1'000, "kB/s", goal);
  print(name + "received by the busiest node", traffic.received_most / 1'000, "kB/s");
  print(name + "rounds", traffic.rounds, "1/s");
  print(name + "signature checks", traffic.verified, "1/s");
  print(name + "records received per one that was new", traffic.records / traffic.verified, "");
}

void flat(const GossipWorld& world) {
  GossipSimulation simulation(world);
  const std::string name = std::to_string(world.sites) + " sites: ";
  simulation.run(8s);
  simulation.begin_counting();
  simulation.run(15s);
  print(name + "quote sheet with signature on the wire", simulation.mean_sheet_wire_bytes(), "B");
  print_spread(name, simulation, true);
  print_traffic(name, simulation, Role::ordinary, 120);
}

void lossy(GossipWorld world) {
  world.loss_percent = 25;
  GossipSimulation simulation(world);
  simulation.run(8s);
  simulation.begin_counting();
  simulation.run(15s);
  const std::string name = std::to_string(world.sites) + " sites, 25 % loss: ";
  print(name + "publication to held by all, p99", percentile(simulation.held_by_all(), 0.99), "s");
  print(name + "sheets older than 10 s that somebody lacks",
        static_cast<double>(simulation.missed(10s)), "", 0);
}

void partitioned(GossipWorld world, std::uint32_t sites, Mono::duration cut) {
  world.sites = sites;
  GossipSimulation simulation(world);
  simulation.run(10s);
  simulation.cut();
  simulation.run(cut);
  simulation.heal();
  // Until everybody holds everything that was published before the healing, or something newer.
  Mono::duration taken{};
  while (taken < 60s && (taken == 0s || !simulation.converged(taken))) {
    simulation.run(50ms);
    taken += 50ms;
  }
  const double rounds = std::chrono::duration<double>(taken) / GossipOptions{}.period;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(cut).count();
  print(std::to_string(world.sites) + " sites: rounds until whole again after a cut of " +
            std::to_string(minutes) + " min",
        rounds, "", 10);
}

void divided(GossipWorld world, bool quick) {
  world.sites = quick ? 3'000 : 10'000;
  world.brokers = 4;
  world.full_cells = quick ? 1 : 2;
  GossipSimulation simulation(world);
  const std::string name = std::to_string(world.sites) + " sites in cells: ";
  simulation.run(8s);
  simulation.begin_counting();
  simulation.run(12s);
  print(name + "nodes simulated", simulation.nodes(), "");
  print_spread(name, simulation, false);
  print_traffic(name + "ordinary gateway: ", simulation, Role::ordinary, 20);
  print_traffic(name + "relay: ", simulation, Role::relay);
  print_traffic(name + "broker: ", simulation, Role::broker);
}

}  // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::string only;
  std::string file;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
    } else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
      only = argv[++i];
    } else {
      file = argv[i];
    }
  }
  GossipWorld world;
  world.delays = bench::delays_of(file);
  if (quick) world.sites = 300;
  const auto wanted = [&only](const char* name) { return only.empty() || only == name; };
  if (wanted("flat")) flat(world);
  if (wanted("lossy")) lossy(world);
  // After a minute each half has long forgotten the other's sheets: more time changes little.
  if (wanted("partitioned")) {
    partitioned(world, 100, quick ? 1min : 10min);
    partitioned(world, world.sites, 1min);
  }
  if (only == "long") partitioned(world, world.sites, 10min);
  if (wanted("divided")) divided(world, quick);
  return 0;
}
