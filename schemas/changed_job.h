// A job that entries changed, as it is after them: what a table keeps of it, and its record.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "schemas/codec.h"
#include "schemas/ids.h"
#include "schemas/journal.h"

namespace tradewind {

// One thread.
class ChangedJob {
 public:
  ChangedJob(JobRecord changed)  // NOLINT: a record is one
      : ChangedJob(std::make_shared<const JobRecord>(std::move(changed))) {}
  explicit ChangedJob(std::shared_ptr<const JobRecord> changed)
      : job(changed->job),
        tenant(changed->tenant),
        array(changed->array),
        state(changed->state),
        row(encode(*changed)),
        record_(std::move(changed)) {}
  // Of a job of which there is nothing but its submission.
  ChangedJob(const JobSubmitted& submission, Bytes submitted_row)
      : job(submission.job), tenant(submission.tenant), row(std::move(submitted_row)) {}

  // Read from the row where that is all there is.
  const JobRecord& operator*() const {
    if (!record_) record_ = std::make_shared<const JobRecord>(decode_job_record(row).value());
    return *record_;
  }
  const JobRecord* operator->() const { return &**this; }

  // Of the record, for those who need no more.
  JobId job;
  TenantId tenant;
  std::optional<JobId> array;
  JobState state = JobState::queued;
  Bytes row;  // that decode_job_record reads

 private:
  mutable std::shared_ptr<const JobRecord> record_;
};

}  // namespace tradewind
