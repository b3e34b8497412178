// Jobs on their way to the broker, one by one and in groups: so many are with it at a time, the
// others wait here, and tenants take turns by the jobs they bring, so that nobody's flood is what
// the others wait for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "schemas/ids.h"

namespace tradewind {

// Any thread.
//
// Self-clocked fair queueing (Golestani, INFOCOM 1994). A clock counts jobs as if each tenant that
// waits brought one at a time. What is first in a tenant's line is due as many jobs after the one
// before it, or after now, as it brings; whoever is due first is next. So a group of a thousand
// lets a thousand single jobs of each other tenant that has them pass, and waits for no more.
class SubmitQueue {
 public:
  // To be held for as long as the broker has the jobs.
  using Turn = std::shared_ptr<void>;
  using Begin = std::function<void(Turn)>;
  struct Limits {
    // Jobs: more than a commit takes at the highest rates, and no longer to wait for than one
    // commit. Whoever is next begins below it, whatever it brings.
    std::uint64_t with_broker_max = 256;
    // As what a turn that brings more counts there: so two groups are with the broker at a time.
    // With one the core stands still too often, which takes a seventh off the rate of batches;
    // with three it is no faster.
    std::uint64_t turn_max = 128;
    std::size_t tenant_max = 4'096;  // submissions that wait
    std::size_t all_max = 16'384;    // submissions that wait
  };

  explicit SubmitQueue(Limits limits) : limits_(limits) {}

  // Whether one more submission of the tenant may wait.
  bool has_room(const TenantId& tenant) const {
    const std::lock_guard lock(mutex_);
    return has_room_locked(tenant);
  }
  // Calls `begin` at once, or, on a thread that gives back a turn, when it is the tenant's. False
  // when it may not wait either. The turn counts for `jobs`, of an array each task. The queue must
  // outlive all turns.
  bool enter(const TenantId& tenant, std::uint64_t jobs, Begin begin) {
    return enter(tenant, jobs, std::move(begin), false);
  }
  // The same of a group of a batch, which may always wait: BatchSlots says how many there are.
  void enter_group(const TenantId& tenant, std::uint64_t jobs, Begin begin) {
    enter(tenant, jobs, std::move(begin), true);
  }

 private:
  struct Waiting {
    std::uint64_t jobs = 0;
    Begin begin;
  };
  using Line = std::deque<Waiting>;

  bool has_room_locked(const TenantId& tenant) const {
    const auto found = lines_.find(tenant);
    return waiting_count_ < limits_.all_max &&
           (found == lines_.end() || found->second.size() < limits_.tenant_max);
  }
  bool enter(const TenantId& tenant, std::uint64_t jobs, Begin begin, bool has_place) {
    jobs = std::max<std::uint64_t>(jobs, 1);
    {
      const std::lock_guard lock(mutex_);
      if (with_broker_ >= limits_.with_broker_max || !lines_.empty()) {
        if (!has_place && !has_room_locked(tenant)) return false;
        wait(tenant, {jobs, std::move(begin)});
        return true;
      }
      with_broker_ += share(jobs);
    }
    begin(turn(jobs));
    return true;
  }
  void wait(const TenantId& tenant, Waiting last) {
    ++waiting_count_;
    Line& line = lines_[tenant];
    if (line.empty()) turns_.emplace(clock_ + last.jobs, tenant);
    line.push_back(std::move(last));
  }
  // Of the jobs that may be with the broker.
  std::uint64_t share(std::uint64_t jobs) const { return std::min(jobs, limits_.turn_max); }
  Turn turn(std::uint64_t jobs) {
    return {this, [jobs](SubmitQueue* queue) { queue->give_back(jobs); }};
  }
  // One thread at a time hands on what is given back, also what is given back meanwhile: a broker
  // that refuses at once would lead down one call deeper for each that waits. Whoever waits while
  // there is room waits for that thread.
  void give_back(std::uint64_t jobs) {
    std::unique_lock lock(mutex_);
    with_broker_ -= share(jobs);
    if (std::exchange(hands_on_, true)) return;
    while (with_broker_ < limits_.with_broker_max && !lines_.empty()) {
      Waiting next = take();
      with_broker_ += share(next.jobs);
      lock.unlock();
      std::exchange(next.begin, nullptr)(turn(next.jobs));
      lock.lock();
    }
    hands_on_ = false;
  }
  Waiting take() {
    const auto first = turns_.begin();
    clock_ = first->first;
    const auto found = lines_.find(first->second);
    turns_.erase(first);
    Line& line = found->second;
    Waiting next = std::move(line.front());
    line.pop_front();
    --waiting_count_;
    if (line.empty()) {
      lines_.erase(found);
    } else {
      turns_.emplace(clock_ + line.front().jobs, found->first);
    }
    return next;
  }

  const Limits limits_;
  mutable std::mutex mutex_;       // guards what follows
  std::uint64_t with_broker_ = 0;  // shares
  bool hands_on_ = false;
  std::size_t waiting_count_ = 0;
  std::uint64_t clock_ = 0;                             // when the last that began was due
  std::map<TenantId, Line> lines_;                      // none of them empty
  std::set<std::pair<std::uint64_t, TenantId>> turns_;  // when the first of each line is due
};

}  // namespace tradewind
