// A broker: the real lifecycle, routing and market view over a simulated journal.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/lifecycle.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/node.h"

namespace tradewind::simulation {

class BrokerNode final : public Process {
 public:
  using Send = std::function<void(const SiteId&, const ToGateway&)>;

  BrokerNode(const Surroundings& around, std::string name, Send send);

  void start() override;
  void crash(Disk disk) override;

  // Answered once it is durable; the job's name is its idempotency key.
  void submit(const Submission& submission, Clients::Answer answer);
  void cancel(const JobId& job);
  void from_site(const SiteId& site, const ToBroker& message);
  void market_record(const Record& record);

  const std::map<JobId, JobRecord>& tables() const { return tables_; }
  // A readable copy of why the first job that still waits is not placed.
  std::string waiting_reason() const;

 private:
  using Key = std::pair<TenantId, std::string>;
  Work finish_batch() override;
  void on_tick() override;
  Micros next_tick() const override;
  void make_durable(const LifecycleOutput& output);
  void release(const std::vector<SendToSite>& sends);

  Send send_;
  // Durable.
  std::vector<Entry> journal_;
  std::map<JobId, JobRecord> tables_;
  std::map<Key, JobId> keys_;  // idempotency keys
  // Of this life.
  std::unique_ptr<MarketRouter> router_;
  std::unique_ptr<Lifecycle> lifecycle_;
  std::map<Key, JobId> batch_keys_;  // of this batch, not yet durable
  std::vector<std::function<void()>> after_commit_;
};

}  // namespace tradewind::simulation
