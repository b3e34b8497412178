#include "tests/simulation/journal_checker.h"

#include <chrono>
#include <utility>
#include <variant>

#include "schemas/codec.h"
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

}  // namespace

JournalChecker::JournalChecker(const Names& names, Violated violated, ChargeOf charge_of)
    : names_(names),
      violated_(std::move(violated)),
      charge_of_(std::move(charge_of)),
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
                  violated_("I11: the decision of leaf " + std::to_string(told.index) + " about " +
                            told.subject +
                            " comes out otherwise when it is made again: " + told.where + " is " +
                            told.logged + " in the log, and " + told.replayed + " again");
                }) {}

void JournalChecker::check_leaf(const Entry& entry) {
  entries_.push_back(entry);
  const Leaf leaf = writer_.write(Sequence{entries_.size()}, entry);
  if (leaf.data) data_[hex(sha256(*leaf.data))] = *leaf.data;
  if (!replays_) return;
  const Status folded = replayer_.fold(leaf.event);
  if (folded) return;
  replays_ = false;
  violated_("I11: " + describe(folded.error()));
}

void JournalChecker::committed(const std::vector<Entry>& entries,
                               const std::vector<ChangedJob>& jobs) {
  std::set<JobId> touched;
  for (const Entry& entry : entries) {
    if (entry.at < newest_) violated_("I5: an entry is older than the one before it");
    newest_ = entry.at;
    check_entry(entry);
    check_leaf(entry);
    if (const auto* submission = std::get_if<JobSubmitted>(&entry.body)) {
      const auto key = std::pair(submission->tenant, submission->idempotency_key);
      if (!keys_.emplace(key, submission->job).second) {
        violated_("I2: the submission " + submission->idempotency_key + " was taken twice");
      }
      for (JobRecord& job : jobs_of(*submission, entry.at)) {
        touched.insert(job.job);
        const JobId id = job.job;
        folded_.emplace(id, std::move(job));
      }
    } else if (const auto id = job_of(entry)) {
      touched.insert(*id);
      const auto job = folded_.find(*id);
      if (job == folded_.end()) {
        violated_("I8: an entry speaks of job " + names_.of(*id) + ", which was never submitted");
        return;
      }
      const JobRecord before = job->second;
      apply(job->second, entry);
      check_budget(entry, &job->second, Money{job->second.charged.micros - before.charged.micros});
      if (before == job->second)
        violated_("I8: an entry about " + names_.of(*id) + " changes nothing");
    } else {
      check_budget(entry, nullptr, {});
    }
  }
  std::set<JobId> reported;
  for (const ChangedJob& each : jobs) {
    const JobRecord& job = *each;
    reported.insert(job.job);
    const auto folded = folded_.find(job.job);
    if (folded == folded_.end() || !(folded->second == job)) {
      violated_("I8: the row of " + names_.of(job.job) + " is not the fold of its entries");
      return;
    }
    const auto state = states_.find(job.job);
    if (state != states_.end() && !allowed(state->second, job.state)) {
      violated_("I1: " + names_.of(job.job) + " went from " +
                std::string(to_string(state->second)) + " to " + std::string(to_string(job.state)));
    }
    states_[job.job] = job.state;
    check_charges(job);
  }
  if (reported != touched)
    violated_("I8: the rows of a batch are not those that its entries touch");
}

void JournalChecker::check_entry(const Entry& entry) {
  if (const auto* recorded = std::get_if<MarketRecorded>(&entry.body)) {
    check_recorded(recorded->record);
  }
  if (const auto* quarantined = std::get_if<SiteQuarantined>(&entry.body)) {
    recorded_[*site_of(header_of(quarantined->proof)->subject)].quarantined = true;
  }
  const auto* decided = std::get_if<JobDecided>(&entry.body);
  if (decided == nullptr) return;
  const Decision& decision = decided->decision;
  if (!decision.chosen || decision.relied_on.site != decision.chosen->site) {
    violated_("I4: a decision about " + names_.of(decided->attempt) + " relies on no record");
  } else if (decision.relied_on.quote_valid_until <= decision.decided_at) {
    violated_("I4: a decision about " + names_.of(decided->attempt) +
              " relies on an expired sheet");
  }
  const ReliedOn& now = decision.relied_on;
  auto& [site, sheet] = relied_on_[now.site];
  if (now.site_version < site || now.quote_version < sheet) {
    violated_("I4: a decision about " + names_.of(decided->attempt) +
              " relies on an older record of " + now.site.value + " than one before");
  }
  site = now.site_version;
  sheet = now.quote_version;
  const Recorded& recorded = recorded_[now.site];
  if (recorded.bodies.count({RecordKind::site, now.site_version}) == 0 ||
      recorded.bodies.count({RecordKind::quote, now.quote_version}) == 0) {
    violated_("I4: a decision about " + names_.of(decided->attempt) + " relies on a record that " +
              now.site.value + " never signed");
  }
  if (recorded.member.state == MemberState::revoked) {
    violated_("I4: a decision about " + names_.of(decided->attempt) + " gives it to " +
              now.site.value + ", which was revoked");
  }
  if (recorded.quarantined) {
    violated_("I4: a decision about " + names_.of(decided->attempt) + " gives it to " +
              now.site.value + ", which is quarantined");
  }
}

void JournalChecker::check_recorded(const SignedRecord& signed_record) {
  const auto record = decode_record(signed_record.body);
  const auto site = record ? site_of(record->header.subject) : fail(record.error());
  if (!site) {
    violated_("I4: " + describe(site.error()));
    return;
  }
  Recorded& recorded = recorded_[*site];
  const RecordHeader& header = record->header;
  const std::uint64_t body = stable_hash(signed_record.body);
  if (recorded.bodies.try_emplace({header.kind, header.version}, body).first->second != body) {
    violated_("I4: two records of one version of " + site->value + " were taken");
  }
  if (const auto* member = std::get_if<Member>(&record->body)) {
    if (recorded.member.identity_key != member->identity_key) recorded.quarantined = false;
    recorded.member = *member;
  }
  const auto* sheet = std::get_if<QuoteSheet>(&record->body);
  if (sheet == nullptr || recorded.member.units_max == 0) return;
  std::uint64_t claimed = 0;
  for (const PoolQuote& each : sheet->pools) claimed += each.units_free;
  for (const ContractQuote& each : sheet->contracts) claimed += each.units_idle;
  if (claimed > recorded.member.units_max) {
    violated_("I3: " + site->value + " claims more than its ceiling and is believed");
  }
}

void JournalChecker::check_budget(const Entry& entry, const JobRecord* job, Money charged) {
  const auto month = [](Wall::time_point at) {
    const std::chrono::year_month_day day(
        std::chrono::sys_days(std::chrono::floor<std::chrono::days>(at.time_since_epoch())));
    return day.year() / day.month();
  };
  for (auto& [tenant, account] : accounts_) {
    BudgetSpent& spent = account.spent;
    if (account.budget.period == BudgetPeriod::none || month(spent.since) == month(entry.at)) {
      continue;
    }
    spent = {Wall::time_point(std::chrono::sys_days(month(entry.at) / 1).time_since_epoch()), {}};
  }
  if (const auto* changed = std::get_if<BudgetChanged>(&entry.body)) {
    const auto known = accounts_.find(changed->tenant);
    BudgetSpent spent{entry.at, {}};
    if (known != accounts_.end() && changed->budget &&
        known->second.budget.period == changed->budget->period) {
      spent = known->second.spent;
    }
    accounts_.erase(changed->tenant);
    if (changed->budget) accounts_.emplace(changed->tenant, Account{*changed->budget, spent});
  }
  const auto account = job != nullptr ? accounts_.find(job->tenant) : accounts_.end();
  if (account == accounts_.end()) return;
  account->second.spent.spent.micros += charged.micros;
  const auto* decided = std::get_if<JobDecided>(&entry.body);
  if (decided == nullptr || hold_of(job->spec, *decided->decision.chosen) == Money{}) return;
  std::int64_t held = 0;
  for (const auto& [id, each] : folded_) {
    const AttemptRecord* const attempt = live_attempt(each);
    if (each.tenant != job->tenant || is_final(each.state) || attempt == nullptr) continue;
    held += hold_of(each.spec, *attempt->decision.chosen).micros;
  }
  const std::int64_t spent = account->second.spent.spent.micros;
  if (spent + held <= account->second.budget.limit.micros) return;
  violated_("I14: " + names_.of(decided->attempt) + " is decided with " + to_decimal(spent) +
            " spent and " + to_decimal(held) + " held of a budget of " +
            to_decimal(account->second.budget.limit.micros));
}

void JournalChecker::check_charges(const JobRecord& job) {
  Money sum;
  for (const AttemptRecord& attempt : job.attempts) {
    if (!attempt.report) continue;
    sum.micros += attempt.report->charge.micros;
    const SiteId& site = attempt.decision.chosen->site;
    const auto charge = charge_of_(site, {job.job, attempt.number});
    if (!charge) {
      violated_("I6: " + names_.of(job.job) + " is charged for an attempt that no site reported");
    } else if (attempt.report->charge > *charge) {
      // The broker may cut a charge, when its own clock was set back; it never adds to one.
      violated_("I6: " + names_.of(job.job) + " is charged " +
                to_decimal(attempt.report->charge.micros) + ", the site reported " +
                to_decimal(charge->micros));
    }
  }
  // Refused attempts may have been dropped from the record; they are never charged.
  if (sum != job.charged) {
    violated_("I6: " + names_.of(job.job) + " is charged " + to_decimal(job.charged.micros) +
              ", its attempts cost " + to_decimal(sum.micros));
  }
}

void JournalChecker::acknowledged(const JobId& job, std::uint32_t array_count) {
  if (array_count == 0) acknowledged_.insert(job);
  for (std::uint32_t i = 0; i < array_count; ++i) acknowledged_.insert(array_task_id(job, i));
}

void JournalChecker::restarted(const std::vector<Entry>& entries,
                               const std::map<JobId, JobRecord>& tables,
                               const std::map<TenantId, BudgetSpent>& spent) const {
  bool same = spent.size() == accounts_.size();
  for (const auto& [tenant, account] : accounts_) {
    const auto kept = spent.find(tenant);
    // A month that is over may be known before there is an entry of the next.
    same = same && kept != spent.end() &&
           (kept->second == account.spent ||
            (kept->second.since > account.spent.since && kept->second.spent == Money{}));
  }
  if (!same) violated_("I8: what tenants have spent is not what the entries say");
  if (fold(entries) != tables) violated_("I8: the tables are not the fold of the journal");
  for (const JobId& job : acknowledged_) {
    if (tables.count(job) == 0) violated_("I1: acknowledged job " + names_.of(job) + " is lost");
  }
}

const JobRecord* JournalChecker::find(const JobId& job) const {
  const auto found = folded_.find(job);
  return found == folded_.end() ? nullptr : &found->second;
}

}  // namespace tradewind::simulation
