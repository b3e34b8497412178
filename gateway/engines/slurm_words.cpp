#include "gateway/engines/slurm_words.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "schemas/ascii.h"

namespace tradewind {

SlurmState parse_slurm_state(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, SlurmState>, 16> words{{
      {"PENDING", SlurmState::waiting},
      {"CONFIGURING", SlurmState::waiting},
      {"REQUEUED", SlurmState::waiting},
      {"REQUEUE_HOLD", SlurmState::waiting},
      {"SPECIAL_EXIT", SlurmState::waiting},
      {"RUNNING", SlurmState::running},
      {"COMPLETED", SlurmState::completed},
      {"FAILED", SlurmState::failed},
      {"DEADLINE", SlurmState::failed},
      {"CANCELLED", SlurmState::canceled},
      {"REVOKED", SlurmState::canceled},
      {"TIMEOUT", SlurmState::timed_out},
      {"OUT_OF_MEMORY", SlurmState::out_of_memory},
      {"NODE_FAIL", SlurmState::node_failed},
      {"BOOT_FAIL", SlurmState::node_failed},
      {"PREEMPTED", SlurmState::preempted},
  }};
  const auto found = std::ranges::find(words, word, &decltype(words)::value_type::first);
  return found == words.end() ? SlurmState::running : found->second;
}

std::string_view slurm_state_word(const std::vector<std::string>& words) {
  // The outcome is not known yet, or is none.
  static constexpr std::array<std::string_view, 7> deciding{
      "COMPLETING",   "STAGE_OUT",    "CONFIGURING", "REQUEUED",
      "REQUEUE_HOLD", "SPECIAL_EXIT", "REVOKED"};
  for (const std::string& each : words) {
    if (std::ranges::find(deciding, each) != deciding.end()) return each;
  }
  return words.empty() ? std::string_view{} : words.front();
}

SlurmError parse_slurm_error(std::int64_t number) {
  if (number == 2017) return SlurmError::no_such_job;
  // 2000 to 2999 are slurmctld's judgements of a job and 9000 to 9999 slurmrestd's of the document.
  const bool judged = (number >= 2000 && number < 3000) || (number >= 9000 && number < 10'000);
  // Of those, these pass: there are too many jobs, other work comes first, a state is being
  // written, the controller is in standby, a prolog runs, nodes, switches, a reservation or the
  // partition are not available, submissions are off.
  static constexpr std::array<std::int64_t, 18> passing{2007, 2013, 2016, 2019, 2020, 2024,
                                                        2027, 2056, 2061, 2068, 2070, 2074,
                                                        2078, 2079, 2101, 2105, 2118, 2131};
  if (!judged || std::ranges::find(passing, number) != passing.end()) return SlurmError::not_now;
  return SlurmError::never;
}

SlurmError parse_slurm_message(std::string_view message) {
  if (message.find("Invalid job id specified") != std::string_view::npos) {
    return SlurmError::no_such_job;
  }
  // The beginnings of slurm_strerror()'s texts for numbers that mean never; versions differ in what
  // follows. Anything else may have another meaning another time.
  static constexpr std::array<std::string_view, 34> never{
      "Invalid partition name specified",
      "No partition specified or system default partition",
      "Access/permission denied",
      "User's group not permitted to use this partition",
      "Requested nodes not in this partition",
      "More processors requested than permitted",
      "Node count specification invalid",
      "Job size specification needs to be provided",
      "Job script not specified",
      "Invalid user id",
      "Pathname of a file, directory or other parameter too long",
      "Requested node configuration is not available",
      "Invalid node name specified",
      "Task count specification invalid",
      "Invalid feature specification",
      "Requested operation not supported on this system",
      "Requested operation is presently disabled",
      "Only batch jobs are accepted or processed",
      "Memory required by task is not available",
      "Invalid account or account/partition combination specified",
      "Invalid license specification",
      "Job violates accounting/QOS policy",
      "Requested time limit is invalid",
      "Access denied to requested reservation",
      "Requested reservation is invalid",
      "Invalid wckey specification",
      "Invalid qos specification",
      "CPU count specification invalid",
      "Invalid generic resource (gres) specification",
      "Invalid group id",
      "Invalid Trackable RESource (TRES) specification",
      "Invalid GRES specification",
      "Invalid time-min specification",
      "Environment is missing in job",
  };
  const bool found = std::ranges::any_of(never, [message](std::string_view text) {
    return message.find(text) != std::string_view::npos;
  });
  return found ? SlurmError::never : SlurmError::not_now;
}

bool is_too_large(std::string_view reason) {
  return reason == "PartitionConfig" || reason == "PartitionNodeLimit" ||
         reason == "PartitionTimeLimit";
}

bool slurm_node_serves(const std::vector<std::string_view>& state) {
  if (state.empty()) return false;
  std::string base = ascii_lower(state.front());
  // Not responding, powered down, in maintenance, to be powered down, draining.
  if (base.find_first_of("*~$%!") != std::string::npos) return false;
  while (!base.empty() && (base.back() < 'a' || base.back() > 'z')) base.pop_back();
  if (base != "idle" && base != "mixed" && base != "allocated") return false;
  // COMPLETING, PLANNED and the like pass by themselves.
  static constexpr std::array<std::string_view, 9> away{
      "DRAIN",        "FAIL",       "NOT_RESPONDING", "NO_RESPOND", "MAINTENANCE",
      "POWERED_DOWN", "POWER_DOWN", "POWERING_DOWN",  "INVALID_REG"};
  return std::ranges::none_of(
      state, [](std::string_view each) { return std::ranges::find(away, each) != away.end(); });
}

}  // namespace tradewind
