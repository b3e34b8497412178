#include "schemas/journal.h"

#include <array>

namespace tradewind {
namespace {

constexpr std::array<std::string_view, job_states_count> kJobStates = {
    "queued",    "dispatching", "staging",  "running",   "finishing",
    "succeeded", "failed",      "canceled", "unroutable"};
constexpr std::array<std::string_view, attempt_states_count> kAttemptStates = {
    "dispatching", "granted", "staging", "running", "finishing", "ended", "refused", "lost"};

}  // namespace

std::string_view to_string(JobState state) {
  return kJobStates.at(static_cast<std::size_t>(state));
}
std::string_view to_string(AttemptState state) {
  return kAttemptStates.at(static_cast<std::size_t>(state));
}

}  // namespace tradewind
