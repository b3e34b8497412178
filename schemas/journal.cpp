#include "schemas/journal.h"

#include <array>
#include <utility>

namespace tradewind {
namespace {

constexpr std::array<std::string_view, job_states_count> kJobStates = {
    "queued",    "dispatching", "staging",  "running",   "finishing",
    "succeeded", "failed",      "canceled", "unroutable"};
constexpr std::array<std::string_view, attempt_states_count> kAttemptStates = {
    "dispatching", "granted", "staging", "running", "finishing", "ended", "refused", "lost"};
constexpr std::array<std::string_view, member_causes_count> kMemberCauses = {
    "unsaid",    "admitted", "renewed",          "rotated", "recovered",
    "state_set", "locked",   "recovery_allowed", "resigned"};

}  // namespace

std::string_view to_string(JobState state) {
  return kJobStates.at(static_cast<std::size_t>(state));
}
std::string_view to_string(MemberCause cause) {
  return kMemberCauses.at(static_cast<std::size_t>(cause));
}
std::string_view to_string(AttemptState state) {
  return kAttemptStates.at(static_cast<std::size_t>(state));
}

JobRecord submitted_job(JobSubmitted submission, Wall::time_point at) {
  JobRecord job;
  job.job = std::move(submission.job);
  job.tenant = std::move(submission.tenant);
  job.principal = std::move(submission.principal);
  job.spec = std::move(submission.spec);
  job.quote = std::move(submission.quote);
  job.submitted = at;
  return job;
}

}  // namespace tradewind
