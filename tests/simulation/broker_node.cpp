#include "tests/simulation/broker_node.h"

#include <algorithm>
#include <utility>

#include "schemas/codec.h"
#include "tests/simulation/words.h"

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

BrokerNode::BrokerNode(const Surroundings& around, std::string name,
                       std::shared_ptr<StoredJournal> stored, Send send, Publish publish)
    : Process(around, std::move(name)),
      send_(std::move(send)),
      publish_(std::move(publish)),
      stored_(std::move(stored)) {}

// --- life ----------------------------------------------------------------------------------------

void BrokerNode::start() {
  if (up()) return;
  stored_->writer = this;
  const std::vector<Entry>& journal = stored_->entries;
  LifecycleOptions options;
  options.lease_seconds = static_cast<std::uint32_t>(options_.lease / kSecond);
  options.start_grace = std::chrono::seconds(60);  // runs are short
  options.records_open_max = 1;  // so that records are packed and read again at every turn
  if (options_.broken == Break::lease_wait) {
    options.skew_bound = {};
    options.delay_bound = std::chrono::seconds(5) - std::chrono::seconds(options.lease_seconds);
    options.dispatch_delay_bound = options.delay_bound;
  }
  router_ = options_.broken == Break::wrong_cost ? std::make_unique<WrongRouter>()
                                                 : std::make_unique<MarketRouter>(RouteOptions{});
  lifecycle_ = std::make_unique<Lifecycle>(options, *router_);
  book_.emplace(std::vector<Bytes>{Membership::registry_key()}, verify);
  batch_keys_.clear();
  after_commit_.clear();
  checker_.journal(name_).restarted(journal, stored_->tables, stored_->spent);
  Term term{1};
  std::map<std::pair<RecordKind, NodeId>, SignedRecord> relied_on;
  std::map<NodeId, Equivocation> proofs;
  for (const Entry& entry : journal) {
    if (const auto* began = std::get_if<TermBegan>(&entry.body)) term.value = began->term.value + 1;
    if (const auto* recorded = std::get_if<MarketRecorded>(&entry.body)) {
      const auto header = decode_record_header(recorded->record.body);
      relied_on[{header->kind, header->subject}] = recorded->record;
    }
    if (const auto* quarantined = std::get_if<SiteQuarantined>(&entry.body)) {
      proofs[header_of(quarantined->proof)->subject] = quarantined->proof;
    }
  }
  for (const auto& [id, job] : stored_->tables) {
    if (!is_final(job.state)) lifecycle_->recover(job);
  }
  recover_budgets();
  come_up();
  scheduler_.trace("up " + name_);
  checker_.broker_started(name_);
  input([this, term, relied_on, proofs,
         newest = journal.empty() ? Wall::time_point{} : journal.back().at] {
    // As it holds its members over restarts, and what decisions relied on.
    for (const SignedRecord& each : members_.records()) consider(each);
    const auto consider_all = [&](RecordKind kind) {
      for (const auto& [subject, record] : relied_on) {
        if (subject.first == kind) consider(record);
      }
    };
    // A site that is quarantined shows, and none of its sheets counts.
    consider_all(RecordKind::member);
    consider_all(RecordKind::site);
    for (const auto& [node, proof] : proofs) consider(proof);
    consider_all(RecordKind::quote);
    lifecycle_->begin(term, newest, clock_.now());
  });
}

void BrokerNode::recover_budgets() {
  std::map<TenantId, Budget> budgets;
  for (const Entry& entry : stored_->entries) {
    const auto* changed = std::get_if<BudgetChanged>(&entry.body);
    if (changed == nullptr) continue;
    budgets.erase(changed->tenant);
    if (changed->budget) budgets.emplace(changed->tenant, *changed->budget);
  }
  for (const auto& [tenant, budget] : budgets) {
    BudgetSpent spent = stored_->spent.at(tenant);
    if (options_.broken == Break::budget_spent) spent.spent = {};
    lifecycle_->recover_budget(tenant, budget, spent);
  }
}

void BrokerNode::crash(Disk /*disk*/) {
  if (!up()) return;
  scheduler_.trace("down " + name_ + (may_write() ? "" : " deposed"));
  go_down(may_write());
  lifecycle_.reset();
  router_.reset();
}

// --- inputs --------------------------------------------------------------------------------------

// As the broker's core does it.
void BrokerNode::submit(const Submission& submission, Clients::Answer answer) {
  input([this, submission, answer = std::move(answer)] {
    const Key key{submission.tenant, submission.job};
    const auto taken = stored_->keys.find(key);
    const auto twin = batch_keys_.find(key);
    JobId job;
    if (taken != stored_->keys.end()) {
      job = taken->second;
    } else if (twin != batch_keys_.end()) {
      job = twin->second;
    } else {
      job = job_id(Sequence{stored_->entries.size() + lifecycle_->entries_pending() + 1},
                   tag_of(broker_node(name_)));
      batch_keys_.emplace(key, job);
      names_.call(job, submission.job);
      lifecycle_->submit(
          JobSubmitted{job, submission.tenant, "user", submission.job, submission.spec},
          clock_.now());
    }
    after_commit_.push_back([this, job, count = submission.spec.array_count, answer] {
      checker_.journal(name_).acknowledged(job, count);
      answer(job);
    });
  });
}

void BrokerNode::cancel(const JobId& job) {
  // Not found: it has ended.
  input([this, job] { (void)lifecycle_->cancel(job, "user", clock_.now()); });
}

void BrokerNode::set_budget(const TenantId& tenant, std::optional<Budget> budget) {
  input([this, tenant, budget] { change_budget(tenant, budget); });
}

void BrokerNode::change_budget(const TenantId& tenant, std::optional<Budget> budget) {
  if (!budget && !lifecycle_->budgets().find(tenant)) return;
  if (budget) budget->version = stored_->entries.size() + lifecycle_->entries_pending() + 1;
  lifecycle_->set_budget({tenant, "operator", budget}, clock_.now());
}

void BrokerNode::remove_budgets() {
  input([this] {
    for (const auto& [tenant, standing] : lifecycle_->budgets().list({}, SIZE_MAX)) {
      change_budget(tenant, std::nullopt);
    }
  });
}

void BrokerNode::from_site(const SiteId& site, const ToBroker& message) {
  input([this, site, message] { lifecycle_->from_site(site, message, clock_.now()); });
}

void BrokerNode::market_record(const SignedRecord& record) {
  input([this, record] { consider(record); });
}

void BrokerNode::consider(const SignedRecord& signed_record) {
  router_->expire(clock_.now());
  if (options_.broken == Break::version_check) {
    // Whatever comes counts as the newest.
    auto record = decode_record(signed_record.body);
    if (record->header.kind != RecordKind::member) {
      record->header.version = {UINT64_MAX, ++unchecked_};
    }
    router_->accept(*record, signed_record);
    return;
  }
  const RecordBook::Verdict verdict = book_->consider(signed_record, clock_.now(), nullptr);
  if (verdict.taken != nullptr) {
    router_->accept(verdict.taken->record, verdict.taken->signed_record);
  }
  take_proof(verdict);
}

void BrokerNode::market_proof(const Equivocation& proof) {
  input([this, proof] { consider(proof); });
}

void BrokerNode::consider(const Equivocation& proof) {
  router_->expire(clock_.now());
  take_proof(book_->consider(proof, clock_.now(), nullptr));
}

void BrokerNode::take_proof(const RecordBook::Verdict& verdict) {
  if (verdict.proof == nullptr) return;
  const auto site = site_of(header_of(*verdict.proof)->subject);
  checker_.quarantined(*site, *verdict.proof);
  router_->quarantine(*site, *verdict.proof);
  publish_(*verdict.proof);
}

std::vector<Equivocation> BrokerNode::proofs() const {
  std::vector<Equivocation> proofs;
  if (!up()) return proofs;
  for (const MemberNumber each : book_->quarantined()) proofs.push_back(*book_->find(each)->proof);
  return proofs;
}

bool BrokerNode::quarantines(const SiteId& site) const {
  const RecordBook::Entry* const entry = up() ? book_->find(site_node(site)) : nullptr;
  return entry != nullptr && entry->proof != nullptr;
}

const SiteView* BrokerNode::view_of(const SiteId& site) const {
  return router_ ? router_->view().find(site) : nullptr;
}

void BrokerNode::on_tick() {
  router_->expire(clock_.now());
  book_->forget_ended(clock_.now().wall);
  if (lifecycle_->next_tick() <= clock_.now().mono) lifecycle_->tick(clock_.now());
}

Micros BrokerNode::next_tick() const {
  return clock_.true_time(lifecycle_->next_tick());
}

// --- output --------------------------------------------------------------------------------------

Process::Work BrokerNode::finish_batch() {
  auto output = std::make_shared<LifecycleOutput>(lifecycle_->take(clock_.now()));
  batch_keys_.clear();
  Work work;
  if (!output->entries.empty() || !output->jobs.empty() || !output->spent.empty()) {
    std::map<JobId, JobRecord> jobs;
    for (const ChangedJob& each : output->jobs) jobs.emplace(each->job, *each);
    std::vector<std::string> lines;
    const auto tell = [&](Told told) {
      lines.push_back(told.event + ' ' + told.about);
      work.events.push_back(std::move(told.event));
    };
    std::map<JobId, std::size_t> entries_left;
    for (const Entry& each : output->entries) {
      if (const auto job = job_of(each)) ++entries_left[*job];
    }
    for (const Entry& each : output->entries) {
      tell(told_of(each, jobs, names_));
      const auto job = job_of(each);
      if (!job || --entries_left[*job] > 0 || !is_final(jobs.at(*job).state)) continue;
      tell(told_of_end(jobs.at(*job), names_));
    }
    work.events.emplace_back("commit");
    work.make_durable = [this, output, lines] {
      make_durable(*output);
      for (const std::string& each : lines) scheduler_.trace(each);
    };
  } else if (output->sends.empty() && after_commit_.empty()) {
    return work;
  }
  work.effects = [this, output, answers = std::exchange(after_commit_, {})] {
    for (const auto& each : answers) each();
    release(output->sends);
  };
  return work;
}

void BrokerNode::make_durable(LifecycleOutput output) {
  if (program() == Release::former) {
    for (Entry& each : output.entries) each = as_former(each).value();
    for (ChangedJob& each : output.jobs) each = ChangedJob(as_former(*each).value());
  }
  for (const Entry& each : output.entries) {
    stored_->entries.push_back(each);
    if (const auto* submitted = std::get_if<JobSubmitted>(&each.body)) {
      stored_->keys.emplace(Key{submitted->tenant, submitted->idempotency_key}, submitted->job);
    }
  }
  for (const ChangedJob& job : output.jobs) stored_->tables[job->job] = *job;
  for (const auto& [tenant, spent] : output.spent) {
    stored_->spent.erase(tenant);
    if (spent) stored_->spent.emplace(tenant, *spent);
  }
  checker_.journal(name_).committed(output.entries, output.jobs);
}

void BrokerNode::release(const std::vector<SendToSite>& sends) {
  for (const SendToSite& each : sends) {
    if (const auto* dispatch = std::get_if<Dispatch>(&each.message.body)) {
      checker_.dispatched(name_, dispatch->attempt);
    }
    if (dies_sending(told_of(each.message, names_).event,
                     [&] { send_(each.site, each.message); })) {
      return;
    }
  }
  lifecycle_->sent(clock_.now());
}

bool BrokerNode::comes_after_a_live_one(const JobRecord& job) const {
  return std::any_of(tables().begin(), tables().end(), [&](const auto& each) {
    const JobRecord& other = each.second;
    if (is_final(other.state)) return false;
    return std::any_of(job.spec.after.begin(), job.spec.after.end(),
                       [&](const JobId& id) { return other.job == id || other.array == id; });
  });
}

std::string BrokerNode::waiting_reason(const JobRecord& job) const {
  if (comes_after_a_live_one(job)) return {};
  const Decision* const decision =
      lifecycle_ ? lifecycle_->waiting_decision(job.job, clock_.now()) : nullptr;
  if (decision == nullptr) return "for no reason";
  // A broker that came up where another was knows nothing of sites that were quarantined before.
  if (decision->rejections.empty()) return book_->quarantined().empty() ? "for no reason" : "";
  for (const Rejection& each : decision->rejections) {
    if (quarantines(each.site)) continue;  // until it has another key
    if (is_passing(each.reason)) return std::string(to_string(each.reason)) + ' ' + each.detail;
  }
  return {};
}

}  // namespace tradewind::simulation
