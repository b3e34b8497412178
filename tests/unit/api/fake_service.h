// A broker in memory, for tests of its endpoint. Replies come from a thread of its own, as the real
// one's do.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "broker/core/datasets.h"
#include "broker/core/job_changes.h"
#include "broker/core/service.h"

namespace tradewind::testing {

class FakeService : public Service {
 public:
  FakeService() : thread_([this] { run(); }) {}
  ~FakeService() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // --- what tests set and look at
  MarketHistory history;  // set before it is asked for
  void put(JobRecord job) {
    const std::lock_guard lock(mutex_);
    const JobId id = job.job;
    jobs_[id] = std::make_shared<const JobRecord>(std::move(job));
    changes_.count(id);
  }
  void change(const JobId& id, const std::function<void(JobRecord&)>& how) {
    const std::lock_guard lock(mutex_);
    auto job = std::make_shared<JobRecord>(*jobs_.at(id));
    how(*job);
    jobs_[id] = std::move(job);
    changes_.count(id);
  }
  std::size_t jobs_count() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }
  Submission last_submission() const {
    const std::lock_guard lock(mutex_);
    return submissions_.back();
  }
  std::size_t submissions_count() const {
    const std::lock_guard lock(mutex_);
    return submissions_.size();
  }
  void append_log(const AttemptId& attempt, LogStream stream, std::string_view text, bool end) {
    const std::lock_guard lock(mutex_);
    auto& log = logs_[{attempt, stream}];
    log.first += text;
    log.second = end;
  }
  void set_market(MarketSnapshot market) {
    const std::lock_guard lock(mutex_);
    market_ = std::move(market);
  }
  void set_waiting(const JobId& job, Decision decision,
                   std::optional<BudgetMiss> budget = std::nullopt) {
    const std::lock_guard lock(mutex_);
    waiting_[job] = {std::move(decision), budget};
  }
  // Submissions are taken but not answered until it is released.
  void hold_submissions(bool hold) {
    {
      const std::lock_guard lock(mutex_);
      hold_ = hold;
    }
    changed_.notify_all();
  }
  // What answers has been called but is held on to, as a thread does that is slow to let go of it.
  void keep_replies(bool keep) {
    std::vector<std::function<void()>> kept;
    const std::lock_guard lock(mutex_);
    keep_ = keep;
    if (!keep) kept.swap(kept_);
  }
  void refuse_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    refuse_ = std::move(error);
  }
  // Requests are dropped: their replies are never called.
  void drop_requests(bool drop) {
    const std::lock_guard lock(mutex_);
    drop_ = drop;
  }
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  // --- Service
  void submit(std::shared_ptr<Submission> submission, Reply<SubmitReceipt> reply) override {
    const std::lock_guard lock(mutex_);
    if (drop_) return;
    if (refuse_) return answer(reply, Result<SubmitReceipt>(fail(*refuse_)));
    answer(reply, take_in(*submission));
  }
  void submit_batch(Submissions submissions, Reply<BatchReceipts> reply) override {
    const std::lock_guard lock(mutex_);
    if (refuse_) return answer(reply, Result<BatchReceipts>(fail(*refuse_)));
    calls_.push_back("batch of " + std::to_string(submissions->size()));
    BatchReceipts receipts;
    for (Submission& each : *submissions) {
      auto good = add_earlier(each, receipts);
      receipts.push_back(good ? take_in(each) : fail(std::move(good.error())));
    }
    answer(reply, Result<BatchReceipts>(std::move(receipts)));
  }
  void cancel(const JobId& job, std::string principal, Reply<std::monostate> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("cancel " + job.value + " by " + principal);
    if (refuse_) return answer(reply, Result<std::monostate>(fail(*refuse_)));
    const auto found = jobs_.find(job);
    if (found != jobs_.end() && !is_final(found->second->state)) {
      auto changed = std::make_shared<JobRecord>(*found->second);
      changed->cancel_requested = true;
      changed->state = JobState::canceled;
      changed->ended = system_now().wall;
      found->second = std::move(changed);
      changes_.count(job);
    }
    answer(reply, Result<std::monostate>(std::monostate{}));
  }
  void quote(QuoteRequest request, Reply<QuoteAnswer> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("quote for " + request.tenant.value + " of " + request.spec.name + ", " +
                     std::to_string(request.rejections_max) + " rejections");
    if (const Status bound = datasets_.bind(request.spec, request.tenant); !bound) {
      return answer(reply, Result<QuoteAnswer>(fail(bound.error())));
    }
    QuoteAnswer quoted = quoted_;
    quoted.spec = std::make_shared<const JobSpec>(std::move(request.spec));
    answer(reply, Result<QuoteAnswer>(std::move(quoted)));
  }
  void put_dataset(Dataset dataset, DatasetActor actor, Reply<DatasetReceipt> reply) override {
    const std::lock_guard lock(mutex_);
    auto change = datasets_.put(std::move(dataset), actor, system_now().wall);
    if (!change) return answer(reply, Result<DatasetReceipt>(fail(change.error())));
    answer(reply, Result<DatasetReceipt>(DatasetReceipt{change->dataset, change->made}));
  }
  void remove_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) override {
    const std::lock_guard lock(mutex_);
    auto change = datasets_.remove(name, actor, system_now().wall);
    if (!change) return answer(reply, Result<Dataset>(fail(change.error())));
    answer(reply, Result<Dataset>(change->dataset));
  }
  void find_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) override {
    const std::lock_guard lock(mutex_);
    answer(reply, datasets_.find(name, actor));
  }
  void list_datasets(DatasetActor actor, std::string after, std::size_t limit,
                     Reply<DatasetPage> reply) override {
    const std::lock_guard lock(mutex_);
    answer(reply, Result<DatasetPage>(datasets_.list(actor, after, limit)));
  }
  void set_quoted(Decision decision) {
    const std::lock_guard lock(mutex_);
    quoted_ = {};
    quoted_.explanation.decision = std::move(decision);
  }
  void set_quoted(QuoteAnswer answer) {
    const std::lock_guard lock(mutex_);
    quoted_ = std::move(answer);
  }
  // What submissions with a quote get instead of a job.
  void set_not_kept(QuoteNotKept why) {
    const std::lock_guard lock(mutex_);
    not_kept_ = std::make_shared<const QuoteNotKept>(std::move(why));
  }
  std::shared_ptr<const JobRecord> find(const JobId& job) const override {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(job);
    return found == jobs_.end() ? nullptr : found->second;
  }
  std::uint32_t changes(const JobId& job) const override { return changes_.of(job); }
  Result<JobPage> list(const JobQuery& query) const override {
    const std::lock_guard lock(mutex_);
    JobPage page;
    for (auto each = jobs_.rbegin(); each != jobs_.rend(); ++each) {
      if (!query.after.empty() && each->first.value >= query.after) continue;
      if (query.tenant && each->second->tenant != *query.tenant) continue;
      if (query.keep && !query.keep(*each->second)) continue;
      if (page.jobs.size() == query.limit) {
        page.next = page.jobs.back().job.value;
        break;
      }
      page.jobs.push_back(*each->second);
    }
    return page;
  }
  void waiting_decision(const JobId& job, Reply<std::optional<WaitingDecision>> reply) override {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(job);
    answer(reply, Result<std::optional<WaitingDecision>>(
                      found == waiting_.end() ? std::nullopt : std::optional(found->second)));
  }
  void explain_waiting(const JobId& job, Reply<std::optional<Explanation>> reply) override {
    const std::lock_guard lock(mutex_);
    std::optional<Explanation> explanation;
    const auto found = waiting_.find(job);
    if (found != waiting_.end()) {
      explanation.emplace().decision = found->second.decision;
      explanation->budget = found->second.budget;
    }
    answer(reply, Result<std::optional<Explanation>>(std::move(explanation)));
  }
  void read_log(const AttemptId& attempt, LogStream stream, std::uint64_t offset,
                std::uint32_t bytes_max, Reply<LogChunk> reply) override {
    const std::lock_guard lock(mutex_);
    LogChunk chunk;
    chunk.attempt = attempt;
    chunk.offset = offset;
    const auto found = logs_.find({attempt, stream});
    chunk.known = found != logs_.end();
    if (chunk.known) {
      const auto& [text, ended] = found->second;
      if (offset < text.size()) chunk.data = text.substr(offset, bytes_max);
      chunk.end = ended && offset + chunk.data.size() >= text.size();
    }
    answer(reply, Result<LogChunk>(std::move(chunk)));
  }
  void market(Reply<MarketSnapshot> reply) override {
    const std::lock_guard lock(mutex_);
    MarketSnapshot market = market_;
    market.at = system_now().wall;
    answer(reply, Result<MarketSnapshot>(std::move(market)));
  }
  void tenants(Reply<std::vector<TenantStanding>> reply) override {
    const std::lock_guard lock(mutex_);
    std::map<TenantId, std::size_t> live;
    for (const auto& [id, job] : jobs_) live[job->tenant] += is_final(job->state) ? 0 : 1;
    std::vector<TenantStanding> standings;
    for (const auto& [tenant, jobs] : live) standings.push_back({tenant, jobs});
    answer(reply, Result<std::vector<TenantStanding>>(std::move(standings)));
  }
  void market_history(MarketHistoryQuery query, Reply<MarketHistoryPage> reply) override {
    const std::lock_guard lock(mutex_);
    answer(reply, Result<MarketHistoryPage>(history.find(query, system_now().wall)));
  }
  std::shared_ptr<const RateTable> rates() const override {
    const std::lock_guard lock(mutex_);
    return rates_;
  }
  void set_rates(RateTable table, std::optional<std::uint64_t> replaces, std::string principal,
                 Reply<RateTable> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("rates by " + principal + " on " +
                     (replaces ? std::to_string(*replaces) : "any"));
    if (refuse_) return answer(reply, Result<RateTable>(fail(*refuse_)));
    table.version = rates_->version + 1;
    rates_ = std::make_shared<const RateTable>(table);
    answer(reply, Result<RateTable>(std::move(table)));
  }
  void set_budget(TenantId tenant, Budget budget, std::optional<std::uint64_t> replaces,
                  std::string principal, Reply<BudgetReceipt> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("budget of " + tenant.value + " by " + principal);
    const auto before = budgets_.find(tenant);
    if (replaces && *replaces != (before ? before->budget.version : 0)) {
      return answer(reply, Result<BudgetReceipt>(fail(ErrorCode::conflict, "replaces", "another")));
    }
    budget.version = ++budget_changes_;
    const Wall::time_point now = system_now().wall;
    budgets_.pass(now);
    budgets_.set(tenant, budget, now);
    answer(reply,
           Result<BudgetReceipt>(BudgetReceipt{{tenant, *budgets_.find(tenant), 3}, !before}));
  }
  void remove_budget(TenantId tenant, std::string principal, Reply<std::monostate> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("no budget of " + tenant.value + " by " + principal);
    if (!budgets_.find(tenant)) {
      return answer(reply, Result<std::monostate>(fail(ErrorCode::not_found, "tenant", "none")));
    }
    budgets_.set(tenant, std::nullopt, {});
    answer(reply, Result<std::monostate>(std::monostate{}));
  }
  void find_budget(TenantId tenant, Reply<BudgetReport> reply) override {
    const std::lock_guard lock(mutex_);
    const auto found = budgets_.find(tenant);
    if (!found) {
      return answer(reply, Result<BudgetReport>(fail(ErrorCode::not_found, "tenant", "none")));
    }
    answer(reply, Result<BudgetReport>(BudgetReport{tenant, *found, 3}));
  }
  void list_budgets(TenantId after, std::size_t limit, Reply<BudgetPage> reply) override {
    const std::lock_guard lock(mutex_);
    BudgetPage page;
    for (const auto& [tenant, standing] : budgets_.list(after, limit)) {
      page.budgets.push_back({tenant, standing, 3});
    }
    page.more = budgets_.list(after, limit + 1).size() > limit;
    answer(reply, Result<BudgetPage>(std::move(page)));
  }
  void invite(const SiteId& site, std::uint32_t units_max, std::chrono::seconds ttl,
              Reply<Invite> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("invite " + site.value + " " + std::to_string(units_max) + " " +
                     std::to_string(ttl.count()));
    answer(reply, Result<Invite>(Invite{"secret.hash", site, system_now().wall + ttl}));
  }
  void join(JoinRequest request, Reply<JoinAnswer> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("join " + request.site.value + " " + request.token + " " +
                     std::to_string(request.curve_key.size()) + " " + request.proof);
    if (request.token != "secret.hash") {
      return answer(reply, Result<JoinAnswer>(fail(ErrorCode::forbidden, "token",
                                                   "the token is not known", "ask for a new one")));
    }
    JoinAnswer joined;
    joined.certificate_pem = "CERT";
    joined.member = {std::string("\0body", 5), "sig"};
    joined.members = {joined.member, joined.member};
    answer(reply, Result<JoinAnswer>(std::move(joined)));
  }
  std::vector<std::string> trust(std::uint64_t after) const override {
    const std::vector<std::string> all{"first", "second"};
    return {all.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(after, 2)),
            all.end()};
  }
  void challenge(const SiteId& site, Reply<Bytes> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("challenge " + site.value);
    answer(reply, Result<Bytes>("challenge"));
  }
  void renew(RenewalRequest request, Reply<JoinAnswer> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("renew " + request.site.value + " " + std::to_string(request.renewals) + " " +
                     request.csr_pem + " " + std::to_string(request.former_proof.size()));
    JoinAnswer renewed;
    renewed.certificate_pem = "CERT";
    answer(reply, Result<JoinAnswer>(std::move(renewed)));
  }
  void allow_recovery(const SiteId& site, std::string principal,
                      Reply<std::monostate> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("allow recovery of " + site.value + " by " + principal);
    answer(reply, Result<std::monostate>(std::monostate{}));
  }
  void set_member_state(const NodeId& node, MemberState state, std::string principal,
                        Reply<std::monostate> reply) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back("state " + node.value + " " + std::string(to_string(state)) + " by " +
                     principal);
    answer(reply, Result<std::monostate>(std::monostate{}));
  }
  Status ready() const override {
    const std::lock_guard lock(mutex_);
    return refuse_ ? Status(fail(*refuse_)) : ok();
  }
  std::string metrics() const override { return "tradewind_jobs_total 1\n"; }
  FederationId federation() const override { return FederationId{"test-federation"}; }

 private:
  Result<SubmitReceipt> take_in(Submission submission) {
    submissions_.push_back(submission);
    const auto key = std::make_pair(submission.tenant, submission.idempotency_key);
    if (!submission.quote.empty() && not_kept_) return SubmitReceipt{{}, false, not_kept_};
    if (!submission.idempotency_key.empty() && keys_.contains(key)) {
      return SubmitReceipt{keys_.at(key), true, {}};
    }
    if (const Status bound = datasets_.bind(submission.spec, submission.tenant); !bound) {
      return fail(bound.error());
    }
    const SubmitReceipt receipt{add(submission), false, {}};
    if (!submission.idempotency_key.empty()) keys_[key] = receipt.job;
    return receipt;
  }
  JobId add(const Submission& submission) {
    JobRecord job;
    const JobId id = job_id(Sequence{++sequence_});
    job.tenant = submission.tenant;
    job.principal = submission.principal;
    job.spec = submission.spec;
    if (!submission.quote.empty()) {
      job.quote.emplace().id = submission.quote;
      job.spec.resources.cpus = 1;
    }
    job.submitted = system_now().wall;
    const std::uint32_t tasks = job.spec.array_count;
    job.spec.array_count = 0;
    if (tasks == 0) {
      job.job = id;
      jobs_[id] = std::make_shared<const JobRecord>(std::move(job));
      changes_.count(id);
      return id;
    }
    job.array = id;
    job.array_count = tasks;
    for (std::uint32_t i = 0; i < tasks; ++i) {
      job.job = array_task_id(id, i);
      job.array_index = i;
      jobs_[job.job] = std::make_shared<const JobRecord>(job);
      changes_.count(job.job);
    }
    return id;
  }

  template <class T>
  void answer(const Reply<T>& reply, Result<T> result) {
    queue_.push_back([reply, result = std::move(result)] { reply(result); });
    changed_.notify_all();
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return over_ || (!queue_.empty() && !hold_); });
      if (over_) return;
      auto next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      next();
      lock.lock();
      if (keep_) kept_.push_back(std::move(next));
      lock.unlock();
      next = nullptr;
      lock.lock();
    }
  }

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool over_ = false;
  bool hold_ = false;
  bool keep_ = false;
  std::vector<std::function<void()>> kept_;
  bool drop_ = false;
  std::optional<Error> refuse_;
  std::uint64_t sequence_ = 0;
  JobChanges changes_;
  std::map<JobId, std::shared_ptr<const JobRecord>> jobs_;
  std::map<std::pair<TenantId, std::string>, JobId> keys_;
  std::map<std::pair<AttemptId, LogStream>, std::pair<std::string, bool>> logs_;
  std::map<JobId, WaitingDecision> waiting_;
  Budgets budgets_;
  std::uint64_t budget_changes_ = 0;
  std::vector<Submission> submissions_;
  std::vector<std::string> calls_;
  MarketSnapshot market_;
  QuoteAnswer quoted_;
  std::shared_ptr<const QuoteNotKept> not_kept_;
  Datasets datasets_;
  std::shared_ptr<const RateTable> rates_ = std::make_shared<const RateTable>();
  std::thread thread_;
};

}  // namespace tradewind::testing
