#include "broker/api/recent_creates.h"

#include <algorithm>

namespace tradewind {

struct RecentCreates::Entry {
  std::string digest;
  std::uint32_t prefixes = 0;  // under which it was asked for, a bit each
  std::chrono::steady_clock::time_point since;
  std::optional<Result<SubmitReceipt>> result;
  std::vector<Answer> waiting;
};

RecentCreates::Ticket RecentCreates::enter(const std::string& digest, unsigned prefix,
                                           std::chrono::steady_clock::time_point now,
                                           Answer answer) {
  const std::uint32_t bit = 1U << prefix;
  Ticket earlier;
  {
    const std::lock_guard lock(mutex_);
    while (!by_age_.empty() &&
           (by_age_.front()->since + window <= now || by_age_.size() >= entries_max)) {
      forget(by_age_.front());
      by_age_.pop_front();
    }
    // A client may mean two tasks with the same body, and sends both under its first base path. So
    // each earlier create answers to one request under every other base path, the oldest first.
    std::vector<Ticket>& same = by_digest_[digest];
    for (const Ticket& each : same) {
      if ((each->prefixes & bit) == 0) {
        earlier = each;
        break;
      }
    }
    if (earlier == nullptr) {
      auto made = std::make_shared<Entry>();
      made->digest = digest;
      made->prefixes = bit;
      made->since = now;
      same.push_back(made);
      by_age_.push_back(made);
      return made;
    }
    earlier->prefixes |= bit;
    if (!earlier->result) {
      earlier->waiting.push_back(std::move(answer));
      return nullptr;
    }
  }
  answer(*earlier->result);
  return nullptr;
}

void RecentCreates::finish(const Ticket& ticket, const Result<SubmitReceipt>& result) {
  std::vector<Answer> waiting;
  {
    const std::lock_guard lock(mutex_);
    ticket->result = result;
    waiting.swap(ticket->waiting);
    if (!result) {
      forget(ticket);
      std::erase(by_age_, ticket);
    }
  }
  for (const Answer& each : waiting) each(result);
}

void RecentCreates::forget(const Ticket& ticket) {
  const auto found = by_digest_.find(ticket->digest);
  if (found == by_digest_.end()) return;
  std::erase(found->second, ticket);
  if (found->second.empty()) by_digest_.erase(found);
}

std::size_t RecentCreates::size() const {
  const std::lock_guard lock(mutex_);
  return by_age_.size();
}

}  // namespace tradewind
