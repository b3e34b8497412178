// The few things that are asked of Slurm, whichever way it is spoken to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engines/slurm_job.h"
#include "gateway/engines/slurm_records.h"
#include "schemas/result.h"

namespace tradewind {

// Any thread; all calls block, for up to 45 s. Where Slurm cannot be reached they fail with
// ErrorCode::unavailable or, when it may have heard, maybe_delivered.
class SlurmClient {
 public:
  virtual ~SlurmClient() = default;

  // Calls on their way end soon, and those that come fail: all as maybe_delivered.
  virtual void stop() = 0;

  // Whether there is a Slurm that this program can speak to. To be called before the others, and
  // again after they fail. ErrorCode::invalid when there is one and it speaks otherwise.
  virtual Status open() = 0;
  // The job's number. ErrorCode::refused when this job will never be taken: such a job is not there
  // afterwards. unavailable: it surely was not taken this time.
  virtual Result<std::int64_t> submit(const SlurmSubmission& submission) = 0;
  // All jobs that Slurm knows; nothing when none has changed since `known`, in seconds since 1970.
  virtual Result<std::optional<std::vector<SlurmJob>>> jobs(std::int64_t known) = 0;
  virtual Result<std::vector<SlurmNode>> nodes() = 0;
  // What accounting has of the jobs that had this number, of any user; nothing where none is kept.
  virtual Result<std::optional<std::vector<SlurmRecord>>> records(std::int64_t job) = 0;
  // If the number still names the job of that key: after a crash it may name somebody else's. Also
  // fine for a job that has ended or is not there.
  virtual Status cancel(std::int64_t job, const std::string& key) = 0;
};

// How a Slurm is reached.
struct SlurmAccess {
  std::string url;         // of slurmrestd, "http://127.0.0.1:6820"; empty: by Slurm's own commands
  std::string user;        // the account that the gateway runs as, and whom a token is for
  std::string token_file;  // one of the two, with a url
  std::string token_command;
  std::string commands;  // without a url: the folder of sbatch, squeue…; empty: as PATH has them
};

std::unique_ptr<SlurmClient> make_slurm_client(const SlurmAccess& access);

}  // namespace tradewind
