#include "broker/core/job_views.h"

#include <mutex>
#include <utility>

namespace tradewind {

void JobViews::publish(std::shared_ptr<const JobRecord> record) {
  const JobId job = record->job;
  const bool ended = is_final(record->state);
  {
    Shard& shard = shard_of(job);
    const std::unique_lock lock(shard.mutex);
    auto& held = shard.jobs[job];
    if (ended && !(held && is_final(held->state))) ended_.push_back(job);
    held = std::move(record);
  }
  while (ended_.size() > ended_max) {
    Shard& shard = shard_of(ended_.front());
    const std::unique_lock lock(shard.mutex);
    shard.jobs.erase(ended_.front());
    ended_.pop_front();
  }
}

std::shared_ptr<const JobRecord> JobViews::find(const JobId& job) const {
  {
    const Shard& shard = shard_of(job);
    const std::shared_lock lock(shard.mutex);
    if (const auto held = shard.jobs.find(job); held != shard.jobs.end()) return held->second;
  }
  auto stored = journal_.job(job);
  return stored ? std::make_shared<const JobRecord>(std::move(*stored)) : nullptr;
}

}  // namespace tradewind
