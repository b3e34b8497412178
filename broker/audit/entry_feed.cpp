#include "broker/audit/entry_feed.h"

#include <iterator>
#include <utility>

#include "schemas/assert.h"

namespace tradewind {

void EntryFeed::put(Sequence first, std::vector<Entry> entries, std::size_t bytes) {
  TRADEWIND_ASSERT(!entries.empty());
  const std::lock_guard lock(mutex_);
  if (entries_ + entries.size() > entries_max_ || bytes_ + bytes > bytes_max_) return;
  entries_ += entries.size();
  bytes_ += bytes;
  batches_.push_back(Batch{first, std::move(entries), bytes});
}

std::vector<Entry> EntryFeed::take(Sequence first) {
  std::vector<Batch> older;  // end outside the lock
  std::vector<Entry> found;
  std::uint64_t skipped = 0;
  {
    const std::lock_guard lock(mutex_);
    while (!batches_.empty() && batches_.front().first <= first) {
      Batch& oldest = batches_.front();
      entries_ -= oldest.entries.size();
      bytes_ -= oldest.bytes;
      skipped = first.value - oldest.first.value;
      if (skipped < oldest.entries.size())
        found = std::move(oldest.entries);
      else
        older.push_back(std::move(oldest));
      batches_.pop_front();
      if (!found.empty()) break;
    }
  }
  if (!found.empty()) {
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(skipped));
  }
  return found;
}

}  // namespace tradewind
