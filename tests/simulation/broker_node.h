// The broker: the real lifecycle, routing and market view over a simulated journal.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/lifecycle.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/node.h"

namespace tradewind::simulation {

class BrokerNode final : public Process {
 public:
  using Send = std::function<void(const SiteId&, const ToGateway&)>;

  BrokerNode(Scheduler& scheduler, Random& random, const SimulationOptions& options,
             Checker& checker, Send send);

  void start();
  void crash();

  void submit(JobSpec spec);
  void cancel_some();  // a job or array that was acknowledged
  void from_site(const SiteId& site, const ToBroker& message);
  void market_record(const Record& record);

  NodeClock& clock() { return clock_; }
  const std::map<JobId, JobRecord>& tables() const { return tables_; }
  // A readable copy of why the first job that still waits is not placed.
  std::string waiting_reason() const;

 private:
  Work finish_batch() override;
  void on_tick() override;
  Micros next_tick() const override;

  Checker& checker_;
  Send send_;
  NodeClock clock_;
  // Durable.
  std::vector<Entry> journal_;
  std::map<JobId, JobRecord> tables_;
  std::vector<JobId> acknowledged_;
  // Of this life.
  std::unique_ptr<MarketRouter> router_;
  std::unique_ptr<Lifecycle> lifecycle_;
  std::vector<std::pair<JobId, std::uint32_t>> unacknowledged_;
};

}  // namespace tradewind::simulation
