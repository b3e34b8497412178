#include "broker/api/array_tally.h"

#include <algorithm>

#include "broker/api/job_json.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void add_task(ArrayCounts& counts, const JobRecord& task) {
  ++counts.by_state.at(static_cast<std::size_t>(task.state));
  counts.charged.micros += task.charged.micros;
  counts.last_ended = std::max(counts.last_ended, task.ended);
  const AttemptRecord* leading = leading_attempt(task);
  if (leading == nullptr || !leading->decision.chosen) return;
  if (is_final(task.state) || !is_over(leading->state)) {
    ++counts.by_site[leading->decision.chosen->site.value];
  }
}

}  // namespace

std::shared_ptr<ArrayTally::Entry> ArrayTally::entry(const JobId& array) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& each) { return each.first == array; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    entries_.emplace_front(array, std::make_shared<Entry>());
    if (entries_.size() > arrays_max) entries_.pop_back();
  }
  return entries_.front().second;
}

ArrayCounts ArrayTally::count(const Service& service, const JobRecord& first) {
  TRADEWIND_ASSERT(first.array.has_value());
  const JobId& array = *first.array;
  const std::shared_ptr<Entry> known = entry(array);
  const std::lock_guard lock(known->mutex);
  known->ended.resize(first.array_count, false);
  ArrayCounts counts = known->counts;
  counts.tasks = first.array_count;
  for (std::uint32_t index = 0; index < first.array_count; ++index) {
    if (known->ended[index]) continue;
    const auto task = service.find(array_task_id(array, index));
    if (task == nullptr) continue;
    add_task(counts, *task);
    if (is_final(task->state)) {
      known->ended[index] = true;
      add_task(known->counts, *task);
    }
  }
  return counts;
}

}  // namespace tradewind
