// The invariants, as predicates over what no fault touches: every run that was started and ended at
// any site, every submission that was acknowledged, and every durable batch of the broker.
// Names are those of reliability: I1 nothing lost, I2 nothing twice, I3 no oversubscription, I4 no
// forged, expired or rolled-back offer used, I6 money conserved, I8 recovery is replay, I9
// convergence, I10 liveness, I11 every decision can be made again from the log, I13 no
// amplification.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/journal.h"
#include "schemas/site.h"
#include "state/market/market_view.h"
#include "tests/simulation/journal_checker.h"
#include "tests/simulation/names.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

class Checker {
 public:
  Checker(const Scheduler& scheduler, const Names& names);

  // The first that was found; nothing more is checked after it.
  const std::optional<std::string>& violation() const { return violation_; }

  // That of the broker's journal.
  JournalChecker& journal(const std::string& broker);

  // The site's contracts are in force all the time.
  void run_started(const SiteRecord& record, const Pool& pool, const AttemptId& attempt,
                   const Assignment& assignment, const std::vector<std::uint32_t>& nodes);
  void run_ended(const SiteId& site, const AttemptId& attempt);
  bool runs(const SiteId& site, const AttemptId& attempt) const;
  // A gateway has granted, or reports the end of, an attempt.
  void granted(const SiteId& site, const AttemptId& attempt, const Assignment& assignment,
               const Tariff& tariff);
  void end_reported(const SiteId& site, const AttemptEnded& ended);
  // An older copy of the site's disk has taken its place, or none.
  void disk_lost(const SiteId& site) { disks_lost_.insert(site); }
  // A gateway let a broker's process change something after one of a later term was heard.
  void deposed_heard(const SiteId& site, const NodeId& broker);
  // A dispatch leaves; a broker's process starts.
  void dispatched(const std::string& broker, const AttemptId& attempt);
  void broker_started(const std::string& broker);
  // After the calm phase: what a broker's view holds of a live site, and what that published.
  void converged(const std::string& broker, const SiteView* view, const SiteId& site,
                 const std::pair<RecordVersion, RecordVersion>& published);
  // The same of whether the site is quarantined there: it is at all brokers, or at none, and where
  // it is, nothing is decided by its sheets.
  void agreed(const std::string& broker, const SiteView* view, const SiteId& site,
              bool quarantined);
  // A gateway signs a second story under this version; a broker has the proof that one did.
  void equivocated(const SiteId& site, const RecordVersion& version);
  void quarantined(const SiteId& site, const Equivocation& proof);
  void booked(const SiteId& site, std::uint32_t units_free, std::uint32_t units);

  // After the calm phase: a job that should have ended, and what its broker says of it.
  void not_ended(const JobRecord& job, const std::string& why);
  void calm();

  std::size_t acknowledged_count() const;
  std::uint64_t runs_count() const { return runs_count_; }

 private:
  struct Run {
    SiteId site;
    AttemptId attempt;
    PoolId pool;
    Resources resources;
    std::vector<std::uint32_t> nodes;
    std::uint64_t units = 0;  // without those of the contract
    ContractId contract;
    std::uint64_t contract_units = 0;
  };
  struct Grant {
    Micros at = 0;
    Assignment assignment;
    Tariff tariff;
    std::optional<Money> charge;
  };
  void violated(std::string what);
  const JobRecord* find(const JobId& job) const;
  void check_contracts(const SiteRecord& record, const Pool& pool, const Run& run);

  const Scheduler& scheduler_;
  const Names& names_;
  std::map<std::string, JournalChecker> journals_;
  std::optional<std::string> violation_;
  std::map<JobId, Run> running_;  // a job runs at most once
  std::set<std::pair<SiteId, AttemptId>> started_;
  std::map<std::tuple<SiteId, PoolId, std::uint32_t>, Resources> used_;
  std::map<std::pair<SiteId, PoolId>, std::uint64_t> units_;               // without contracts'
  std::map<std::pair<SiteId, ContractId>, std::uint64_t> contract_units_;  // of each contract
  std::map<std::pair<SiteId, AttemptId>, Grant> grants_;
  std::set<SiteId> disks_lost_;
  std::set<std::pair<SiteId, RecordVersion>> equivocations_;
  std::map<SiteId, bool> quarantined_;              // as the first broker that was asked has it
  std::map<JobId, std::deque<Micros>> dispatches_;  // of the last minute
  std::map<std::string, std::deque<Micros>> broker_starts_;  // likewise
  std::uint64_t runs_count_ = 0;
};

}  // namespace tradewind::simulation
