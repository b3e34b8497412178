// One run: a broker, gateways, clients, a network and faults, from one seed, in one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/broker_node.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/gateway_node.h"
#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

struct RunResult {
  std::optional<std::string> violation;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t jobs = 0;
  std::uint64_t runs = 0;
};

class World {
 public:
  explicit World(const SimulationOptions& options);
  ~World();
  // `trace`: prints what happens.
  RunResult run(bool trace);

 private:
  SiteRecord make_site(std::uint32_t index);
  JobSpec make_job();
  void schedule_faults();
  // Again and again, at random times about `every` apart, until the faults end.
  void repeat(Micros every, std::function<void()> fault);
  void schedule_submissions();
  void crash_gateway(GatewayNode& gateway);
  void calm();
  void send_to_site(const SiteId& site, const ToGateway& message);
  void send_to_broker(const SiteId& site, const ToBroker& message);
  GatewayNode& any_gateway() { return *gateways_[random_.below(gateways_.size())]; }
  bool all_ended() const;
  bool step(Micros end);

  SimulationOptions options_;
  Random random_;
  Scheduler scheduler_;
  Checker checker_;
  Network network_;
  std::unique_ptr<BrokerNode> broker_;
  std::vector<std::unique_ptr<GatewayNode>> gateways_;
  bool faults_ = true;
};

}  // namespace tradewind::simulation
