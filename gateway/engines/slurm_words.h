// The words and numbers by which Slurm tells of jobs and errors.
#pragma once

#include <cstdint>
#include <string>
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

// The one that decides of several words for one job's state: later versions of slurmrestd tell
// CANCELLED and COMPLETING side by side. Empty when there is none.
std::string_view slurm_state_word(const std::vector<std::string>& words);

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

// Accounting knows of no such job.
inline constexpr std::int64_t slurm_nothing_found = 9003;

// From this one on, v0.0.39, versions of slurmrestd's interface state with a number whether it is
// set, and take nothing that is not of the published type.
inline constexpr int slurm_typed_version = 39;

// Accepted, but not by any node that is there: the job would wait for ever.
inline constexpr std::int64_t slurm_too_large = 2015;
// The same as the reason that a job waits for.
bool is_too_large(std::string_view reason);

}  // namespace tradewind
