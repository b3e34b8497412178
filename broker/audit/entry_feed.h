// Hands entries that have just become durable to who publishes them, so that it need not read them
// back. Only a shortcut: what it has not room for, or what was there before the start, is read from
// the journal.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "schemas/ids.h"
#include "schemas/journal.h"

namespace tradewind {

class EntryFeed {
 public:
  // What waits at most, in entries and in bytes as they lie in the journal; in memory they take
  // some seven times as many.
  explicit EntryFeed(std::size_t entries_max = 16'384, std::size_t bytes_max = 4ULL * 1024 * 1024)
      : entries_max_(entries_max), bytes_max_(bytes_max) {}

  // The entries from `first` on, of which there is at least one, after all that came before; lets
  // go of them when there is no room. Any thread.
  void put(Sequence first, std::vector<Entry> entries, std::size_t bytes);
  // The entries from `first` on, as many as came together; none when they are not here. Lets go of
  // those before them. One thread.
  std::vector<Entry> take(Sequence first);

 private:
  struct Batch {
    Sequence first;
    std::vector<Entry> entries;
    std::size_t bytes = 0;
  };
  const std::size_t entries_max_;
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::deque<Batch> batches_;
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tradewind
