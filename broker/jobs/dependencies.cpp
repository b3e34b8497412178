#include "broker/jobs/dependencies.h"

#include <utility>

#include "schemas/assert.h"

namespace tradewind {

bool Dependencies::join(const JobId& submission) {
  const auto found = waiting_.find(submission);
  if (found == waiting_.end()) return false;
  ++found->second.jobs;
  return true;
}

void Dependencies::wait_for(const JobId& submission, const JobId& other, std::size_t jobs) {
  TRADEWIND_ASSERT(is_awaited(other) || jobs > 0);
  const auto [awaited, is_new] = awaited_.try_emplace(other);
  if (is_new) awaited->second.jobs = jobs;
  awaited->second.submissions.insert(submission);
  const auto [waiting, is_first] = waiting_.try_emplace(submission);
  if (is_first) waiting->second.jobs = 1;
  waiting->second.others.insert(other);
}

std::vector<JobId> Dependencies::succeeded(const JobId& other) {
  const auto found = awaited_.find(other);
  if (found == awaited_.end() || --found->second.jobs > 0) return {};
  std::vector<JobId> free;
  for (const JobId& each : found->second.submissions) {
    const auto waiting = waiting_.find(each);
    waiting->second.others.erase(other);
    if (!waiting->second.others.empty()) continue;
    waiting_.erase(waiting);
    free.push_back(each);
  }
  awaited_.erase(found);
  return free;
}

std::vector<JobId> Dependencies::failed(const JobId& other) {
  const auto found = awaited_.find(other);
  if (found == awaited_.end()) return {};
  const std::set<JobId> submissions = std::exchange(found->second.submissions, {});
  awaited_.erase(found);
  for (const JobId& each : submissions) let_go(each);
  return {submissions.begin(), submissions.end()};
}

void Dependencies::leave(const JobId& submission) {
  const auto found = waiting_.find(submission);
  if (found != waiting_.end() && --found->second.jobs == 0) let_go(submission);
}

void Dependencies::let_go(const JobId& submission) {
  const auto found = waiting_.find(submission);
  for (const JobId& each : found->second.others) {
    const auto awaited = awaited_.find(each);
    if (awaited != awaited_.end()) awaited->second.submissions.erase(submission);
  }
  waiting_.erase(found);
}

}  // namespace tradewind
