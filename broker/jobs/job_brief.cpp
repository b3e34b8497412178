#include "broker/jobs/job_brief.h"

#include <algorithm>
#include <utility>

#include "broker/jobs/fold.h"
#include "schemas/assert.h"
#include "schemas/codec.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

std::uint32_t seconds(std::uint64_t stated) {
  return static_cast<std::uint32_t>(std::min(stated, limits::seconds_max));
}

JobBrief brief_of(const JobId& job, const JobSpec& spec, Wall::time_point submitted,
                  const Shape& shape, const Shape& demand) {
  const auto number = job_number(job);
  TRADEWIND_ASSERT(number);
  JobBrief brief;
  brief.number = *number;
  brief.shape = shape;
  brief.demand = demand;
  brief.submitted = submitted;
  brief.priority = spec.priority;
  brief.queue_seconds_max = seconds(spec.queue_seconds_max);
  brief.total_seconds_max = seconds(spec.total_seconds_max);
  brief.comes_after = !spec.after.empty();
  brief.outlasts_lease = spec.on_disconnect == OnDisconnect::resume;
  return brief;
}

}  // namespace

void JobBrief::follow(const JobRecord& record) {
  cancel_requested = record.cancel_requested;
  has_attempt = live_attempt(record) != nullptr;
  has_ended = is_final(record.state);
  attempts_count = record.attempts_count;
}

JobBrief brief_of(const JobSubmitted& submission, Wall::time_point at, const Shape& shape,
                  const Shape& demand) {
  return brief_of(submission.job, submission.spec, at, shape, demand);
}

JobBrief brief_of(const JobRecord& record, const Shape& shape, const Shape& demand) {
  JobBrief brief = brief_of(record.job, record.spec, record.submitted, shape, demand);
  brief.follow(record);
  return brief;
}

Shape shape_of_record(const JobRecord& record) {
  const Shape shape = shape_of(record.tenant, record.spec);
  return record.quote ? shape_alone(shape, record.job) : shape;
}

StoredJob::StoredJob(const JobRecord& record) : StoredJob(record, encode(record)) {}

StoredJob::StoredJob(const JobRecord& record, Bytes row)
    : row(std::move(row)),
      tenant(record.tenant),
      brief(brief_of(record, shape_of_record(record), demand_of(record.spec))) {}

Result<StoredJob> StoredJob::read(Bytes row) {
  const auto record = decode_job_record(row);
  if (!record) return fail(record.error());
  return StoredJob(*record, std::move(row));
}

}  // namespace tradewind
