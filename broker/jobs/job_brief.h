// What of a live job is at hand at all times, while its record lies packed.
#pragma once

#include <cstdint>

#include "broker/jobs/job_number.h"
#include "broker/jobs/shape.h"
#include "schemas/ids.h"
#include "schemas/journal.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct JobBrief {
  JobNumber number;
  Shape shape;  // without exclusions
  Shape demand;
  Wall::time_point submitted{};
  std::int32_t priority = 0;
  std::uint32_t queue_seconds_max = 0;  // as in the spec; at most limits::seconds_max
  std::uint32_t total_seconds_max = 0;
  bool comes_after = false;     // spec.after names jobs
  bool outlasts_lease = false;  // on_disconnect is `resume`
  // These change with the record.
  bool cancel_requested = false;
  bool has_attempt = false;  // one that may still run
  bool has_ended = false;
  std::uint32_t attempts_count = 0;

  JobId job() const { return job_id(number); }
  void follow(const JobRecord& record);
};

// Of a job of which there is nothing but its submission, not an array.
JobBrief brief_of(const JobSubmitted& submission, Wall::time_point at, const Shape& shape,
                  const Shape& demand);
// The shape and the demand are those of the record's spec, which all tasks of an array share.
JobBrief brief_of(const JobRecord& record, const Shape& shape, const Shape& demand);

// A quote makes a job's budget and price its own.
Shape shape_of_record(const JobRecord& record);

// A live job as it is recovered. Making one costs some ten microseconds, and may be done on any
// thread.
struct StoredJob {
  StoredJob(const JobRecord& record);  // NOLINT: a record is one
  // A row of the job table. Fails as decode_job_record does.
  static Result<StoredJob> read(Bytes row);

  Bytes row;
  TenantId tenant;
  JobBrief brief;

 private:
  StoredJob(const JobRecord& record, Bytes row);
};

}  // namespace tradewind
