#include "gateway/engines/queue_list.h"

#include <tuple>
#include <utility>

namespace tradewind {
namespace {

int rank(QueueState state) {
  switch (state) {
    case QueueState::running: return 3;
    case QueueState::waiting: return 2;
    case QueueState::held: return 1;
    case QueueState::over: return 0;
  }
  return 0;
}

bool better(const QueueJob& a, const QueueJob& b) {
  // Numbers of the same length are in order.
  const auto order = [](const QueueJob& each) {
    return std::tuple(rank(each.state), each.submitted, each.number.size(),
                      std::string_view(each.number));
  };
  return order(a) > order(b);
}

}  // namespace

void QueueList::put(std::vector<QueueJob> jobs) {
  by_attempt_.clear();
  jobs_ = std::move(jobs);
  for (const QueueJob& each : jobs_) {
    const auto [at, first] = by_attempt_.try_emplace(each.attempt, &each);
    if (!first && better(each, *at->second)) at->second = &each;
  }
}

const QueueJob* QueueList::job(const std::string& attempt) const {
  const auto found = by_attempt_.find(attempt);
  return found == by_attempt_.end() ? nullptr : found->second;
}

std::vector<QueueJob> QueueList::take_strays(const std::set<std::string>& live,
                                             std::size_t count_max) {
  std::set<std::string> strays;
  std::vector<QueueJob> again;
  for (const QueueJob& each : jobs_) {
    if (!in_queue(each.state) || live.contains(each.attempt)) continue;
    strays.insert(each.number);
    if (strays_.contains(each.number) && again.size() < count_max) again.push_back(each);
  }
  strays_ = std::move(strays);
  return again;
}

}  // namespace tradewind
