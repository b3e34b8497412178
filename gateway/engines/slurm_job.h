// What is asked of Slurm for one attempt, as slurmrestd and sbatch want it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/shell_word.h"
#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/site.h"

namespace tradewind {

// Where a pool's nodes are in Slurm.
struct SlurmPool {
  Pool pool;                 // as it is sold
  std::string partition;     // "main"
  std::string features;      // only nodes that have it, such as "zen4"; empty: all of the partition
  std::string gres = "gpu";  // what an accelerator is called: "gpu", "gpu:a100"
  friend bool operator==(const SlurmPool&, const SlurmPool&) = default;
};

// On whose account a tenant's jobs run; empty: Slurm's own default.
struct SlurmAccount {
  std::string account;
  std::string qos;
  friend bool operator==(const SlurmAccount&, const SlurmAccount&) = default;
};

// How a job is known for sure: Slurm gives numbers out again after a crash.
struct SlurmKeys {
  std::string prefix;  // of this gateway's jobs alone
  std::string of(std::string_view attempt_name) const { return prefix + std::string(attempt_name); }
  // The attempt's name; empty when the job is not of this gateway.
  std::string_view attempt_name(std::string_view key) const {
    return key.starts_with(prefix) ? key.substr(prefix.size()) : std::string_view{};
  }
};

// What squeue and sacct show of the attempt's jobs as their name.
inline std::string slurm_job_name(std::string_view attempt_name) {
  return "tradewind-" + std::string(attempt_name);
}

struct SlurmJobRequest {
  std::string key;        // becomes the comment
  std::string name;       // of the attempt
  std::string directory;  // of the job's own output
  std::string command;    // a line of the shell
  std::uint64_t seconds_max = 0;
};

// What one attempt asks of Slurm: whole allocation units, as the site sells them.
struct SlurmSubmission {
  std::string name;
  std::string key;
  std::string directory;
  std::string output;   // of the job itself
  std::string command;  // a line of the shell
  std::string partition;
  std::string features;  // empty here and below: not asked for
  std::string gres;
  std::string account;
  std::string qos;
  std::uint64_t nodes = 1;
  std::uint64_t cpus = 0;        // of each node
  std::uint64_t memory_mib = 0;  // of each node
  std::uint64_t minutes_max = 0;
};
SlurmSubmission slurm_submission(const SlurmJobRequest& request, const Assignment& assignment,
                                 const SlurmPool& pool, const SlurmAccount& account);

// As slurmrestd wants it in v0.0.VERSION.
std::string slurm_document(const SlurmSubmission& submission, int version);
// As sbatch wants it: its options.
std::vector<std::string> sbatch_options(const SlurmSubmission& submission);

}  // namespace tradewind
