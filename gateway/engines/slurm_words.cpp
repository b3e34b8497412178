#include "gateway/engines/slurm_words.h"

#include <algorithm>
#include <array>
#include <utility>

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

SlurmError parse_slurm_error(std::int64_t number) {
  if (number == 2017) return SlurmError::no_such_job;
  // 2000 to 2999 are slurmctld's judgements of a job and 9000 to 9999 slurmrestd's of the document.
  const bool judged = (number >= 2000 && number < 3000) || (number >= 9000 && number < 10'000);
  // Of those, these pass: other work comes first, a state is being written, the controller is in
  // standby, a prolog runs, nodes or the partition are not available.
  static constexpr std::array<std::int64_t, 11> passing{2013, 2016, 2019, 2020, 2024, 2027,
                                                        2061, 2068, 2070, 2074, 2078};
  if (!judged || std::ranges::find(passing, number) != passing.end()) return SlurmError::not_now;
  return SlurmError::never;
}

}  // namespace tradewind
