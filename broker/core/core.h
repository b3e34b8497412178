// The broker: the single writer. One thread drains whatever has arrived, decides, commits one batch
// to the journal with one sync, and only then lets replies and dispatches out.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "broker/core/datasets.h"
#include "broker/core/federation.h"
#include "broker/core/holding_labels.h"
#include "broker/core/job_changes.h"
#include "broker/core/log_requests.h"
#include "broker/core/market_history.h"
#include "broker/core/market_router.h"
#include "broker/core/metrics.h"
#include "broker/core/quotes.h"
#include "broker/core/registry.h"
#include "broker/core/service.h"
#include "broker/jobs/event.h"
#include "broker/jobs/lifecycle.h"
#include "broker/routing/route.h"
#include "state/disk/disk_reserve.h"
#include "state/journal/journal.h"

namespace tradewind {

struct CoreOptions {
  NodeId self;
  LifecycleOptions lifecycle;
  RouteOptions route;  // its rates are those of the journal
  UnderLoad under_load;
  std::string link_bind = "tcp://127.0.0.1:0";
  std::chrono::milliseconds link_message_age_max{10'000};
  std::string link_advertise;  // what others connect to; empty: as bound
  std::string log_key;         // of its transparency log, for the witnesses; empty: it keeps none
  Bytes label_secret;          // of holding_labels.h; empty: jobs' data gets no labels
  // What sites answer to ask_to_cosign(); may be empty. Called on the federation's thread; must not
  // block.
  std::function<void(const SiteId&, const CosignAnswer&)> on_cosigned;
  // Gets entries that have become durable, most of them, and how many bytes they take in the
  // journal about; may be empty. Called on the core's thread; must not block.
  std::function<void(Sequence first, std::vector<Entry> entries, std::size_t bytes)> on_committed;
  // Of the journal's file system; below it, nothing new is taken. Empty: none is kept.
  std::optional<DiskReserve> disk;
  std::size_t inbox_max = 100'000;               // commands waiting for the core; more are refused
  std::chrono::milliseconds log_timeout{3'000};  // for a site to answer a log request
  RegistryOptions registry;
};

class Core final : public Service {
 public:
  // Opens nothing itself: the journal is handed in and must outlive it. Recovers the state, begins
  // a new term and starts its thread.
  static Result<std::unique_ptr<Core>> start(CoreOptions options, Journal& journal,
                                             std::shared_ptr<const CertificateAuthority> authority,
                                             const SigningKey& identity,
                                             const CurveKeys& curve_keys);
  ~Core() override;

  void submit(std::shared_ptr<Submission> submission, Reply<SubmitReceipt> reply) override;
  void submit_batch(Submissions submissions, Reply<BatchReceipts> reply) override;
  void cancel(const JobId& job, std::string principal, Reply<std::monostate> reply) override;
  void quote(QuoteRequest request, Reply<QuoteAnswer> reply) override;
  std::shared_ptr<const JobRecord> find(const JobId& job) const override;
  std::uint32_t changes(const JobId& job) const override { return changes_.of(job); }
  Result<JobPage> list(const JobQuery& query) const override;
  void waiting_decision(const JobId& job, Reply<std::optional<WaitingDecision>> reply) override;
  void explain_waiting(const JobId& job, Reply<std::optional<Explanation>> reply) override;
  void read_log(const AttemptId& attempt, LogStream stream, std::uint64_t offset,
                std::uint32_t bytes_max, Reply<LogChunk> reply) override;
  void market(Reply<MarketSnapshot> reply) override;
  void market_history(MarketHistoryQuery query, Reply<MarketHistoryPage> reply) override;
  void put_dataset(Dataset dataset, DatasetActor actor, Reply<DatasetReceipt> reply) override;
  void remove_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) override;
  void find_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) override;
  void list_datasets(DatasetActor actor, std::string after, std::size_t limit,
                     Reply<DatasetPage> reply) override;
  void tenants(Reply<std::vector<TenantStanding>> reply) override;
  std::shared_ptr<const RateTable> rates() const override;
  void set_rates(RateTable table, std::optional<std::uint64_t> replaces, std::string principal,
                 Reply<RateTable> reply) override;
  void set_budget(TenantId tenant, Budget budget, std::optional<std::uint64_t> replaces,
                  std::string principal, Reply<BudgetReceipt> reply) override;
  void remove_budget(TenantId tenant, std::string principal, Reply<std::monostate> reply) override;
  void find_budget(TenantId tenant, Reply<BudgetReport> reply) override;
  void list_budgets(TenantId after, std::size_t limit, Reply<BudgetPage> reply) override;
  void invite(const SiteId& site, std::uint32_t units_max, std::chrono::seconds ttl,
              Reply<Invite> reply) override;
  std::vector<std::string> trust(std::uint64_t after) const override;
  void join(JoinRequest request, Reply<JoinAnswer> reply) override;
  void challenge(const SiteId& site, Reply<Bytes> reply) override;
  void renew(RenewalRequest request, Reply<JoinAnswer> reply) override;
  void allow_recovery(const SiteId& site, std::string principal,
                      Reply<std::monostate> reply) override;
  void set_member_state(const NodeId& node, MemberState state, std::string principal,
                        Reply<std::monostate> reply) override;
  Status ready() const override;
  std::string metrics() const override;
  FederationId federation() const override;

  // The same federation's authority with a later trust record: its keys are used from now on, and
  // everybody hears of it. Any thread.
  void set_authority(std::shared_ptr<const CertificateAuthority> authority);
  // Has the site's witness asked. Any thread; returns at once, and the answer may never come.
  void ask_to_cosign(const SiteId& site, CosignCheckpoint request);

  std::string link_endpoint() const { return federation_->endpoint(); }
  // Commits what has arrived, then ends its threads. Idempotent.
  void stop();

 private:
  using Command = std::function<void()>;

  Core(CoreOptions options, Journal& journal,
       std::shared_ptr<const CertificateAuthority> authority);
  // recovery.cpp
  Status recover(const SigningKey& identity, const CurveKeys& curve_keys);
  Status recover_jobs();
  // Hands on the entries that are kept as named values.
  Status load_values(std::string_view prefix, const std::function<void(const Entry&)>& apply);
  Status load_rates();
  Status load_budgets();

  // From any thread: runs on the core's thread, before the next commit. Answers `refused` and
  // returns false when the inbox is full or the broker stops.
  template <class T>
  bool post(const Reply<T>& reply, Command command) {
    if (push(std::move(command), true)) return true;
    reply(fail(ErrorCode::exhausted, "", "the broker has more to do than it can hold",
               "try again in a few seconds"));
    return false;
  }
  bool push(Command command, bool bounded);
  void run();
  void gather(std::unique_lock<std::mutex>& lock);
  // Runs on the core's thread.
  // Takes the spec out of what it takes in.
  Result<SubmitReceipt> take_in(Submission& submission);
  Result<SubmitReceipt> submit_quoted(const Submission& submission, const JobId& job, Now now);
  Sequence next_sequence() const;
  std::optional<WaitingDecision> why_waiting(const JobId& job, Now now);
  Status check_after(const JobSpec& spec, const TenantId& tenant);
  void flush();
  void commit(const JournalBatch& batch);
  // members.cpp
  void commit_registry(const std::vector<Entry>& entries, std::vector<SignedRecord> publish);
  template <class T>
  void change_registry(Result<RegistryChange<T>> change, const Reply<T>& reply);
  // The trust records that the journal does not have yet, and this broker's own member record.
  Status commit_trust(Now now);

  void commit_dataset(const Datasets::Change& change);
  // budgets.cpp
  BudgetReport report(const TenantId& tenant, const BudgetStanding& standing) const;
  Result<RateTable> change_rates(RateTable table, std::optional<std::uint64_t> replaces,
                                 std::string principal);
  void apply_rates(const RateTable& table);
  Status load_trust_version();
  void on_record(const Record& record, SignedRecord bytes);
  void on_site(const SiteId& site, ToBroker message);
  void housekeeping(Now now);
  void look_at_disk(Mono::time_point now);
  // Whether there is room for new work; counted when not.
  Status check_room();

  const CoreOptions options_;
  Journal& journal_;
  const FederationId federation_id_;
  MarketRouter router_;
  MarketHistory market_history_;
  Lifecycle lifecycle_;
  Quotes quotes_;
  Registry registry_;
  Datasets datasets_;
  const HoldingLabels labels_;
  LogRequests logs_;
  std::unique_ptr<Federation> federation_;
  JobChanges changes_;

  // Of the core's thread.
  Member self_;                      // as it is to be admitted
  std::uint64_t trust_version_ = 0;  // the newest in the journal
  std::vector<std::function<void()>> after_commit_;
  std::map<std::pair<TenantId, std::string>, JobId>
      batch_keys_;  // idempotency keys not yet durable
  Mono::time_point next_housekeeping_{};
  std::array<std::uint64_t, event_names.size()> events_{};
  std::optional<DiskReserve> disk_;
  std::size_t batch_size_ = 0;  // commands of the last one
  Mono::duration commit_took_{};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::deque<Command> inbox_;
  std::size_t gathered_ = 0;  // for so many commands the core waits; 0: for any
  bool stopping_ = false;
  CoreFigures figures_;
  Status disk_status_ = ok();
  std::shared_ptr<const CertificateAuthority> authority_;
  std::shared_ptr<const RateTable> rates_ = std::make_shared<const RateTable>();

  std::thread thread_;
};

}  // namespace tradewind
