// The words and numbers by which Slurm tells of jobs and errors.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tradewind {

// What has become of a Slurm job, as far as it matters here.
enum class SlurmState {
  waiting,  // queued, or its nodes are being made ready
  running,  // also completing: the outcome is not known before that is over
  completed,
  failed,
  canceled,
  timed_out,
  out_of_memory,
  node_failed,
  preempted,
};

// A word that is not known counts as running: nothing is concluded from it.
SlurmState parse_slurm_state(std::string_view word);
inline bool is_over(SlurmState state) {
  return state != SlurmState::waiting && state != SlurmState::running;
}

// Whether a node takes jobs, or runs some and will, by its state and what stands beside it: IDLE
// and DRAIN; of scontrol also "IDLE*", whose mark stands for one of those.
bool slurm_node_serves(const std::vector<std::string_view>& state);

// What an error number of slurmrestd means for the call that got it.
enum class SlurmError {
  no_such_job,  // the only number that says so
  never,        // this request will not be taken, however often it comes
  not_now,      // the request was not taken, or may have been: slurmctld gave no answer
};
// Texts of errors are the same for different causes; only the number tells.
SlurmError parse_slurm_error(std::int64_t number);

// The same by what a command says, which is the number's text.
SlurmError parse_slurm_message(std::string_view message);

// Accepted, but not by any node that is there: the job would wait for ever.
inline constexpr std::int64_t slurm_too_large = 2015;
// The same as the reason that a job waits for.
bool is_too_large(std::string_view reason);

}  // namespace tradewind
