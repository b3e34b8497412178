// TES clients such as py-tes send a slow create again under the next base path that they know. The
// same body from the same principal under another base path within a minute is that, and gets the
// first one's task. docs/tes.md, rule 10.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/service.h"

namespace tradewind {

// Any thread.
class RecentCreates {
 public:
  static constexpr auto window = std::chrono::seconds(60);
  // Beyond it the oldest are forgotten, and a client that sends one of those again makes two tasks.
  static constexpr std::size_t entries_max = 10'000;

  using Answer = std::function<void(const Result<SubmitReceipt>&)>;
  struct Entry;
  using Ticket = std::shared_ptr<Entry>;

  // `digest` stands for principal and body, `prefix` (0 to 31) for the base path. Gives a ticket
  // when the caller is to create the task; else `answer` is called with what came of the earlier
  // one, now or later, on the thread that finishes it.
  Ticket enter(const std::string& digest, unsigned prefix,
               std::chrono::steady_clock::time_point now, Answer answer);
  // What came of the ticket's create. A failed one is forgotten after those waiting have heard it.
  void finish(const Ticket& ticket, const Result<SubmitReceipt>& result);
  std::size_t size() const;

 private:
  void forget(const Ticket& ticket);

  mutable std::mutex mutex_;  // guards what follows
  std::deque<Ticket> by_age_;
  std::unordered_map<std::string, std::vector<Ticket>> by_digest_;  // oldest first
};

}  // namespace tradewind
