#include "tests/simulation/checker.h"

#include <algorithm>
#include <utility>

#include "schemas/codec.h"

namespace tradewind::simulation {
namespace {

bool covers(const Resources& capacity, const Resources& used) {
  return capacity.covers(used);
}

Resources plus(Resources a, const Resources& b) {
  a.cpus += b.cpus;
  a.memory_mib += b.memory_mib;
  a.disk_mib += b.disk_mib;
  a.accelerators += b.accelerators;
  return a;
}

Resources minus(Resources a, const Resources& b) {
  a.cpus -= b.cpus;
  a.memory_mib -= b.memory_mib;
  a.disk_mib -= b.disk_mib;
  a.accelerators -= b.accelerators;
  return a;
}

}  // namespace

Checker::Checker(const Scheduler& scheduler, const Names& names)
    : scheduler_(scheduler), names_(names) {}

JournalChecker& Checker::journal(const std::string& broker) {
  const auto found = journals_.find(broker);
  if (found != journals_.end()) return found->second;
  return journals_
      .try_emplace(
          broker, names_, [this](std::string what) { violated(std::move(what)); },
          [this](const SiteId& site, const AttemptId& attempt) -> std::optional<Money> {
            const auto grant = grants_.find({site, attempt});
            return grant == grants_.end() ? std::nullopt : grant->second.charge;
          })
      .first->second;
}

const JobRecord* Checker::find(const JobId& job) const {
  for (const auto& [broker, journal] : journals_) {
    if (const JobRecord* const found = journal.find(job)) return found;
  }
  return nullptr;
}

std::size_t Checker::acknowledged_count() const {
  std::size_t count = 0;
  for (const auto& [broker, journal] : journals_) count += journal.acknowledged_count();
  return count;
}

void Checker::violated(std::string what) {
  if (violation_) return;
  violation_ = "at " + std::to_string(scheduler_.now() / kMillisecond) + " ms: " + std::move(what);
}

// Whatever the owners of contracts leave idle is there when they come: what all others hold, and
// what each contract's owner holds of it, stay within their own parts.
void Checker::check_contracts(const SiteRecord& record, const Pool& pool, const Run& run) {
  std::uint64_t sold = 0;
  for (const Contract& each : record.contracts) {
    if (each.pool == pool.id) sold += each.units;
    if (each.id == run.contract && contract_units_[{run.site, each.id}] > each.units) {
      violated("I3: " + names_.of(run.attempt) + " takes more than its contract has");
    }
  }
  if (units_[{run.site, pool.id}] + sold > std::uint64_t{units_per_node(pool)} * pool.nodes) {
    violated("I3: " + names_.of(run.attempt) + " takes what contracts hold at " + run.site.value);
  }
}

void Checker::run_started(const SiteRecord& record, const Pool& pool, const AttemptId& attempt,
                          const Assignment& assignment, const std::vector<std::uint32_t>& nodes) {
  const SiteId& site = record.site;
  ++runs_count_;
  if (!started_.emplace(site, attempt).second) {
    violated("I2: " + names_.of(attempt) + " was started twice at " + site.value);
  }
  const auto other = running_.find(attempt.job);
  if (other != running_.end()) {
    violated("I2: " + names_.of(attempt) + " starts at " + site.value + " while " +
             names_.of(other->second.attempt) + " runs at " + other->second.site.value);
    return;
  }
  // A cancel may overtake a dispatch that is on its way; a result may not.
  const JobRecord* const job = find(attempt.job);
  if (job != nullptr && job->state == JobState::succeeded) {
    violated("I2: " + names_.of(attempt) + " starts after its job has succeeded");
  }
  for (const std::uint32_t node : nodes) {
    Resources& used = used_[{site, pool.id, node}];
    used = plus(used, assignment.resources);
    if (!covers(pool.node, used)) {
      violated("I3: node " + std::to_string(node) + " of " + pool.id.value + " at " + site.value +
               " is oversubscribed by " + names_.of(attempt));
    }
  }
  const std::uint64_t all = std::uint64_t{assignment.nodes} * assignment.units;
  const Run run{site,
                attempt,
                pool.id,
                assignment.resources,
                nodes,
                all - assignment.contract_units,
                assignment.contract,
                assignment.contract_units};
  units_[{site, pool.id}] += run.units;
  contract_units_[{site, run.contract}] += run.contract_units;
  check_contracts(record, pool, run);
  running_.emplace(attempt.job, run);
}

void Checker::run_ended(const SiteId& site, const AttemptId& attempt) {
  if (!runs(site, attempt)) return;
  const auto run = running_.find(attempt.job);
  for (const std::uint32_t node : run->second.nodes) {
    Resources& used = used_[{site, run->second.pool, node}];
    used = minus(used, run->second.resources);
  }
  units_[{site, run->second.pool}] -= run->second.units;
  contract_units_[{site, run->second.contract}] -= run->second.contract_units;
  running_.erase(run);
}

bool Checker::runs(const SiteId& site, const AttemptId& attempt) const {
  const auto run = running_.find(attempt.job);
  return run != running_.end() && run->second.site == site && run->second.attempt == attempt;
}

void Checker::granted(const SiteId& site, const AttemptId& attempt, const Assignment& assignment,
                      const Tariff& tariff) {
  Grant grant;
  grant.at = scheduler_.now();
  grant.assignment = assignment;
  grant.tariff = tariff;
  grants_.try_emplace({site, attempt}, std::move(grant));
}

void Checker::end_reported(const SiteId& site, const AttemptEnded& ended) {
  const auto found = grants_.find({site, ended.attempt});
  if (found == grants_.end()) {
    violated("I6: " + site.value + " reports the end of " + names_.of(ended.attempt) +
             ", which it never granted");
    return;
  }
  Grant& grant = found->second;
  if (grant.charge) {
    if (disks_lost_.count(site) != 0) {
      // What an old copy of the disk says of it is another end. A broker takes one of the two.
      grant.charge = std::max(*grant.charge, ended.report.charge);
    } else if (*grant.charge != ended.report.charge) {
      violated("I6: the charge of " + names_.of(ended.attempt) + " changed between two reports");
    }
    return;
  }
  grant.charge = ended.report.charge;
  // By true time, with two seconds for clocks that drift and for rounding up; wall clocks, which
  // count across a restart, may be off by more, and then the engine's figure bounds them.
  const std::int64_t used = (scheduler_.now() - grant.at) / kSecond + 2;
  const std::int64_t increment = std::max<std::int64_t>(grant.tariff.increment_seconds, 1);
  const std::int64_t billed = std::max<std::int64_t>(
      grant.tariff.minimum_seconds, (used + increment - 1) / increment * increment);
  const Money compute = *cost_ceil(grant.assignment.rate, std::chrono::seconds(billed));
  const Money paid = share_floor(compute, grant.assignment.contract_units,
                                 std::uint64_t{grant.assignment.nodes} * grant.assignment.units);
  const Money most{compute.micros - paid.micros + grant.tariff.fixed_fee.micros};
  if (ended.report.charge > most || ended.report.charge.micros < 0) {
    violated("I6: " + names_.of(ended.attempt) + " is charged " +
             to_decimal(ended.report.charge.micros) + ", its terms allow " +
             to_decimal(most.micros));
  }
}

void Checker::deposed_heard(const SiteId& site, const NodeId& broker) {
  violated("I2: " + site.value + " does what a deposed process of " + broker.value + " says");
}

namespace {

constexpr Micros kMinute = 60 * kSecond;

void forget_old(std::deque<Micros>& times, Micros now) {
  while (!times.empty() && times.front() < now - kMinute) times.pop_front();
}

}  // namespace

void Checker::broker_started(const std::string& broker) {
  broker_starts_[broker].push_back(scheduler_.now());
}

// A job that is refused everywhere is tried at four sites, then waits 1 s, 2 s, 4 s, 8 s, 16 s and
// 30 s between tries at four more: 28 dispatches in the worst minute. A restart forgets the pauses.
void Checker::dispatched(const std::string& broker, const AttemptId& attempt) {
  constexpr std::size_t kMost = 28;
  std::deque<Micros>& times = dispatches_[attempt.job];
  std::deque<Micros>& starts = broker_starts_[broker];
  forget_old(times, scheduler_.now());
  forget_old(starts, scheduler_.now());
  times.push_back(scheduler_.now());
  if (times.size() > kMost * (1 + starts.size())) {
    violated("I13: " + std::to_string(times.size()) + " dispatches of " + names_.of(attempt.job) +
             " within a minute");
  }
}

void Checker::converged(const std::string& broker, const SiteView* view, const SiteId& site,
                        const std::pair<RecordVersion, RecordVersion>& published) {
  if (view != nullptr && view->record_header.version >= published.first && view->sheet &&
      view->sheet_header.version >= published.second) {
    return;
  }
  violated("I9: " + broker + " does not hold the newest records of " + site.value);
}

void Checker::agreed(const std::string& broker, const SiteView* view, const SiteId& site,
                     bool quarantined) {
  if (quarantined_.try_emplace(site, quarantined).first->second != quarantined) {
    violated("I9: " + site.value + " is not quarantined at all brokers: " + broker +
             (quarantined ? " has it so" : " has it not"));
  }
  if (view != nullptr && view->quarantined != quarantined) {
    violated("I4: the view of " + broker + " does not have " + site.value + " as its book has it");
  }
}

void Checker::equivocated(const SiteId& site, const RecordVersion& version) {
  equivocations_.emplace(site, version);
}

void Checker::quarantined(const SiteId& site, const Equivocation& proof) {
  if (!equivocations_.contains({site, header_of(proof)->version})) {
    violated("I4: " + site.value + " is quarantined and has never signed two stories");
  }
}

void Checker::booked(const SiteId& site, std::uint32_t units_free, std::uint32_t units) {
  if (units_free > units) violated("I3: the book of " + site.value + " is over its capacity");
}

void Checker::not_ended(const JobRecord& job, const std::string& why) {
  violated("I10: " + names_.of(job.job) + " is still " + std::string(to_string(job.state)) +
           " long after all faults have ended (" + why + ")");
}

void Checker::calm() {
  if (!running_.empty()) {
    violated("I10: " + names_.of(running_.begin()->second.attempt) + " still runs at " +
             running_.begin()->second.site.value + " though every job has ended");
  }
}

}  // namespace tradewind::simulation
