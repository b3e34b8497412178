// Rows of the job table.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {

static_assert(same_length<JobState>(schema::JobState::UNROUTABLE));
static_assert(same_length<AttemptState>(schema::AttemptState::LOST));

namespace {

// Granted ones and the refused ones that are kept; beside them those, hardly ever more than one,
// whose end was reported after they had been given up.
constexpr std::size_t kAttemptsMax = 1'024;
static_assert(kAttemptsMax > 2 * (limits::attempts_per_job_max + limits::refused_attempts_kept));

}  // namespace

void write(schema::AttemptRecord::Builder to, const AttemptRecord& from) {
  to.setNumber(from.number);
  to.setState(static_cast<schema::AttemptState>(from.state));
  write(to.initDecision(), from.decision);
  to.setDecided(micros_of(from.decided));
  to.setGranted(micros_of(from.granted));
  to.setStarted(micros_of(from.started));
  to.setOver(micros_of(from.over));
  to.setRefusal(static_cast<schema::RefusalCode>(from.refusal));
  put_text(to, &schema::AttemptRecord::Builder::setDetail, from.detail);
  if (from.report) write(to.initReport(), *from.report);
}
void read(schema::AttemptRecord::Reader from, AttemptRecord& to) {
  to.number = from.getNumber();
  to.state = read_enum<AttemptState>("attempt.state", from.getState());
  read(from.getDecision(), to.decision);
  to.decided = read_time("attempt.decided", from.getDecided());
  to.granted = read_time("attempt.granted", from.getGranted());
  to.started = read_time("attempt.started", from.getStarted());
  to.over = read_time("attempt.over", from.getOver());
  to.refusal = read_enum<RefusalCode>("attempt.refusal", from.getRefusal());
  to.detail = read_document_text("attempt.detail", from.getDetail());
  if (from.hasReport()) read(from.getReport(), to.report.emplace());
}

void write(schema::JobRecord::Builder to, const JobRecord& from) {
  using Builder = schema::JobRecord::Builder;
  put_text(to, &Builder::setJob, from.job.value);
  if (from.array) put_text(to, &Builder::setArray, from.array->value);
  to.setArrayIndex(from.array_index);
  to.setArrayCount(from.array_count);
  put_text(to, &Builder::setTenant, from.tenant.value);
  put_text(to, &Builder::setPrincipal, from.principal);
  write(to.initSpec(), from.spec);
  if (from.quote) write(to.initQuote(), *from.quote);
  to.setState(static_cast<schema::JobState>(from.state));
  to.setSubmitted(micros_of(from.submitted));
  to.setEnded(micros_of(from.ended));
  to.setCancelRequested(from.cancel_requested);
  to.setAttemptsCount(from.attempts_count);
  to.setAttemptsGranted(from.attempts_granted);
  put_list(to, &Builder::initAttempts, from.attempts);
  if (from.unplaced) write(to.initUnplaced(), *from.unplaced);
  put_text(to, &Builder::setEndReason, from.end_reason);
  to.setCharged(from.charged.micros);
}
void read(schema::JobRecord::Reader from, JobRecord& to) {
  to.job = read_job_id("job.id", from.getJob());
  if (from.hasArray()) to.array = read_job_id("job.array", from.getArray());
  to.array_index = from.getArrayIndex();
  to.array_count = from.getArrayCount();
  to.tenant = TenantId{read_name("job.tenant", from.getTenant())};
  to.principal = read_document_text("job.principal", from.getPrincipal());
  read(from.getSpec(), to.spec);
  if (from.hasQuote()) read(from.getQuote(), to.quote.emplace());
  to.state = read_enum<JobState>("job.state", from.getState());
  to.submitted = read_time("job.submitted", from.getSubmitted());
  to.ended = read_time("job.ended", from.getEnded());
  to.cancel_requested = from.getCancelRequested();
  to.attempts_count = from.getAttemptsCount();
  to.attempts_granted = from.getAttemptsGranted();
  read_list("job.attempts", from.getAttempts(), kAttemptsMax, to.attempts);
  if (from.hasUnplaced()) read(from.getUnplaced(), to.unplaced.emplace());
  to.end_reason = read_document_text("job.end_reason", from.getEndReason());
  to.charged = read_money("job.charged", from.getCharged());
}

}  // namespace codec

namespace {

// DO NOT CHANGE: it is on disk. No record begins so: packed, its first word has no byte but those
// of its first segment's length, of which the last is zero; flat, it begins with the count of its
// segments.
constexpr char kSubmitted = '\xff';

}  // namespace

Bytes encode(const JobRecord& record) {
  return codec::pack(codec::encode_message<schema::JobRecord>(record));
}

Bytes submitted_row(const Entry& submission) {
  TRADEWIND_ASSERT(std::get<JobSubmitted>(submission.body).spec.array_count == 0);
  Bytes row(1, kSubmitted);
  row += encode(submission);
  return row;
}

std::optional<BytesView> submission_of_row(BytesView row) {
  if (!row.starts_with(kSubmitted)) return std::nullopt;
  return row.substr(1);
}

Result<JobRecord> decode_job_record(BytesView bytes) {
  constexpr std::string_view name = "job record";
  if (const auto submission = submission_of_row(bytes)) {
    auto entry = decode_entry(*submission);
    if (!entry) return fail(std::move(entry.error()));
    auto* const submitted = std::get_if<JobSubmitted>(&entry->body);
    if (submitted == nullptr || submitted->spec.array_count != 0) {
      return fail(ErrorCode::corrupt, std::string(name),
                  "is of an entry that submits no single job");
    }
    return submitted_job(std::move(*submitted), entry->at);
  }
  return codec::decode_either(name, bytes, limits::job_record_bytes_max, [name](BytesView flat) {
    return codec::decode_value<schema::JobRecord, JobRecord>(name, flat,
                                                             limits::job_record_bytes_max);
  });
}

}  // namespace tradewind
