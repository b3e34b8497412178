#include "tests/simulation/broker_node.h"

#include <utility>

#include "schemas/codec.h"

namespace tradewind::simulation {

namespace {

// Adds a millionth to what each choice costs.
class WrongRouter final : public MarketRouter {
 public:
  WrongRouter() : MarketRouter(RouteOptions{}) {}
  std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                 Now now) override {
    std::optional<Decision> decision = MarketRouter::decide(job, excluded, now);
    if (decision) ++decision->chosen->cost.compute.micros;
    return decision;
  }
};

}  // namespace

BrokerNode::BrokerNode(Scheduler& scheduler, Random& random, const SimulationOptions& options,
                       Checker& checker, Send send)
    : Process(scheduler, random, options),
      checker_(checker),
      send_(std::move(send)),
      clock_(scheduler, random, options) {}

void BrokerNode::start() {
  LifecycleOptions options;
  options.lease_seconds = options_.lease_seconds;
  if (options_.broken == Break::lease_wait) {
    options.skew_bound = {};
    options.delay_bound = std::chrono::seconds(5) - std::chrono::seconds(options.lease_seconds);
    options.dispatch_delay_bound = options.delay_bound;
  }
  router_ = options_.broken == Break::wrong_cost ? std::make_unique<WrongRouter>()
                                                 : std::make_unique<MarketRouter>(RouteOptions{});
  lifecycle_ = std::make_unique<Lifecycle>(options, *router_);
  unacknowledged_.clear();
  checker_.restarted(journal_, tables_);
  Term term{1};
  for (const Entry& entry : journal_) {
    if (const auto* began = std::get_if<TermBegan>(&entry.body)) term.value = began->term.value + 1;
  }
  for (const auto& [id, job] : tables_) {
    if (!is_final(job.state)) lifecycle_->recover(job);
  }
  come_up();
  scheduler_.trace("broker starts");
  input([this, term] {
    const Wall::time_point newest = journal_.empty() ? Wall::time_point{} : journal_.back().at;
    lifecycle_->begin(term, newest, clock_.now());
  });
}

void BrokerNode::crash() {
  scheduler_.trace("broker crashes");
  go_down();
  lifecycle_.reset();
  router_.reset();
}

void BrokerNode::submit(JobSpec spec) {
  input([this, spec = std::move(spec)] {
    const JobId job = job_id(Sequence{journal_.size() + lifecycle_->entries_pending() + 1},
                             tag_of(broker_node("one")));
    const std::uint32_t count = spec.array_count;
    const TenantId tenant{random_.below(3) == 0 ? "owner" : "tenant"};
    lifecycle_->submit(JobSubmitted{job, tenant, "user", {}, spec}, clock_.now());
    unacknowledged_.emplace_back(job, count);
  });
}

void BrokerNode::cancel_some() {
  if (acknowledged_.empty()) return;
  const JobId job = acknowledged_[random_.below(acknowledged_.size())];
  input([this, job] {
    // Not found: it has ended.
    if (lifecycle_->cancel(job, "user", clock_.now())) scheduler_.trace("cancel " + job.value);
  });
}

void BrokerNode::from_site(const SiteId& site, const ToBroker& message) {
  input([this, site, message] { lifecycle_->from_site(site, message, clock_.now()); });
}

void BrokerNode::market_record(const Record& record) {
  input([this, record] {
    router_->expire(clock_.now());
    router_->accept(record, SignedRecord{encode(record), Bytes(64, 's')});
  });
}

void BrokerNode::on_tick() {
  router_->expire(clock_.now());
  if (lifecycle_->next_tick() <= clock_.now().mono) lifecycle_->tick(clock_.now());
}

Micros BrokerNode::next_tick() const {
  return clock_.true_time(lifecycle_->next_tick());
}

Process::Work BrokerNode::finish_batch() {
  LifecycleOutput output = lifecycle_->take(clock_.now());
  Work work;
  if (!output.entries.empty() || !output.jobs.empty()) {
    auto acknowledged = std::exchange(unacknowledged_, {});
    auto batch = std::make_shared<LifecycleOutput>();
    batch->entries = output.entries;
    batch->jobs = output.jobs;
    work.make_durable = [this, batch] {
      journal_.insert(journal_.end(), batch->entries.begin(), batch->entries.end());
      for (const JobRecord& job : batch->jobs) tables_[job.job] = job;
      checker_.committed(batch->entries, batch->jobs);
      scheduler_.trace("commit " + std::to_string(journal_.size()));
    };
    work.effects = [this, sends = std::move(output.sends), acknowledged] {
      for (const auto& [job, count] : acknowledged) {
        checker_.acknowledged(job, count);
        acknowledged_.push_back(job);
      }
      for (const SendToSite& each : sends) send_(each.site, each.message);
      lifecycle_->sent(clock_.now());
    };
  } else if (!output.sends.empty()) {
    work.effects = [this, sends = std::move(output.sends)] {
      for (const SendToSite& each : sends) send_(each.site, each.message);
      lifecycle_->sent(clock_.now());
    };
  }
  return work;
}

std::string BrokerNode::waiting_reason() const {
  for (const auto& [id, job] : tables_) {
    if (is_final(job.state)) continue;
    const Decision* const decision =
        lifecycle_ ? lifecycle_->waiting_decision(id, clock_.now()) : nullptr;
    std::string text = id.value + ' ' + std::string(to_string(job.state));
    if (decision == nullptr || decision->rejections.empty()) return text;
    return text + ": " + std::string(to_string(decision->rejections.front().reason)) + ' ' +
           decision->rejections.front().detail;
  }
  return {};
}

}  // namespace tradewind::simulation
