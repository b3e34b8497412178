#include "tests/simulation/journal_checker.h"

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
      if (before == job->second)
        violated_("I8: an entry about " + names_.of(*id) + " changes nothing");
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
                               const std::map<JobId, JobRecord>& tables) const {
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
