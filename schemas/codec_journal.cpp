// Journal entries.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {
namespace {

static_assert(same_length<MemberCause>(schema::MemberCause::RESIGNED));
static_assert(same_length<BudgetPeriod>(schema::BudgetPeriod::MONTH));

using Body = schema::JournalEntry::Body;

// Each of these fills the union's member that belongs to it.
struct WriteBody {
  Body::Builder body;

  void operator()(const TermBegan& from) { body.initTermBegan().setTerm(from.term.value); }
  void operator()(const JobSubmitted& from) {
    using Builder = schema::JobSubmitted::Builder;
    Builder to = body.initJobSubmitted();
    put_text(to, &Builder::setJob, from.job.value);
    put_text(to, &Builder::setTenant, from.tenant.value);
    put_text(to, &Builder::setPrincipal, from.principal);
    put_text(to, &Builder::setIdempotencyKey, from.idempotency_key);
    write(to.initSpec(), from.spec);
    if (from.quote) write(to.initQuote(), *from.quote);
    put_text(to, &Builder::setTraceparent, from.traceparent);
  }
  void operator()(const JobDecided& from) {
    auto to = body.initJobDecided();
    write(to.initAttempt(), from.attempt);
    write(to.initDecision(), from.decision);
  }
  void operator()(const JobsCleared& from) {
    auto to = body.initJobsCleared();
    if (from.jobs.empty()) return;
    auto list = to.initJobs(list_size(from.jobs.size()));
    unsigned i = 0;
    for (const JobsCleared::Job& each : from.jobs) {
      auto row = list[i++];
      put_text(row, &schema::ClearedJob::Builder::setJob, each.job.value);
      put_texts(row, &schema::ClearedJob::Builder::initExcluded, each.excluded);
    }
  }
  void operator()(const JobUnroutable& from) {
    auto to = body.initJobUnroutable();
    put_text(to, &schema::JobUnroutable::Builder::setJob, from.job.value);
    write(to.initDecision(), from.decision);
  }
  void operator()(const CancelRequested& from) {
    auto to = body.initCancelRequested();
    put_text(to, &schema::CancelRequested::Builder::setJob, from.job.value);
    put_text(to, &schema::CancelRequested::Builder::setPrincipal, from.principal);
  }
  void operator()(const JobExpired& from) {
    auto to = body.initJobExpired();
    put_text(to, &schema::JobExpired::Builder::setJob, from.job.value);
    put_text(to, &schema::JobExpired::Builder::setReason, from.reason);
  }
  void operator()(const AttemptGranted& from) {
    write(body.initAttemptGranted().initAttempt(), from.attempt);
  }
  void operator()(const AttemptRefused& from) {
    auto to = body.initAttemptRefused();
    write(to.initAttempt(), from.attempt);
    to.setCode(static_cast<schema::RefusalCode>(from.code));
    put_text(to, &schema::AttemptRefused::Builder::setDetail, from.detail);
  }
  void operator()(const AttemptAdvanced& from) {
    auto to = body.initAttemptAdvanced();
    write(to.initAttempt(), from.attempt);
    to.setPhase(static_cast<schema::AttemptPhase>(from.phase));
  }
  void operator()(const AttemptFinished& from) {
    auto to = body.initAttemptFinished();
    write(to.initAttempt(), from.attempt);
    write(to.initReport(), from.report);
  }
  void operator()(const AttemptLost& from) {
    auto to = body.initAttemptLost();
    write(to.initAttempt(), from.attempt);
    put_text(to, &schema::AttemptLost::Builder::setReason, from.reason);
  }
  void operator()(const InviteIssued& from) {
    auto to = body.initInviteIssued();
    put_text(to, &schema::InviteIssued::Builder::setTokenSha256, from.token_sha256);
    put_text(to, &schema::InviteIssued::Builder::setSite, from.site.value);
    to.setUnitsMax(from.units_max);
    to.setExpires(micros_of(from.expires));
  }
  void operator()(const MemberChanged& from) {
    auto to = body.initMemberChanged();
    write(to.initRecord(), from.record);
    put_text(to, &schema::MemberChanged::Builder::setTokenSha256, from.token_sha256);
    to.setCause(static_cast<schema::MemberCause>(from.cause));
    put_bytes(to, &schema::MemberChanged::Builder::setRenewal, from.renewal);
    put_numbers(to, &schema::MemberChanged::Builder::initRecoveries, from.recoveries, micros_of);
    to.setRecoveryAllowed(from.recovery_allowed);
    put_text(to, &schema::MemberChanged::Builder::setPrincipal, from.principal);
  }
  void operator()(const TrustChanged& from) {
    auto to = body.initTrustChanged();
    put_text(to, &schema::TrustChanged::Builder::setRecord, from.record);
  }
  void operator()(const SiteQuarantined& from) {
    write(body.initSiteQuarantined().initProof(), from.proof);
  }
  void operator()(const MarketRecorded& from) {
    write(body.initMarketRecorded().initRecord(), from.record);
  }
  void operator()(const DatasetChanged& from) {
    auto to = body.initDatasetChanged();
    put_text(to, &schema::DatasetChanged::Builder::setName, from.name);
    put_text(to, &schema::DatasetChanged::Builder::setPrincipal, from.principal);
    if (from.dataset) write(to.initDataset(), *from.dataset);
  }
  void operator()(const BudgetChanged& from) {
    auto to = body.initBudgetChanged();
    put_text(to, &schema::BudgetChanged::Builder::setTenant, from.tenant.value);
    put_text(to, &schema::BudgetChanged::Builder::setPrincipal, from.principal);
    if (!from.budget) return;
    auto budget = to.initBudget();
    budget.setLimit(from.budget->limit.micros);
    budget.setPeriod(static_cast<schema::BudgetPeriod>(from.budget->period));
    budget.setVersion(from.budget->version);
  }
  void operator()(const RatesChanged& from) {
    using Builder = schema::RatesChanged::Builder;
    Builder to = body.initRatesChanged();
    to.setVersion(from.table.version);
    put_text(to, &Builder::setAccountingCurrency, from.table.accounting_currency);
    put_text(to, &Builder::setPrincipal, from.principal);
    if (from.table.rates_ppm.empty()) return;
    auto list = to.initRates(list_size(from.table.rates_ppm.size()));
    unsigned i = 0;
    for (const auto& [currency, rate] : from.table.rates_ppm) {
      auto row = list[i++];
      put_text(row, &schema::Rate::Builder::setCurrency, currency);
      row.setRate(rate);
    }
  }
};

TermBegan read(schema::TermBegan::Reader from) {
  return {Term{from.getTerm()}};
}
JobSubmitted read(schema::JobSubmitted::Reader from) {
  JobSubmitted to;
  to.job = read_job_id("job_submitted.job", from.getJob());
  to.tenant = TenantId{read_name("job_submitted.tenant", from.getTenant())};
  to.principal = read_document_text("job_submitted.principal", from.getPrincipal());
  to.idempotency_key =
      read_document_text("job_submitted.idempotency_key", from.getIdempotencyKey());
  codec::read(from.getSpec(), to.spec);
  if (from.hasQuote()) codec::read(from.getQuote(), to.quote.emplace());
  to.traceparent = read_name_or_none("job_submitted.traceparent", from.getTraceparent());
  return to;
}
JobDecided read(schema::JobDecided::Reader from) {
  JobDecided to;
  codec::read(from.getAttempt(), to.attempt);
  codec::read(from.getDecision(), to.decision);
  return to;
}
JobsCleared read(schema::JobsCleared::Reader from) {
  JobsCleared to;
  if (from.getJobs().size() > limits::jobs_cleared_max) {
    over_limit("jobs_cleared.jobs", from.getJobs().size(), limits::jobs_cleared_max);
  }
  to.jobs.reserve(from.getJobs().size());
  for (const auto each : from.getJobs()) {
    JobsCleared::Job& job = to.jobs.emplace_back();
    job.job = read_job_id("jobs_cleared.job", each.getJob());
    read_sites("jobs_cleared.excluded", each.getExcluded(), job.excluded);
  }
  return to;
}
JobUnroutable read(schema::JobUnroutable::Reader from) {
  JobUnroutable to;
  to.job = read_job_id("job_unroutable.job", from.getJob());
  codec::read(from.getDecision(), to.decision);
  return to;
}
CancelRequested read(schema::CancelRequested::Reader from) {
  return {read_job_id("cancel_requested.job", from.getJob()),
          read_document_text("cancel_requested.principal", from.getPrincipal())};
}
JobExpired read(schema::JobExpired::Reader from) {
  return {read_job_id("job_expired.job", from.getJob()),
          read_document_text("job_expired.reason", from.getReason())};
}
AttemptGranted read(schema::AttemptGranted::Reader from) {
  AttemptGranted to;
  codec::read(from.getAttempt(), to.attempt);
  return to;
}
AttemptRefused read(schema::AttemptRefused::Reader from) {
  AttemptRefused to;
  codec::read(from.getAttempt(), to.attempt);
  to.code = read_enum<RefusalCode>("attempt_refused.code", from.getCode());
  to.detail = read_report_text("attempt_refused.detail", from.getDetail());
  return to;
}
AttemptAdvanced read(schema::AttemptAdvanced::Reader from) {
  AttemptAdvanced to;
  codec::read(from.getAttempt(), to.attempt);
  to.phase = read_enum<AttemptPhase>("attempt_advanced.phase", from.getPhase());
  return to;
}
AttemptFinished read(schema::AttemptFinished::Reader from) {
  AttemptFinished to;
  codec::read(from.getAttempt(), to.attempt);
  codec::read(from.getReport(), to.report);
  return to;
}
AttemptLost read(schema::AttemptLost::Reader from) {
  AttemptLost to;
  codec::read(from.getAttempt(), to.attempt);
  to.reason = read_document_text("attempt_lost.reason", from.getReason());
  return to;
}
InviteIssued read(schema::InviteIssued::Reader from) {
  InviteIssued to;
  to.token_sha256 = read_sha256("invite_issued.token_sha256", from.getTokenSha256());
  to.site = SiteId{read_name("invite_issued.site", from.getSite())};
  to.units_max = from.getUnitsMax();
  to.expires = read_time("invite_issued.expires", from.getExpires());
  return to;
}
MemberChanged read(schema::MemberChanged::Reader from) {
  MemberChanged to;
  codec::read(from.getRecord(), to.record);
  to.token_sha256 = read_sha256("member_changed.token_sha256", from.getTokenSha256());
  to.cause = read_enum<MemberCause>("member_changed.cause", from.getCause());
  if (from.hasRenewal()) {
    to.renewal =
        read_bytes_exactly("member_changed.renewal", from.getRenewal(), limits::renewal_id_bytes);
  }
  read_values("member_changed.recoveries", from.getRecoveries(), limits::recoveries_kept_max,
              read_time, to.recoveries);
  to.recovery_allowed = from.getRecoveryAllowed();
  to.principal = read_document_text("member_changed.principal", from.getPrincipal());
  return to;
}
TrustChanged read(schema::TrustChanged::Reader from) {
  return {read_text("trust_changed.record", from.getRecord(), limits::trust_record_bytes_max)};
}
SiteQuarantined read(schema::SiteQuarantined::Reader from) {
  SiteQuarantined to;
  codec::read(from.getProof(), to.proof);
  return to;
}
MarketRecorded read(schema::MarketRecorded::Reader from) {
  MarketRecorded to;
  codec::read(from.getRecord(), to.record);
  return to;
}
RatesChanged read(schema::RatesChanged::Reader from) {
  constexpr std::string_view field = "rates_changed.rates";
  RatesChanged to;
  to.table.version = from.getVersion();
  to.table.accounting_currency =
      read_currency("rates_changed.accounting_currency", from.getAccountingCurrency());
  to.principal = read_document_text("rates_changed.principal", from.getPrincipal());
  if (from.getRates().size() > limits::rates_max) {
    over_limit(field, from.getRates().size(), limits::rates_max);
  }
  auto& rates = to.table.rates_ppm;
  for (const auto each : from.getRates()) {
    std::string currency = read_currency(field, each.getCurrency());
    if (!rates.empty() && currency <= rates.rbegin()->first) {
      broken(field, "has currencies that are not sorted or come twice");
    }
    rates.emplace_hint(rates.end(), std::move(currency),
                       in_range(field, each.getRate(), 1, limits::rate_ppm_max));
  }
  return to;
}

DatasetChanged read(schema::DatasetChanged::Reader from) {
  DatasetChanged to;
  to.name = read_name("dataset_changed.name", from.getName());
  to.principal = read_document_text("dataset_changed.principal", from.getPrincipal());
  if (from.hasDataset()) {
    codec::read(from.getDataset(), to.dataset.emplace());
    if (to.dataset->name != to.name) broken("dataset_changed.dataset", "has another name");
  }
  return to;
}

BudgetChanged read(schema::BudgetChanged::Reader from) {
  BudgetChanged to;
  to.tenant = TenantId{read_name("budget_changed.tenant", from.getTenant())};
  to.principal = read_document_text("budget_changed.principal", from.getPrincipal());
  if (!from.hasBudget()) return to;
  const auto budget = from.getBudget();
  to.budget = Budget{read_money("budget_changed.budget.limit", budget.getLimit()),
                     read_enum<BudgetPeriod>("budget_changed.budget.period", budget.getPeriod()),
                     budget.getVersion()};
  return to;
}

Entry read_entry(schema::JournalEntry::Reader from) {
  Entry to;
  to.at = read_time("entry.at", from.getAt());
  const auto body = from.getBody();
  switch (body.which()) {
    case Body::TERM_BEGAN: to.body = read(body.getTermBegan()); break;
    case Body::JOB_SUBMITTED: to.body = read(body.getJobSubmitted()); break;
    case Body::JOB_DECIDED: to.body = read(body.getJobDecided()); break;
    case Body::JOB_UNROUTABLE: to.body = read(body.getJobUnroutable()); break;
    case Body::CANCEL_REQUESTED: to.body = read(body.getCancelRequested()); break;
    case Body::JOB_EXPIRED: to.body = read(body.getJobExpired()); break;
    case Body::ATTEMPT_GRANTED: to.body = read(body.getAttemptGranted()); break;
    case Body::ATTEMPT_REFUSED: to.body = read(body.getAttemptRefused()); break;
    case Body::ATTEMPT_ADVANCED: to.body = read(body.getAttemptAdvanced()); break;
    case Body::ATTEMPT_FINISHED: to.body = read(body.getAttemptFinished()); break;
    case Body::ATTEMPT_LOST: to.body = read(body.getAttemptLost()); break;
    case Body::INVITE_ISSUED: to.body = read(body.getInviteIssued()); break;
    case Body::MEMBER_CHANGED: to.body = read(body.getMemberChanged()); break;
    case Body::DATASET_CHANGED: to.body = read(body.getDatasetChanged()); break;
    case Body::RATES_CHANGED: to.body = read(body.getRatesChanged()); break;
    case Body::JOBS_CLEARED: to.body = read(body.getJobsCleared()); break;
    case Body::MARKET_RECORDED: to.body = read(body.getMarketRecorded()); break;
    case Body::TRUST_CHANGED: to.body = read(body.getTrustChanged()); break;
    case Body::SITE_QUARANTINED: to.body = read(body.getSiteQuarantined()); break;
    case Body::BUDGET_CHANGED: to.body = read(body.getBudgetChanged()); break;
    default: unknown_kind("entry", static_cast<unsigned>(body.which()));
  }
  return to;
}

}  // namespace
}  // namespace codec

Bytes encode(const Entry& entry) {
  codec::Building building;
  auto root = building.root<schema::JournalEntry>();
  root.setAt(codec::micros_of(entry.at));
  std::visit(codec::WriteBody{root.initBody()}, entry.body);
  return codec::pack(building.finish());
}

Result<Entry> decode_entry(BytesView bytes) {
  constexpr std::string_view name = "entry";
  return codec::decode_either(name, bytes, limits::entry_bytes_max, [name](BytesView flat) {
    return codec::decode_message<schema::JournalEntry>(name, flat, limits::entry_bytes_max,
                                                       codec::read_entry);
  });
}

}  // namespace tradewind
