// The invariants of one broker's journal: what is durable must be a history that could be, tables
// that are its fold, and decisions that come out the same when they are made again from the log.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/audit/leaf.h"
#include "broker/audit/replay.h"
#include "broker/jobs/budgets.h"
#include "broker/jobs/fold.h"
#include "schemas/changed_job.h"
#include "schemas/journal.h"
#include "tests/simulation/names.h"

namespace tradewind::simulation {

class JournalChecker {
 public:
  using Violated = std::function<void(std::string)>;
  // What the site reported as the attempt's charge; nothing: it reported none.
  using ChargeOf = std::function<std::optional<Money>(const SiteId&, const AttemptId&)>;

  JournalChecker(const Names& names, Violated violated, ChargeOf charge_of);
  JournalChecker(const JournalChecker&) = delete;
  JournalChecker& operator=(const JournalChecker&) = delete;

  // A batch has become durable.
  void committed(const std::vector<Entry>& entries, const std::vector<ChangedJob>& jobs);
  // The client was told that the job is taken.
  void acknowledged(const JobId& job, std::uint32_t array_count);
  // A process has started from these tables: they must be the fold of all entries, and hold every
  // acknowledged job.
  // What is kept of budgets must be what the entries say that tenants have spent.
  void restarted(const std::vector<Entry>& entries, const std::map<JobId, JobRecord>& tables,
                 const std::map<TenantId, BudgetSpent>& spent) const;

  // The job as its entries say; null: it has none.
  const JobRecord* find(const JobId& job) const;
  std::size_t acknowledged_count() const { return acknowledged_.size(); }

 private:
  void check_entry(const Entry& entry);
  void check_recorded(const SignedRecord& record);
  void check_leaf(const Entry& entry);
  void check_charges(const JobRecord& job);
  // After the entry: `charged` more than before it. Null: it is about no job.
  void check_budget(const Entry& entry, const JobRecord* job, Money charged);

  const Names& names_;
  Violated violated_;
  ChargeOf charge_of_;
  // What the log says, and the decisions made again from that alone.
  LeafWriter writer_;
  std::vector<Entry> entries_;
  std::map<Bytes, Bytes> data_;  // that stands beside the log, by SHA-256
  Replayer replayer_;
  bool replays_ = true;  // until it went wrong
  std::map<JobId, JobRecord> folded_;
  std::map<JobId, JobState> states_;  // of the tables
  std::map<std::pair<TenantId, std::string>, JobId> keys_;
  // Recorded: each body by its kind and version, and the newest member record.
  struct Recorded {
    std::map<std::pair<RecordKind, RecordVersion>, std::uint64_t> bodies;  // hashed
    Member member;
    bool quarantined = false;
  };
  std::map<SiteId, Recorded> recorded_;
  // By site: the newest versions that a decision of this process relied on, of its record and of
  // its sheet. The next process knows none of them: what it hears first counts while it is valid.
  std::map<SiteId, std::pair<RecordVersion, RecordVersion>> relied_on_;
  std::set<JobId> acknowledged_;
  struct Account {
    Budget budget;
    BudgetSpent spent;
  };
  std::map<TenantId, Account> accounts_;  // of budgets
  Wall::time_point newest_{};
};

}  // namespace tradewind::simulation
