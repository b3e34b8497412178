#include "tests/simulation/checker.h"

#include <algorithm>
#include <variant>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"

namespace tradewind::simulation {
namespace {

// The edges of the lifecycle. What happens within one batch may skip states in between, so every
// state but a final one may be followed by any other that comes later or by a new start.
bool allowed(JobState from, JobState to) {
  if (is_final(from)) return from == to;
  if (to == JobState::unroutable) return from == JobState::queued;
  return true;
}

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

Checker::Checker(const Scheduler& scheduler)
    : scheduler_(scheduler),
      writer_("tradewind:simulation", "secret"),
      replayer_({},
                {.data = [this](std::string_view sha256) -> Result<Bytes> {
                   return data_.at(Bytes(sha256));
                 },
                 .opening = [this](std::uint64_t index) -> Result<Bytes> {
                   return writer_.opening(Sequence{index + 1}, entries_.at(index)).value();
                 }},
                [this](const Replayed& told) {
                  if (told.same) return;
                  violated("I11: the decision of leaf " + std::to_string(told.index) + " about " +
                           told.subject +
                           " comes out otherwise when it is made again: " + told.where + " is " +
                           told.logged + " in the log, and " + told.replayed + " again");
                }) {}

void Checker::check_leaf(const Entry& entry) {
  entries_.push_back(entry);
  const Leaf leaf = writer_.write(Sequence{entries_.size()}, entry);
  if (leaf.data) data_[hex(sha256(*leaf.data))] = *leaf.data;
  if (violation_) return;
  const Status folded = replayer_.fold(leaf.event);
  if (!folded) violated("I11: " + describe(folded.error()));
}

void Checker::violated(std::string what) {
  if (violation_) return;
  violation_ = "at " + std::to_string(scheduler_.now() / kMillisecond) + " ms: " + std::move(what);
}

void Checker::committed(const std::vector<Entry>& entries, const std::vector<JobRecord>& jobs) {
  std::set<JobId> touched;
  for (const Entry& entry : entries) {
    if (entry.at < newest_) violated("I5: an entry is older than the one before it");
    newest_ = entry.at;
    check_entry(entry);
    check_leaf(entry);
    if (const auto* submission = std::get_if<JobSubmitted>(&entry.body)) {
      for (JobRecord& job : jobs_of(*submission, entry.at)) {
        touched.insert(job.job);
        const JobId id = job.job;
        folded_.emplace(id, std::move(job));
      }
    } else if (const auto id = job_of(entry)) {
      touched.insert(*id);
      const auto job = folded_.find(*id);
      if (job == folded_.end()) {
        violated("I8: an entry speaks of job " + id->value + ", which was never submitted");
        return;
      }
      const JobRecord before = job->second;
      apply(job->second, entry);
      if (before == job->second) violated("I8: an entry about " + id->value + " changes nothing");
    }
  }
  std::set<JobId> reported;
  for (const JobRecord& job : jobs) {
    reported.insert(job.job);
    const auto folded = folded_.find(job.job);
    if (folded == folded_.end() || !(folded->second == job)) {
      violated("I8: the row of " + job.job.value + " is not the fold of its entries");
      return;
    }
    const auto state = states_.find(job.job);
    if (state != states_.end() && !allowed(state->second, job.state)) {
      violated("I1: " + job.job.value + " went from " + std::string(to_string(state->second)) +
               " to " + std::string(to_string(job.state)));
    }
    states_[job.job] = job.state;
    check_charges(job);
  }
  if (reported != touched) violated("I8: the rows of a batch are not those that its entries touch");
}

void Checker::check_entry(const Entry& entry) {
  const auto* decided = std::get_if<JobDecided>(&entry.body);
  if (decided == nullptr) return;
  const Decision& decision = decided->decision;
  if (!decision.chosen || decision.relied_on.site != decision.chosen->site) {
    violated("I4: a decision about " + to_string(decided->attempt) + " relies on no record");
  } else if (decision.relied_on.quote_valid_until <= decision.decided_at) {
    violated("I4: a decision about " + to_string(decided->attempt) + " relies on an expired sheet");
  }
}

void Checker::check_charges(const JobRecord& job) {
  Money sum;
  for (const AttemptRecord& attempt : job.attempts) {
    if (!attempt.report) continue;
    sum.micros += attempt.report->charge.micros;
    const SiteId& site = attempt.decision.chosen->site;
    const auto grant = grants_.find({site, {job.job, attempt.number}});
    if (grant == grants_.end() || !grant->second.charge) {
      violated("I6: " + job.job.value + " is charged for an attempt that no site reported");
    } else if (attempt.report->charge > *grant->second.charge) {
      // The broker may cut a charge, when its own clock was set back; it never adds to one.
      violated("I6: " + job.job.value + " is charged " + to_decimal(attempt.report->charge.micros) +
               ", the site reported " + to_decimal(grant->second.charge->micros));
    }
  }
  // Refused attempts may have been dropped from the record; they are never charged.
  if (sum != job.charged) {
    violated("I6: " + job.job.value + " is charged " + to_decimal(job.charged.micros) +
             ", its attempts cost " + to_decimal(sum.micros));
  }
}

void Checker::acknowledged(const JobId& job, std::uint32_t array_count) {
  if (array_count == 0) acknowledged_.insert(job);
  for (std::uint32_t i = 0; i < array_count; ++i) acknowledged_.insert(array_task_id(job, i));
}

void Checker::restarted(const std::vector<Entry>& entries,
                        const std::map<JobId, JobRecord>& tables) {
  if (fold(entries) != tables) violated("I8: the tables are not the fold of the journal");
  for (const JobId& job : acknowledged_) {
    if (tables.count(job) == 0) violated("I1: acknowledged job " + job.value + " is lost");
  }
}

// Whatever the owners of contracts leave idle is there when they come: what all others hold, and
// what each contract's owner holds of it, stay within their own parts.
void Checker::check_contracts(const SiteRecord& record, const Pool& pool, const Run& run) {
  std::uint64_t sold = 0;
  for (const Contract& each : record.contracts) {
    if (each.pool == pool.id) sold += each.units;
    if (each.id == run.contract && contract_units_[{run.site, each.id}] > each.units) {
      violated("I3: " + to_string(run.attempt) + " takes more than its contract has");
    }
  }
  if (units_[{run.site, pool.id}] + sold > std::uint64_t{units_per_node(pool)} * pool.nodes) {
    violated("I3: " + to_string(run.attempt) + " takes what contracts hold at " + run.site.value);
  }
}

void Checker::run_started(const SiteRecord& record, const Pool& pool, const AttemptId& attempt,
                          const Assignment& assignment, const std::vector<std::uint32_t>& nodes) {
  const SiteId& site = record.site;
  ++runs_count_;
  if (!started_.emplace(site, attempt).second) {
    violated("I2: " + to_string(attempt) + " was started twice at " + site.value);
  }
  const auto other = running_.find(attempt.job);
  if (other != running_.end()) {
    violated("I2: " + to_string(attempt) + " starts at " + site.value + " while " +
             to_string(other->second.attempt) + " runs at " + other->second.site.value);
    return;
  }
  const auto state = states_.find(attempt.job);
  if (state != states_.end() && is_final(state->second)) {
    const auto job = folded_.find(attempt.job);
    // A cancel may overtake a dispatch that is on its way; a result may not.
    if (job != folded_.end() && job->second.state == JobState::succeeded) {
      violated("I2: " + to_string(attempt) + " starts after its job has succeeded");
    }
  }
  for (const std::uint32_t node : nodes) {
    Resources& used = used_[{site, pool.id, node}];
    used = plus(used, assignment.resources);
    if (!covers(pool.node, used)) {
      violated("I3: node " + std::to_string(node) + " of " + pool.id.value + " at " + site.value +
               " is oversubscribed by " + to_string(attempt));
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
    violated("I6: " + site.value + " reports the end of " + to_string(ended.attempt) +
             ", which it never granted");
    return;
  }
  Grant& grant = found->second;
  if (grant.charge) {
    if (*grant.charge != ended.report.charge) {
      violated("I6: the charge of " + to_string(ended.attempt) + " changed between two reports");
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
    violated("I6: " + to_string(ended.attempt) + " is charged " +
             to_decimal(ended.report.charge.micros) + ", its terms allow " +
             to_decimal(most.micros));
  }
}

void Checker::booked(const SiteId& site, std::uint32_t units_free, std::uint32_t units) {
  if (units_free > units) violated("I3: the book of " + site.value + " is over its capacity");
}

void Checker::calm(const std::map<JobId, JobRecord>& tables) {
  for (const auto& [id, job] : tables) {
    if (is_final(job.state)) continue;
    violated("I10: " + id.value + " is still " + std::string(to_string(job.state)) +
             " long after all faults have ended");
  }
  if (!running_.empty()) {
    violated("I10: " + to_string(running_.begin()->second.attempt) + " still runs at " +
             running_.begin()->second.site.value + " though every job has ended");
  }
}

}  // namespace tradewind::simulation
