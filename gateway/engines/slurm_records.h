// What slurmrestd says of jobs and nodes, and of jobs in accounting, read. Shapes of the versions
// v0.0.36 to v0.0.42, whichever stands there.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/engines/slurm_words.h"
#include "schemas/result.h"

namespace tradewind {

struct SlurmJob {
  std::int64_t id = 0;
  std::string key;  // the comment
  std::string partition;
  SlurmState state = SlurmState::running;
  std::string word;    // the state as it stands there
  std::string reason;  // why it waits, or ended
  std::int64_t wait_status = 0;
  // In seconds since 1970; 0: unknown. Of a waiting job `start` is when Slurm expects it to, of a
  // running one `end` is when its time limit is over.
  std::int64_t submitted = 0;
  std::int64_t start = 0;
  std::int64_t end = 0;
};

// What Slurm's accounting has of a job.
struct SlurmRecord {
  SlurmJob job;  // its key only where the cluster keeps comments (AccountingStoreFlags); an `end`
                 // of 0: it has not ended, or that has not come here yet
  std::string name;
  std::string user;
  std::uint64_t cpu_milliseconds = 0;   // of all steps
  std::uint64_t memory_peak_bytes = 0;  // of the step with the most
};

struct SlurmNode {
  std::string name;
  std::string architecture;  // as uname says it: "x86_64"
  std::vector<std::string> partitions;
  std::vector<std::string> features;
  bool in_service = false;  // takes jobs, or runs some and will
  std::uint64_t cpus = 0;
  std::uint64_t cpus_idle = 0;
  std::uint64_t memory_mib = 0;
  std::uint64_t memory_idle_mib = 0;
  std::string gres;       // "gpu:a100:4(S:0-1),tmp:2"
  std::string gres_used;  // "gpu:a100:1(IDX:0)"
};

// Of a program that ended by itself, as the job's `wait_status`.
constexpr std::int64_t wait_status_of(std::int64_t exit_code) {
  return (exit_code & 0xff) << 8;
}

// How many of a kind such as "gpu" or "gpu:a100" a list of generic resources holds.
std::uint64_t gres_count(std::string_view list, std::string_view kind);

// Entries that are not of the shape are left out; fails with ErrorCode::corrupt when there is no
// list.
Result<std::vector<SlurmJob>> read_slurm_jobs(const boost::json::object& answer);
Result<std::vector<SlurmNode>> read_slurm_nodes(const boost::json::object& answer);
Result<std::vector<SlurmRecord>> read_slurm_records(const boost::json::object& answer);

}  // namespace tradewind
