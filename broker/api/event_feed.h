// The events of the transparency log as they are published, for many who follow them: each is read
// and made text once, whoever follows. The newest are kept; a follower holds its place in them and
// nothing else.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/api/endpoint.h"
#include "broker/audit/published_log.h"
#include "schemas/result.h"

namespace tradewind {

// The entry as a server-sent event; its id is the entry's index.
std::string event_text(std::uint64_t index, std::string_view event);

struct EventRow {
  std::uint64_t index = 0;
  LeafKeys keys;
  std::string tenant;  // pseudonym; empty: it is about no tenant
  std::size_t begin = 0;
  std::size_t size = 0;  // of its text in the batch's
};
// Entries `first` to before `end`, all of them.
struct EventBatch {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::string text;
  std::vector<EventRow> rows;
  // Of those from `next` on that the filter wants.
  std::string text_for(const LogFilter& filter, std::uint64_t next) const;
};

// Any thread.
class EventFeed {
 public:
  // Null: there are no events. The log must outlive it.
  EventFeed(const PublishedLog* log, EventLimits limits) : log_(log), limits_(limits) {}

  // Stands for one follower until it is gone; null: there are as many as may be, or it stops.
  std::shared_ptr<void> enter();
  // The batch with entry `index`; null: it is not published yet. Fails with exhausted when that
  // entry is not kept any more, and as the log does.
  Result<std::shared_ptr<const EventBatch>> batch_with(std::uint64_t index);
  void count_cut() { cut_.fetch_add(1, std::memory_order_relaxed); }

  bool stopping() const { return stopping_; }
  // Lets followers end with a word: waits until they have, at most so long.
  void stop(std::chrono::milliseconds timeout);
  const EventLimits& limits() const { return limits_; }
  // Prometheus text.
  std::string metrics() const;

 private:
  Status read_on(std::uint64_t size);

  const PublishedLog* const log_;
  const EventLimits limits_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> cut_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable left_;
  std::size_t followers_ = 0;
  std::deque<std::shared_ptr<const EventBatch>> batches_;  // without gaps
  std::size_t bytes_ = 0;                                  // of their texts
  std::uint64_t end_ = 0;                                  // of the last
};

}  // namespace tradewind
