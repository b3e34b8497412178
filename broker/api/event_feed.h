// The events of the transparency log as they are published, for many who follow them: each is read
// and made text once, whoever follows, and those who want the same share it. The newest are kept; a
// follower holds its place in them and nothing else. Who waits is woken when something is
// published.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/api/endpoint.h"
#include "broker/api/http_server.h"
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
// Entries `first` to before `end`, all of them. Any thread, once it is made.
class EventBatch {
 public:
  EventBatch(std::uint64_t first, std::uint64_t end, std::string text, std::vector<EventRow> rows);
  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return end_; }
  std::size_t bytes() const { return text_->size(); }
  // Of those from `next` on that the filter, of job and tenant, wants. Never null.
  HttpStream::Piece text_for(const LogFilter& filter, std::uint64_t next) const;

 private:
  HttpStream::Piece join(const LogFilter& filter, std::uint64_t next,
                         const std::vector<std::size_t>& rows) const;

  std::uint64_t first_;
  std::uint64_t end_;
  HttpStream::Piece text_;
  std::vector<EventRow> rows_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_job_;  // an array's tasks by its id
  std::unordered_map<std::string, std::vector<std::size_t>> by_tenant_;
  mutable std::mutex mutex_;                                               // guards what follows
  mutable std::unordered_map<std::string, HttpStream::Piece> of_tenants_;  // all rows of theirs
};

// Any thread.
class EventFeed {
 public:
  // Null: there are no events. The log must outlive it, or its stop.
  EventFeed(PublishedLog* log, EventLimits limits);
  ~EventFeed();

  // Stands for one follower until it is gone; null: there are as many as may be, or it stops.
  std::shared_ptr<void> enter();
  // The batch with entry `index`; null: it is not published yet. Fails with exhausted when that
  // entry is not kept any more, and as the log does.
  Result<std::shared_ptr<const EventBatch>> batch_with(std::uint64_t index);
  // Whether entry `index` is not published yet; then `wake` is called on the HTTP thread of the
  // stream, once, when it may be, or when the feed stops. `who` waits once at a time.
  bool wait(std::uint64_t index, const void* who, HttpStream stream, std::function<void()> wake);
  // Forgets that it waits; it may be woken once more.
  void stop_waiting(const void* who);
  void count_cut() { cut_.fetch_add(1, std::memory_order_relaxed); }

  bool stopping() const { return stopping_; }
  // Lets followers end with a word: waits until they have, at most so long.
  void stop(std::chrono::milliseconds timeout);
  const EventLimits& limits() const { return limits_; }
  // Prometheus text.
  std::string metrics() const;

 private:
  struct Waiting {
    HttpStream stream;
    std::function<void()> wake;
  };

  Status read_on(std::uint64_t size);
  std::uint64_t published() const;
  // Wakes all who wait, some at a time, so that what else the HTTP threads have to do goes between.
  void wake_all();
  void wake_some();

  PublishedLog* const log_;
  const EventLimits limits_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> cut_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable left_;
  std::size_t followers_ = 0;
  std::deque<std::shared_ptr<const EventBatch>> batches_;  // without gaps
  std::size_t bytes_ = 0;                                  // of their texts
  std::uint64_t end_ = 0;                                  // of the last
  std::map<const void*, Waiting> waiting_;
  std::deque<Waiting> waking_;  // those who are woken; not empty: wake_some is on its way
};

}  // namespace tradewind
