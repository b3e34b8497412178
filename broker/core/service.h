// What the broker's endpoint may ask of the broker. The HTTP threads call it; answers come on a
// broker thread through the callback, exactly once, also on errors. Nothing here blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/market_history.h"
#include "broker/jobs/budgets.h"
#include "broker/routing/relaxation.h"
#include "schemas/dataset.h"
#include "schemas/decision.h"
#include "schemas/dispatch.h"
#include "schemas/journal.h"
#include "schemas/limits.h"
#include "schemas/rates.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "state/journal/journal.h"
#include "state/market/market_view.h"

namespace tradewind {

template <class T>
using Reply = std::function<void(Result<T>)>;

struct Submission {
  TenantId tenant;
  std::string principal;
  std::string idempotency_key;  // empty: none
  JobSpec spec;         // already validated; data sets are put in by the broker; of no meaning
                        // with a quote
  std::string quote{};  // the quote's id: the job is the one that was quoted; empty: none
  std::string traceparent{};  // W3C Trace Context of the request; empty: none
  // What it comes after besides spec.after: places of earlier ones of the same batch.
  std::vector<std::size_t> after_earlier{};
};
// The broker takes the specs out of those that it takes in; the others' stay.
using Submissions = std::shared_ptr<std::vector<Submission>>;
// Why a job was not submitted with its quote although that is valid: what the quote's pool lacks,
// and what the job would get now without the quote.
struct QuoteNotKept {
  QuoteTerms quote;
  Rejection reason;
  Decision now;
  std::shared_ptr<const JobSpec> spec;
};
struct SubmitReceipt {
  JobId job;              // the array's id for arrays
  bool replayed = false;  // the idempotency key had been used: this is the first submission's id
  std::shared_ptr<const QuoteNotKept> not_kept{};  // then there is no job
};

// Of each submission of a batch, in order.
using BatchReceipts = std::vector<Result<SubmitReceipt>>;
// Puts what the submission comes after of its batch into its spec, as far as that has been taken
// in. Fails when one of those was refused, or when there are too many.
Status add_earlier(Submission& submission, const BatchReceipts& earlier);

struct QuoteRequest {
  TenantId tenant;
  JobSpec spec;                                         // already validated
  std::size_t document_bytes = 0;                       // of the job document
  std::size_t rejections_max = limits::rejections_max;  // to be told
};
// Why a queued job is not placed.
struct WaitingDecision {
  Decision decision;
  // What its tenant's budget lacks; then the decision has chosen the place that it does not cover.
  std::optional<BudgetMiss> budget{};
};
// What a job would get and why, and what would change that.
struct Explanation {
  Decision decision;
  // Pools that are not adequate, by reason; of the job's last decision when the market was not
  // looked at again.
  std::map<ReasonCode, std::uint32_t> reasons;
  Relaxations relaxations;
  std::optional<BudgetMiss> budget{};  // as in WaitingDecision
};
struct QuoteAnswer {
  std::shared_ptr<const JobSpec> spec;  // as asked, with its data sets put in
  Explanation explanation;
  // Binds; nothing when the job is not placed, and for arrays.
  std::optional<QuoteTerms> terms;
};

// What the registry holds of a member, for people.
struct MemberStanding {
  NodeId node;
  MemberState state = MemberState::active;
  bool locked = false;  // two seem to hold its key
  Wall::time_point valid_until{};
  std::uint64_t renewals = 0;
  friend bool operator==(const MemberStanding&, const MemberStanding&) = default;
};

// A copy of what the broker knows of the market, for people.
struct MarketSnapshot {
  Wall::time_point at{};
  std::vector<SiteView> sites;
  std::vector<MemberStanding> members;
  std::vector<std::pair<std::string, std::uint64_t>> drops;  // gossip drops by reason
};

struct TenantStanding {
  TenantId tenant;
  std::size_t jobs_live = 0;  // that have not ended, tasks of arrays one by one
};

struct Invite {
  std::string token;  // given to the site once; "<secret>.<sha256 of the trust record>"
  SiteId site;
  Wall::time_point expires{};
};
struct JoinRequest {
  std::string token;
  SiteId site;
  std::string csr_pem;  // certificate request, signed by the identity key
  Bytes curve_key;      // 32 bytes
  Bytes proof;          // signature by the identity key over "tradewind-join" || token || curve key
};
struct RenewalRequest {
  SiteId site;
  Bytes challenge;             // that of Service::challenge
  std::uint64_t renewals = 0;  // that it knows of
  Bytes id;                    // 16 bytes; the same when it is asked again
  std::string csr_pem;         // of the identity key that is to be certified
  Bytes curve_key;             // 32 bytes
  Bytes proof;                 // sign_renewal by that identity key
  Bytes former_proof;          // by the one that it follows; empty: it is the same
};
// To a join and to a renewal.
struct JoinAnswer {
  std::string certificate_pem;
  SignedRecord member;                // its own record
  std::vector<SignedRecord> members;  // all members' records, the brokers' among them
};

// Who asks about data sets: a tenant, or somebody who acts on those of all tenants.
struct DatasetActor {
  TenantId tenant;
  std::string principal;
  bool any = false;
};
struct DatasetReceipt {
  Dataset dataset;
  bool made = false;  // a new one; else there was one of that name
};
struct DatasetPage {
  std::vector<Dataset> datasets;
  bool more = false;  // whether another page follows
};

struct BudgetReport {
  TenantId tenant;
  BudgetStanding standing;
  std::size_t jobs_waiting = 0;  // for this budget only
};
struct BudgetReceipt {
  BudgetReport budget;
  bool made = false;  // the tenant had none before
};
struct BudgetPage {
  std::vector<BudgetReport> budgets;
  bool more = false;  // whether another page follows
};

class Service {
 public:
  virtual ~Service() = default;

  // Fails with not_found when the job is to come after one that the tenant does not have, with
  // conflict when after one that has ended otherwise than in success.
  // Takes the spec out when it takes the job in.
  virtual void submit(std::shared_ptr<Submission> submission, Reply<SubmitReceipt> reply) = 0;
  // Each as `submit` has it, and none harms another; one step and one commit for all.
  virtual void submit_batch(Submissions submissions, Reply<BatchReceipts> reply) = 0;
  // Ok when the request is durable, or the job has ended already. The caller has checked that it
  // may.
  virtual void cancel(const JobId& job, std::string principal, Reply<std::monostate> reply) = 0;
  virtual void quote(QuoteRequest request, Reply<QuoteAnswer> reply) = 0;
  // What is durable; answered from memory for live jobs. Any thread, at once. Null: no such job.
  virtual std::shared_ptr<const JobRecord> find(const JobId& job) const = 0;
  // Another number whenever the job has changed, see job_changes.h. Any thread, at once.
  virtual std::uint32_t changes(const JobId& job) const = 0;
  virtual Result<JobPage> list(const JobQuery& query) const = 0;
  // The latest routing of a job that waits: why it is not placed. Nothing when it does not wait.
  virtual void waiting_decision(const JobId& job, Reply<std::optional<WaitingDecision>> reply) = 0;
  // The same with what would change it, looked for now.
  virtual void explain_waiting(const JobId& job, Reply<std::optional<Explanation>> reply) = 0;
  // Bytes of a running or ended attempt, from the site or, when that is gone, from the journal's
  // tail.
  virtual void read_log(const AttemptId& attempt, LogStream stream, std::uint64_t offset,
                        std::uint32_t bytes_max, Reply<LogChunk> reply) = 0;
  virtual void market(Reply<MarketSnapshot> reply) = 0;
  virtual void market_history(MarketHistoryQuery query, Reply<MarketHistoryPage> reply) = 0;
  // Data sets; see datasets.h. `dataset` has been checked and names no owner.
  virtual void put_dataset(Dataset dataset, DatasetActor actor, Reply<DatasetReceipt> reply) = 0;
  virtual void remove_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) = 0;
  virtual void find_dataset(std::string name, DatasetActor actor, Reply<Dataset> reply) = 0;
  // In order of name, after the name `after`.
  virtual void list_datasets(DatasetActor actor, std::string after, std::size_t limit,
                             Reply<DatasetPage> reply) = 0;
  // Who has had a job that had not ended, since the broker started, in order of name.
  virtual void tenants(Reply<std::vector<TenantStanding>> reply) = 0;
  // The rate table in force. Any thread, at once.
  virtual std::shared_ptr<const RateTable> rates() const = 0;
  // Sets the whole table, within the bounds of check_rates; its version is given here. Fails with
  // conflict when another one is in force than `replaces` names, or when the accounting currency
  // would change although there are jobs. The same table again changes nothing.
  virtual void set_rates(RateTable table, std::optional<std::uint64_t> replaces,
                         std::string principal, Reply<RateTable> reply) = 0;
  // What tenants may spend, for the caller who may. Setting gives the budget its version; fails with
  // conflict when another one is in force than `replaces` names, 0 being none.
  virtual void set_budget(TenantId tenant, Budget budget, std::optional<std::uint64_t> replaces,
                          std::string principal, Reply<BudgetReceipt> reply) = 0;
  // not_found: the tenant has none.
  virtual void remove_budget(TenantId tenant, std::string principal,
                             Reply<std::monostate> reply) = 0;
  virtual void find_budget(TenantId tenant, Reply<BudgetReport> reply) = 0;
  // In order of tenant, after the tenant `after`.
  virtual void list_budgets(TenantId after, std::size_t limit, Reply<BudgetPage> reply) = 0;
  virtual void invite(const SiteId& site, std::uint32_t units_max, std::chrono::seconds ttl,
                      Reply<Invite> reply) = 0;
  // The texts of the trust records after this version, oldest first. Any thread, at once.
  virtual std::vector<std::string> trust(std::uint64_t after) const = 0;
  virtual void join(JoinRequest request, Reply<JoinAnswer> reply) = 0;
  // Renewing a certificate; see registry.h.
  virtual void challenge(const SiteId& site, Reply<Bytes> reply) = 0;
  virtual void renew(RenewalRequest request, Reply<JoinAnswer> reply) = 0;
  virtual void allow_recovery(const SiteId& site, std::string principal,
                              Reply<std::monostate> reply) = 0;
  // suspended, revoked or active again.
  virtual void set_member_state(const NodeId& node, MemberState state, std::string principal,
                                Reply<std::monostate> reply) = 0;
  // Whether it can take jobs: journal open and writable.
  virtual Status ready() const = 0;
  // Prometheus text of the broker's counters.
  virtual std::string metrics() const = 0;
  virtual FederationId federation() const = 0;
};

}  // namespace tradewind
