// Jobs that are submitted one by one, on their way to the broker: so many are with it at a time,
// the others wait here, and tenants take turns, so that nobody's flood is what the others wait for.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "schemas/ids.h"

namespace tradewind {

// Any thread.
class SubmitQueue {
 public:
  // To be held for as long as the broker has the job.
  using Turn = std::shared_ptr<void>;
  using Begin = std::function<void(Turn)>;
  struct Limits {
    // More than a commit takes at the highest rates, and no longer to wait for than one commit.
    std::size_t with_broker_max = 256;
    std::size_t tenant_max = 4'096;  // that wait
    std::size_t all_max = 16'384;    // that wait
  };

  explicit SubmitQueue(Limits limits) : limits_(limits) {}

  // Whether one more of the tenant may wait.
  bool has_room(const TenantId& tenant) const {
    const std::lock_guard lock(mutex_);
    return has_room_locked(tenant);
  }
  // Calls `begin` at once, or, on a thread that gives back a turn, when it is the tenant's. False
  // when it may not wait either. The queue must outlive all turns.
  bool enter(const TenantId& tenant, Begin begin) {
    {
      const std::lock_guard lock(mutex_);
      if (with_broker_ >= limits_.with_broker_max) {
        if (!has_room_locked(tenant)) return false;
        waiting_[tenant].push_back(std::move(begin));
        ++waiting_count_;
        return true;
      }
      ++with_broker_;
    }
    begin(turn());
    return true;
  }

 private:
  bool has_room_locked(const TenantId& tenant) const {
    const auto found = waiting_.find(tenant);
    return waiting_count_ < limits_.all_max &&
           (found == waiting_.end() || found->second.size() < limits_.tenant_max);
  }
  Turn turn() {
    return {this, [](SubmitQueue* queue) { queue->give_back(); }};
  }
  // One thread at a time hands on what is given back, also what is given back meanwhile: a broker
  // that refuses at once would lead down one call deeper for each that waits.
  void give_back() {
    std::unique_lock lock(mutex_);
    ++given_back_;
    if (std::exchange(hands_on_, true)) return;
    while (given_back_ > 0 && waiting_count_ > 0) {
      --given_back_;
      Begin next = take();
      lock.unlock();
      std::exchange(next, nullptr)(turn());
      lock.lock();
    }
    with_broker_ -= std::exchange(given_back_, 0);
    hands_on_ = false;
  }
  Begin take() {
    auto found = waiting_.upper_bound(last_);
    if (found == waiting_.end()) found = waiting_.begin();
    last_ = found->first;
    Begin next = std::move(found->second.front());
    found->second.pop_front();
    if (found->second.empty()) waiting_.erase(found);
    --waiting_count_;
    return next;
  }

  const Limits limits_;
  mutable std::mutex mutex_;  // guards what follows
  std::size_t with_broker_ = 0;  // those given back and not handed on yet among them
  std::size_t given_back_ = 0;
  bool hands_on_ = false;
  std::size_t waiting_count_ = 0;
  std::map<TenantId, std::deque<Begin>> waiting_;  // none of them empty
  TenantId last_;                                  // whose turn was last
};

}  // namespace tradewind
