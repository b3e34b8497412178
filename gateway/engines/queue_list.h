// The jobs of a gateway that a queue has, as it listed them last: which one is an attempt's, and
// which are nobody's. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/queue.h"

namespace tradewind {

class QueueList {
 public:
  QueueList() = default;
  QueueList(const QueueList&) = delete;
  QueueList& operator=(const QueueList&) = delete;

  // These are all there are now.
  void put(std::vector<QueueJob> jobs);
  std::size_t size() const { return jobs_.size(); }

  // The job of an attempt, by AttemptDirectory::name(), until the next put(): of several, one that
  // runs, else one that waits, else the one submitted last. Null: there is none.
  const QueueJob* job(const std::string& attempt) const;

  // Jobs in the queue of attempts that are not in `live`, if they were so at the call before
  // already: one whose attempt has just ended is still being completed, one that stays is of no
  // use. At most `count_max`.
  std::vector<QueueJob> take_strays(const std::set<std::string>& live, std::size_t count_max);

 private:
  std::vector<QueueJob> jobs_;
  std::map<std::string_view, const QueueJob*> by_attempt_;  // into jobs_
  std::set<std::string> strays_;                            // numbers
};

}  // namespace tradewind
