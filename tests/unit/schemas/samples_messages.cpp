// What nodes say to each other, and what the journal keeps.
#include "tests/unit/schemas/samples.h"

#include <set>

#include "schemas/limits.h"

namespace tradewind::testing {

void Sampler::fill(Dispatch& to) {
  fill(to.attempt);
  fill(to.assignment);
  to.lease_seconds = small();
}
void Sampler::fill(RenewLeases& to) {
  fill_list(to.attempts);
  to.lease_seconds = small();
}
void Sampler::fill(ReadLog& to) {
  to.request = any();
  fill(to.attempt);
  to.stream = member_of<LogStream>(2);
  to.offset = any();
  to.bytes_max = small();
}
void Sampler::fill(Refused& to) {
  fill(to.attempt);
  to.code = member_of<RefusalCode>(refusal_codes_count);
  to.detail = text();
  if (flag()) fill(to.quote);
}
void Sampler::fill(AttemptStatus& to) {
  fill(to.attempt);
  to.phase = member_of<AttemptPhase>(6);
  to.since = time();
}
void Sampler::fill(AttemptEnded& to) {
  fill(to.attempt);
  fill(to.report);
}
void Sampler::fill(LogChunk& to) {
  to.request = any();
  fill(to.attempt);
  to.offset = any();
  to.data = bytes(number(0, 1'000));
  to.end = flag();
  to.known = flag();
}
void Sampler::fill(CosignCheckpoint& to) {
  to.request = any();
  to.body = bytes(number(0, 1'000));
}
void Sampler::fill(CosignAnswer& to) {
  to.request = any();
  to.status = static_cast<std::uint16_t>(number(200, 599));
  to.content_type = clean_text();
  to.body = bytes(number(0, 1'000));
}

void Sampler::fill(Digest& to) {
  to.member.value = small();
  to.kind = member_of<RecordKind>(record_kinds_count);
  fill(to.version);
}
void Sampler::fill(GossipSyn& to) {
  fill_list(to.digests);
  for (std::uint64_t i = number(0, fingerprints_count); i > 0; --i) {
    to.fingerprints.push_back(any());
  }
  to.quarantined = members();
}
void Sampler::fill(GossipSynAck& to) {
  fill_list(to.records);
  fill_list(to.digests);
  fill_list(to.wants);
  to.differing = any();
  fill_list(to.proofs);
  to.quarantined = members();
}
void Sampler::fill(GossipAck& to) {
  fill_list(to.records);
  fill_list(to.wants);
  fill_list(to.proofs);
}
std::vector<MemberNumber> Sampler::members() {
  std::set<MemberNumber> numbers;
  for (std::size_t i = count(); i > 0; --i) numbers.insert(MemberNumber{small()});
  return {numbers.begin(), numbers.end()};
}

void Sampler::fill(JobSubmitted& to) {
  to.job = job();
  to.tenant.value = name();
  to.principal = text();
  to.idempotency_key = text();
  fill(to.spec);
  if (flag()) fill(to.quote.emplace());
  if (flag()) to.traceparent = name();
}
void Sampler::fill(JobDecided& to) {
  fill(to.attempt);
  fill(to.decision);
}
void Sampler::fill(JobsCleared::Job& to) {
  to.job = job();
  to.excluded = sites();
}
void Sampler::fill(JobUnroutable& to) {
  to.job = job();
  fill(to.decision);
}
void Sampler::fill(CancelRequested& to) {
  to.job = job();
  to.principal = text();
}
void Sampler::fill(JobExpired& to) {
  to.job = job();
  to.reason = text();
}
void Sampler::fill(AttemptRefused& to) {
  fill(to.attempt);
  to.code = member_of<RefusalCode>(refusal_codes_count);
  to.detail = text();
}
void Sampler::fill(AttemptAdvanced& to) {
  fill(to.attempt);
  to.phase = member_of<AttemptPhase>(6);
}
void Sampler::fill(AttemptFinished& to) {
  fill(to.attempt);
  fill(to.report);
}
void Sampler::fill(AttemptLost& to) {
  fill(to.attempt);
  to.reason = text();
}
void Sampler::fill(InviteIssued& to) {
  to.token_sha256 = sha256();
  to.site.value = name();
  to.units_max = small();
  to.expires = time();
}
void Sampler::fill(MemberChanged& to) {
  fill(to.record);
  to.token_sha256 = sha256();
  to.cause = member_of<MemberCause>(member_causes_count);
  if (flag()) to.renewal = bytes(limits::renewal_id_bytes);
  for (std::size_t i = count(); i > 0; --i) to.recoveries.push_back(time());
  to.recovery_allowed = flag();
  to.principal = text();
}
void Sampler::fill(TrustChanged& to) {
  to.record = text();
}
void Sampler::fill(DatasetChanged& to) {
  if (flag()) fill(to.dataset.emplace());
  to.name = to.dataset ? to.dataset->name : name();
}
void Sampler::fill(RatesChanged& to) {
  to.table.version = any();
  to.table.accounting_currency = "CHF";
  const std::vector<std::string> currencies = {"EUR", "JPY", "USD"};
  for (std::size_t i = count(); i > 0; --i) {
    to.table.rates_ppm[currencies[i - 1]] = amount(limits::rate_ppm_max, 1);
  }
  to.principal = text();
}

void Sampler::fill(BudgetChanged& to) {
  to.tenant.value = name();
  to.principal = text();
  if (!flag()) return;
  to.budget = Budget{Money{amount()}, member_of<BudgetPeriod>(budget_periods_count), any()};
}

void Sampler::fill(AttemptRecord& to) {
  to.number = small();
  to.state = member_of<AttemptState>(attempt_states_count);
  fill(to.decision);
  to.decided = time();
  to.granted = time();
  to.started = time();
  to.over = time();
  to.refusal = member_of<RefusalCode>(refusal_codes_count);
  to.detail = text();
  if (flag()) fill(to.report.emplace());
}
void Sampler::fill(JobRecord& to) {
  to.job = job();
  if (flag()) to.array = job();
  to.array_index = small();
  to.array_count = small();
  to.tenant.value = name();
  to.principal = text();
  fill(to.spec);
  to.state = member_of<JobState>(job_states_count);
  to.submitted = time();
  to.ended = time();
  to.cancel_requested = flag();
  to.attempts_count = small();
  to.attempts_granted = small();
  fill_list(to.attempts);
  if (flag()) fill(to.unplaced.emplace());
  to.end_reason = text();
  to.charged.micros = amount();
  if (flag()) fill(to.quote.emplace());
}

}  // namespace tradewind::testing
