// The few things that are asked of Slurm, with what its answers mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/slurm_records.h"
#include "gateway/engines/slurm_rest.h"
#include "schemas/result.h"

namespace tradewind {

// Any thread; all calls block, for up to 45 s. Where Slurm cannot be reached they fail with
// ErrorCode::unavailable or, when it may have heard, maybe_delivered.
class SlurmClient {
 public:
  explicit SlurmClient(SlurmRest& rest) : rest_(rest) {}

  // The job's number. ErrorCode::refused when this job will never be taken: such a job is not there
  // afterwards. unavailable: it surely was not taken this time.
  Result<std::int64_t> submit(const std::string& document);
  // All jobs that Slurm knows; nothing when none has changed since `known`, in seconds since 1970.
  Result<std::optional<std::vector<SlurmJob>>> jobs(std::int64_t known);
  Result<std::vector<SlurmNode>> nodes();
  // If the number still names the job of that key: after a crash it may name somebody else's. Also
  // fine for a job that has ended or is not there.
  Status cancel(std::int64_t job, const std::string& key);

 private:
  Status cancel(std::int64_t job);
  SlurmRest& rest_;
};

}  // namespace tradewind
