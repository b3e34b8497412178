// A broker: the real lifecycle, routing and market view over a simulated journal.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/market_router.h"
#include "broker/jobs/lifecycle.h"
#include "state/gossip/record_book.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/node.h"

namespace tradewind::simulation {

class BrokerNode final : public Process {
 public:
  using Send = std::function<void(const SiteId&, const ToGateway&)>;
  using Publish = std::function<void(const Equivocation&)>;
  // What of the broker outlives its processes. One of them may write it: the newest.
  struct StoredJournal {
    std::vector<Entry> entries;
    std::map<JobId, JobRecord> tables;
    std::map<std::pair<TenantId, std::string>, JobId> keys;  // idempotency keys
    std::map<TenantId, BudgetSpent> spent;                   // of budgets
    const BrokerNode* writer = nullptr;
  };

  // `stored` is shared with the process that it replaces, if any.
  BrokerNode(const Surroundings& around, std::string name, std::shared_ptr<StoredJournal> stored,
             Send send, Publish publish);

  void start() override;
  void crash(Disk disk) override;

  // Answered once it is durable; the job's name is its idempotency key.
  void submit(const Submission& submission, Clients::Answer answer);
  void cancel(const JobId& job);
  void set_budget(const TenantId& tenant, std::optional<Budget> budget);
  void remove_budgets();
  void from_site(const SiteId& site, const ToBroker& message);
  void market_record(const SignedRecord& record);
  void market_proof(const Equivocation& proof);

  const std::shared_ptr<StoredJournal>& stored() const { return stored_; }
  const std::map<JobId, JobRecord>& tables() const { return stored_->tables; }
  // Of the sites that it has quarantined.
  std::vector<Equivocation> proofs() const;
  bool quarantines(const SiteId& site) const;
  // What its market view holds of the site; null: nothing, or it is down.
  const SiteView* view_of(const SiteId& site) const;
  // Why a live job has no place, for people; empty when it rightly waits: no site has what it needs
  // any more, though one had it once.
  std::string waiting_reason(const JobRecord& job) const;

 private:
  bool comes_after_a_live_one(const JobRecord& job) const;
  using Key = std::pair<TenantId, std::string>;
  void recover_budgets();
  void change_budget(const TenantId& tenant, std::optional<Budget> budget);
  void consider(const SignedRecord& record);
  void consider(const Equivocation& proof);
  void take_proof(const RecordBook::Verdict& verdict);
  Work finish_batch() override;
  bool may_write() const override { return stored_->writer == this; }
  void on_tick() override;
  Micros next_tick() const override;
  void make_durable(LifecycleOutput output);
  void release(const std::vector<SendToSite>& sends);

  Send send_;
  Publish publish_;
  const std::shared_ptr<StoredJournal> stored_;
  // Of this life.
  std::optional<RecordBook> book_;
  std::unique_ptr<MarketRouter> router_;
  std::unique_ptr<Lifecycle> lifecycle_;
  std::map<Key, JobId> batch_keys_;  // of this batch, not yet durable
  std::vector<std::function<void()>> after_commit_;
  std::uint64_t unchecked_ = 0;  // records taken whatever their versions
};

}  // namespace tradewind::simulation
