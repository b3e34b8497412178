#include "broker/audit/replay.h"

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <utility>
#include <variant>

#include "broker/audit/decision_text.h"
#include "broker/audit/difference.h"
#include "broker/audit/json_read.h"
#include "broker/audit/json_text.h"
#include "broker/audit/leaf_type.h"
#include "broker/audit/spec_text.h"
#include "broker/jobs/fold.h"
#include "schemas/codec.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "state/identity/records.h"
#include "state/transparency/limits.h"

namespace tradewind {
namespace {

constexpr std::string_view kDataMember = ",\"data\":";

tl::unexpected<Error> bad_leaf(std::uint64_t index, const std::string& field,
                               const std::string& what) {
  return fail(ErrorCode::corrupt,
              "leaf " + std::to_string(index) + (field.empty() ? "" : " ") + field, what,
              "the log is no broker's, or by a version that this program does not know");
}

// The data as it stands in the event, which ends with it.
std::string_view inline_data(BytesView event) {
  const auto at = event.find(kDataMember);
  if (at == BytesView::npos) return {};
  event.remove_prefix(at + kDataMember.size());
  event.remove_suffix(1);
  return event;
}

void read_version(const std::optional<JsonMembers>& in, RecordVersion& version) {
  if (!in) return;
  version.epoch = in->number<std::uint64_t>("epoch");
  version.version = in->number<std::uint64_t>("version");
}

ReliedOn read_relied_on(const JsonMembers& in) {
  ReliedOn relied_on;
  relied_on.site.value = in.text("site");
  read_version(in.object("site_record"), relied_on.site_version);
  read_version(in.object("quote_sheet"), relied_on.quote_version);
  relied_on.quote_valid_until = in.time("quote_valid_until").value_or(Wall::time_point{});
  return relied_on;
}

QuoteTerms read_quote(const JsonMembers& in) {
  QuoteTerms quote;
  quote.id = in.text("id");
  quote.total = Money{in.micros("total")};
  quote.pool.value = in.text("pool");
  quote.price_ppm = in.number<std::int64_t>("price_ppm");
  if (const auto relied_on = in.object("relied_on")) quote.relied_on = read_relied_on(*relied_on);
  return quote;
}

std::vector<SiteId> read_sites(const JsonMembers& in, std::string_view name) {
  std::vector<SiteId> sites;
  for (std::string& each : in.texts(name)) sites.push_back(SiteId{std::move(each)});
  return sites;
}

// What the decision rests on besides market and job, and what it takes from the market.
Decision read_frame(const JsonMembers& in) {
  Decision decision;
  decision.decided_at = in.time("decided_at").value_or(Wall::time_point{});
  decision.tolerance_ppm = in.number<std::int64_t>("tolerance_ppm");
  decision.spare_units = in.number<std::uint32_t>("spare_units");
  decision.rates_version = in.number<std::uint64_t>("rates_version");
  decision.excluded = read_sites(in, "excluded");
  if (const auto clearing = in.object("clearing")) {
    decision.clearing = ClearedWith{clearing->number<std::uint32_t>("jobs"),
                                    clearing->number<std::int64_t>("margin")};
  }
  if (const auto chosen = in.object("chosen")) {
    decision.outcome = Outcome::placed;
    Candidate& candidate = decision.chosen.emplace();
    candidate.site.value = chosen->text("site");
    candidate.pool.value = chosen->text("pool");
    candidate.preemptible = chosen->flag("preemptible");
    candidate.nodes = chosen->number<std::uint32_t>("nodes");
    candidate.units = chosen->number<std::uint32_t>("units_per_node");
    if (const auto contract = chosen->object("contract")) {
      candidate.contract.value = contract->text("id");
      candidate.contract_units = contract->number<std::uint32_t>("units");
    }
    if (std::uint64_t{candidate.nodes} * candidate.units < candidate.contract_units ||
        std::uint64_t{candidate.nodes} * candidate.units > UINT32_MAX) {
      in.fault("chosen", "takes more units than there can be");
    }
  }
  return decision;
}

template <class Enum>
std::optional<Enum> named(std::string_view name, std::uint16_t count) {
  for (std::uint16_t value = 0; value < count; ++value) {
    if (to_string(static_cast<Enum>(value)) == name) return static_cast<Enum>(value);
  }
  return std::nullopt;
}

bool names_tenants(const SiteRecord& site) {
  return !site.policy.tenants_allowed.empty() || !site.policy.tenants_denied.empty() ||
         !site.contracts.empty();
}

// A task's submission has its id up to the dash.
JobId submission_of(const JobId& job) {
  return JobId{job.value.substr(0, job.value.find('-'))};
}

}  // namespace

// A leaf, read.
struct Replayer::Event {
  std::uint64_t index = 0;
  std::string_view type;
  std::string_view subject;
  std::string_view tenant;
  std::string_view reason;
  Wall::time_point at{};
  std::string_view data_text;
  JsonMembers data;
};

Replayer::Replayer(Options options, Readers readers, Tell tell)
    : readers_(std::move(readers)), tell_(std::move(tell)), signers_(std::move(options.trust)) {}

Replayer::~Replayer() = default;

Status Replayer::fold(BytesView bytes) {
  const std::uint64_t index = next_;
  // Nearly all leaves are small: nothing is allocated for them.
  json::monotonic_resource memory(memory_.data(), memory_.size());
  const auto document = read_json("", bytes, &memory);
  if (!document) return bad_leaf(index, "", document.error().message);
  std::optional<Error> error;
  const JsonMembers envelope(document->get_object(), error);
  if (envelope.view("id") != std::to_string(index)) {
    return bad_leaf(index, "id", "\"" + envelope.text("id").substr(0, 40) + "\" is not its index");
  }
  const auto recorded = envelope.time("recordedtime");
  if (!recorded || *recorded < recorded_) {
    return bad_leaf(index, "recordedtime", "is missing, or earlier than that of the leaf before");
  }
  recorded_ = *recorded;

  json::value elsewhere;
  Bytes elsewhere_text;
  std::optional<JsonMembers> data;
  if (const std::string_view digest = envelope.view("datasha256"); !digest.empty()) {
    auto text = readers_.data(digest);
    if (!text) return fail(std::move(text.error()));
    if (hex(sha256(*text)) != digest) {
      return bad_leaf(index, "datasha256", "is not that of the data " + std::string(digest));
    }
    elsewhere_text = std::move(*text);
    auto parsed = read_json("data", elsewhere_text);
    if (!parsed) return bad_leaf(index, "data", parsed.error().message);
    elsewhere = std::move(*parsed);
    data = JsonMembers(elsewhere.get_object(), error);
  } else {
    data = envelope.object("data");
  }
  if (!data) return bad_leaf(index, "data", "is missing");
  const Event event{index,
                    envelope.view("type"),
                    envelope.view("subject"),
                    envelope.view("tenant"),
                    envelope.view("reason"),
                    *recorded,
                    elsewhere_text.empty() ? inline_data(bytes) : std::string_view(elsewhere_text),
                    *data};
  if (router_) router_->pass(event.at);
  if (Status folded = fold(event); !folded) return folded;
  if (error) return bad_leaf(index, error->field, error->message);
  ++next_;
  ++counts_.leaves;
  return ok();
}

Status Replayer::fold(const Event& event) {
  // The decisions of a clearing follow it at once.
  if (clearing_ && event.type != leaf_type::decided) end_clearing();
  if (event.type == leaf_type::term_began) return term_began();
  if (event.type == leaf_type::rates_changed) return rates_changed(event);
  if (event.type == leaf_type::market_recorded) return market_recorded(event);
  if (event.type == leaf_type::quarantined) return quarantined(event);
  if (event.type == leaf_type::member_changed) return member_changed(event);
  if (event.type == leaf_type::trust_changed) return trust_changed(event);
  if (event.type == leaf_type::submitted) return submitted(event);
  if (event.type == leaf_type::decided) return decided(event);
  if (event.type == leaf_type::unroutable) return unroutable(event);
  if (event.type == leaf_type::cleared) return cleared(event);
  const auto attempt = parse_attempt(event.subject);
  if (event.type == leaf_type::granted) {
    return answered(event, true, AttemptGranted{attempt.value_or(AttemptId{})});
  }
  if (event.type == leaf_type::refused) {
    const auto code = named<RefusalCode>(event.reason, refusal_codes_count);
    if (!code) return bad_leaf(event.index, "reason", "is no refusal of an attempt");
    return answered(event, false, AttemptRefused{attempt.value_or(AttemptId{}), *code, {}});
  }
  if (event.type == leaf_type::advanced) {
    const auto phase = named<AttemptPhase>(event.reason, attempt_phases_count);
    if (!phase) return bad_leaf(event.index, "reason", "is no phase of an attempt");
    return over(event, AttemptAdvanced{attempt.value_or(AttemptId{}), *phase});
  }
  if (event.type == leaf_type::lost) {
    return over(event, AttemptLost{attempt.value_or(AttemptId{}), {}});
  }
  if (event.type == leaf_type::ended) {
    const auto code = named<EndCode>(event.reason, end_codes_count);
    if (!code) return bad_leaf(event.index, "reason", "is no end of an attempt");
    AttemptFinished finished{attempt.value_or(AttemptId{}), {}};
    finished.report.code = *code;
    finished.report.charge = Money{event.data.micros("charge")};
    finished.report.started = event.data.flag("started");
    return over(event, std::move(finished));
  }
  if (event.type == leaf_type::expired)
    return over(event, JobExpired{JobId{std::string(event.subject)}, {}});
  if (event.type == leaf_type::cancel_requested) {
    return over(event, CancelRequested{JobId{std::string(event.subject)}, {}});
  }
  // Of others no decision depends. A type that nobody knows may be one of a later version, on which
  // decisions depend.
  if (event.type == leaf_type::invited || event.type == leaf_type::dataset_changed ||
      event.type == leaf_type::budget_changed || event.type == leaf_type::trust_changed) {
    return ok();
  }
  return bad_leaf(event.index, "type",
                  "\"" + std::string(event.type.substr(0, 80)) + "\" is not known");
}

// A broker that starts knows of the market what comes to it then, and of its own dispatches those
// that have no answer.
Status Replayer::term_began() {
  router_ = std::make_unique<MarketRouter>(RouteOptions{});
  router_->set_rates(rates_);
  router_->pass(recorded_);
  tenants_matter_ = false;
  for (const auto& [id, job] : jobs_) {
    const AttemptRecord* const attempt = live_attempt(job);
    if (attempt == nullptr || attempt->state != AttemptState::dispatching) continue;
    router_->placed(AttemptId{id, attempt->number}, *attempt->decision.chosen);
  }
  return ok();
}

Status Replayer::rates_changed(const Event& event) {
  RateTable table;
  table.version = event.data.number<std::uint64_t>("version");
  table.accounting_currency = event.data.text("accounting_currency");
  for (const JsonMembers& each : event.data.objects("rates")) {
    table.rates_ppm[each.text("currency")] = each.micros("rate");
  }
  if (const Status good = check_rates(table); !good) {
    return bad_leaf(event.index, good.error().field, good.error().message);
  }
  rates_ = std::move(table);
  if (router_) router_->set_rates(rates_);
  return ok();
}

// The signed record that stands there.
Result<SignedRecord> Replayer::record_in(const Event& event, const JsonMembers& data) {
  auto body = base64_decode("body", data.view("body"));
  auto signature = base64_decode("signature", data.view("signature"));
  if (!body || !signature) return bad_leaf(event.index, "data", "holds no signed record");
  return SignedRecord{std::move(*body), std::move(*signature)};
}

// That it is signed by whom it must be: the registry, or the subject.
Status Replayer::check_signature(const Event& event, const SignedRecord& record,
                                 const RecordHeader& header) {
  if (!signers_.known()) return ok();
  if (const Status good = signers_.check(record, header); !good) {
    return bad_leaf(event.index, good.error().field, good.error().message);
  }
  ++counts_.signatures;
  return ok();
}

Result<Record> Replayer::signed_record(const Event& event) {
  const auto signed_record = record_in(event, event.data);
  if (!signed_record) return fail(signed_record.error());
  auto record = decode_record(signed_record->body);
  if (!record) return bad_leaf(event.index, record.error().field, record.error().message);
  if (const Status good = check_signature(event, *signed_record, record->header); !good) {
    return fail(good.error());
  }
  if (const auto* member = std::get_if<Member>(&record->body); member != nullptr) {
    signers_.learn(*member, record->header.issued);
  }
  return record;
}

Status Replayer::quarantined(const Event& event) {
  if (!router_) return bad_leaf(event.index, "type", "comes before any term");
  Equivocation proof;
  for (const auto& [name, record] :
       {std::pair("first", &proof.first), std::pair("second", &proof.second)}) {
    const auto data = event.data.object(name);
    if (!data) return bad_leaf(event.index, "data", "holds no two signed records");
    auto read = record_in(event, *data);
    if (!read) return fail(read.error());
    *record = std::move(*read);
  }
  const auto header = header_of(proof);
  if (!header) return bad_leaf(event.index, "data", header.error().message);
  for (const SignedRecord* each : {&proof.first, &proof.second}) {
    if (const Status good = check_signature(event, *each, *header); !good) return good;
  }
  const auto site = site_of(header->subject);
  if (!site) return bad_leaf(event.index, "data", "is of no site");
  router_->quarantine(*site);
  return ok();
}

Status Replayer::member_changed(const Event& event) {
  const auto record = signed_record(event);
  if (!record) return fail(record.error());
  return ok();
}

Status Replayer::trust_changed(const Event& event) {
  auto trust = parse_trust(event.data.text("record"));
  if (!trust) return bad_leaf(event.index, "data.record", trust.error().message);
  if (const Status next = signers_.learn(std::move(*trust)); !next) {
    return bad_leaf(event.index, "data.record", next.error().message);
  }
  return ok();
}

Status Replayer::market_recorded(const Event& event) {
  const auto record = signed_record(event);
  if (!record) return fail(record.error());
  if (!router_) return bad_leaf(event.index, "type", "comes before any term");
  if (const auto* site = std::get_if<SiteRecord>(&record->body)) {
    tenants_matter_ = tenants_matter_ || names_tenants(*site);
  }
  router_->accept(*record);
  return ok();
}

Status Replayer::submitted(const Event& event) {
  JobSubmitted submission;
  submission.job = JobId{std::string(event.subject)};
  if (!is_job_id(event.subject) || submission_of(submission.job) != submission.job) {
    return bad_leaf(event.index, "subject", "is no id of a submission");
  }
  if (submissions_.contains(submission.job)) {
    return bad_leaf(event.index, "subject", "was submitted before");
  }
  const auto spec = event.data.object("spec");
  if (!spec) return bad_leaf(event.index, "data.spec", "is missing");
  submission.spec = read_spec(*spec);
  if (!spec->good()) return ok();  // the caller tells
  if (submission.spec.array_count > limits::array_tasks_max) {
    return bad_leaf(event.index, "data.spec.array_count", "is too large");
  }
  if (const auto quote = event.data.object("quote")) submission.quote = read_quote(*quote);
  Submitted known;
  known.index = event.index;
  known.pseudonym.value = std::string(event.tenant);
  if (const auto commitments = event.data.object("commitments")) {
    known.commitment = commitments->text("tenant");
  }
  std::vector<JobRecord> jobs = jobs_of(submission, event.at);
  tasks_[submission.job] = jobs.size();
  submissions_.emplace(submission.job, std::move(known));
  for (JobRecord& each : jobs) {
    JobId id = each.job;
    jobs_.emplace(std::move(id), std::move(each));
  }
  return ok();
}

// Of the tenant the log only tells a pseudonym, which tells tenants apart. Where sites name
// tenants, the name is needed.
Status Replayer::name_tenant(JobRecord& job) {
  Submitted& known = submissions_.at(submission_of(job.job));
  job.tenant = tenants_matter_ ? known.tenant : known.pseudonym;
  if (!tenants_matter_ || !known.tenant.value.empty()) return ok();
  const std::string where = "leaf " + std::to_string(known.index);
  const auto opening = readers_.opening(known.index);
  if (!opening) return fail(opening.error());
  const auto document = read_json("opening", *opening);
  if (!document) return fail(document.error());
  std::optional<Error> error;
  const auto openings = JsonMembers(document->get_object(), error).object("openings");
  const auto tenant = openings ? openings->object("tenant") : std::nullopt;
  const std::string value = tenant ? tenant->text("value") : std::string();
  const auto salt = hex_decode("salt", tenant ? tenant->text("salt") : std::string());
  if (!salt || hex(sha256(*salt + value)) != known.commitment) {
    return fail(ErrorCode::corrupt, where,
                "the opening of the tenant is not what the leaf commits to",
                "ask for the opening again; the log itself may be sound");
  }
  // A JSON document: a text that needs no escapes.
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') {
    return fail(ErrorCode::corrupt, where, "its tenant has no name");
  }
  known.tenant.value = value.substr(1, value.size() - 2);
  job.tenant = known.tenant;
  return check_name("tenant", job.tenant.value);
}

JobRecord* Replayer::find(const JobId& job) {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second;
}

Status Replayer::decided(const Event& event) {
  const auto attempt = parse_attempt(event.subject);
  JobRecord* const job = attempt ? find(attempt->job) : nullptr;
  const auto logged_text = event.data.object("decision");
  if (job == nullptr || !logged_text || !router_) {
    return bad_leaf(event.index, "subject", "is an attempt of no job that is live");
  }
  Decision logged = read_frame(*logged_text);
  if (!logged_text->good()) return ok();
  if (!logged.chosen || attempt->number != job->attempts_count + 1 ||
      live_attempt(*job) != nullptr) {
    return bad_leaf(event.index, "subject", "is no attempt that could be made then");
  }
  for (const JobId& other : job->spec.after) {
    if (!jobs_.contains(other) && !tasks_.contains(other)) continue;
    return bad_leaf(event.index, "subject",
                    "is of a job that comes after " + other.value + ", which has not succeeded");
  }
  if (Status named = name_tenant(*job); !named) return named;
  if (!logged.clearing && clearing_) end_clearing();
  std::optional<Decision> replayed = place(*job, logged);
  compare(event, replayed);
  // What was decided is what took room, right or wrong.
  const Candidate chosen = *logged.chosen;
  apply_to(*job, event, JobDecided{*attempt, std::move(logged)});
  router_->placed(*attempt, chosen);
  return ok();
}

std::optional<Decision> Replayer::place(const JobRecord& job, const Decision& logged) {
  if (logged.rates_version != rates_.version) return std::nullopt;
  if (logged.clearing) return place_by_clearing(job, logged);
  return router_->decide_with(margins_of(logged), job, logged.excluded, Now{{}, logged.decided_at});
}

std::optional<Decision> Replayer::place_by_clearing(const JobRecord& job, const Decision& logged) {
  if (!clearing_) return std::nullopt;
  if (!clearing_->made) {
    clearing_->made = true;
    std::vector<JobToClear> jobs;
    for (const JobsCleared::Job& each : clearing_->cleared.jobs) {
      JobRecord* const one = find(each.job);
      if (one == nullptr || !name_tenant(*one)) return std::nullopt;
      jobs.push_back({one, each.excluded, {}});
    }
    clearing_->placed = router_->clear_with(margins_of(logged), jobs, Now{{}, logged.decided_at});
  }
  if (clearing_->next == clearing_->placed.size()) return std::nullopt;
  JobPlaced& placed = clearing_->placed[clearing_->next++];
  if (clearing_->cleared.jobs[placed.job].job != job.job) return std::nullopt;
  return std::move(placed.decision);
}

Status Replayer::cleared(const Event& event) {
  Clearing clearing;
  for (const JsonMembers& each : event.data.objects("jobs")) {
    clearing.cleared.jobs.push_back({JobId{each.text("job")}, read_sites(each, "excluded")});
  }
  if (clearing.cleared.jobs.size() > limits::jobs_cleared_max) {
    return bad_leaf(event.index, "data.jobs", "are too many");
  }
  clearing_ = std::move(clearing);
  return ok();
}

// A clearing that gives more jobs a place than the log says is a difference too.
void Replayer::end_clearing() {
  if (clearing_->made && clearing_->next < clearing_->placed.size()) {
    const JobPlaced& missing = clearing_->placed[clearing_->next];
    ++counts_.different;
    Replayed told;
    told.index = next_;
    told.subject = clearing_->cleared.jobs[missing.job].job.value;
    told.same = false;
    told.where = "decision";
    told.replayed = missing.decision.chosen->site.value + "/" + missing.decision.chosen->pool.value;
    tell_(told);
  }
  clearing_.reset();
}

Status Replayer::unroutable(const Event& event) {
  JobRecord* const job = find(JobId{std::string(event.subject)});
  const auto logged_text = event.data.object("decision");
  if (job == nullptr || !logged_text || !router_) {
    return bad_leaf(event.index, "subject", "is no job that is live");
  }
  const Decision logged = read_frame(*logged_text);
  if (!logged_text->good()) return ok();
  if (Status named = name_tenant(*job); !named) return named;
  compare(event, router_->explain_with(margins_of(logged), *job, logged.excluded,
                                       Now{{}, logged.decided_at}));
  apply_to(*job, event, JobUnroutable{job->job, logged});
  return ok();
}

void Replayer::compare(const Event& event, const std::optional<Decision>& replayed) {
  ++counts_.decisions;
  Replayed told;
  told.index = event.index;
  told.subject = std::string(event.subject);
  std::string again;
  if (replayed) {
    JsonText text;
    text.open();
    write(text, "decision", *replayed);
    text.close();
    again = text.take();
  }
  told.same = again == event.data_text;
  if (!told.same) {
    ++counts_.different;
    const Difference first = first_difference(event.data_text, again.empty() ? "{}" : again);
    told.where = first.where;
    told.logged = first.left;
    told.replayed = first.right;
  }
  tell_(told);
}

Status Replayer::answered(const Event& event, bool granted, decltype(Entry::body) body) {
  const auto attempt = parse_attempt(event.subject);
  JobRecord* const job = attempt ? find(attempt->job) : nullptr;
  const AttemptRecord* const live = job != nullptr ? live_attempt(*job) : nullptr;
  if (live == nullptr || live->number != attempt->number || !router_ ||
      live->state != AttemptState::dispatching) {
    return bad_leaf(event.index, "subject", "is no attempt that waits for its site's answer");
  }
  const Candidate chosen = *live->decision.chosen;
  router_->settled(*attempt, chosen, granted);
  apply_to(*job, event, std::move(body));
  return ok();
}

// Entries after which an attempt or a job may be over.
Status Replayer::over(const Event& event, decltype(Entry::body) body) {
  const auto attempt = parse_attempt(event.subject);
  JobRecord* const job = find(attempt ? attempt->job : JobId{std::string(event.subject)});
  if (job == nullptr || !router_) {
    return bad_leaf(event.index, "subject", "is no job that is live, nor an attempt of one");
  }
  const AttemptRecord* const live = live_attempt(*job);
  if (attempt && live != nullptr && live->number == attempt->number) {
    const Candidate chosen = *live->decision.chosen;
    if (std::holds_alternative<AttemptFinished>(body)) {
      router_->ended(*attempt, chosen);
    } else if (std::holds_alternative<AttemptLost>(body) &&
               live->state == AttemptState::dispatching) {
      router_->settled(*attempt, chosen, false);
    }
  }
  apply_to(*job, event, std::move(body));
  return ok();
}

void Replayer::apply_to(JobRecord& job, const Event& event, decltype(Entry::body) body) {
  const Entry entry{event.at, std::move(body)};
  router_->recorded(job, entry);
  apply(job, entry);
  if (!is_final(job.state)) return;
  const JobId submission = submission_of(job.job);
  jobs_.erase(JobId(job.job));
  if (--tasks_.at(submission) > 0) return;
  tasks_.erase(submission);
  submissions_.erase(submission);
}

void Replayer::finish() {
  if (clearing_) end_clearing();
}

}  // namespace tradewind
