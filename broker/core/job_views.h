// The read side: what is durable of each job, for any thread, without waiting for the core. Live
// jobs and those that ended lately are in memory; all others come from the journal's tables.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <unordered_map>

#include "schemas/journal.h"
#include "state/journal/journal.h"

namespace tradewind {

class JobViews {
 public:
  // Ended jobs kept in memory, for the polls that follow an end.
  static constexpr std::size_t ended_max = 20'000;

  explicit JobViews(const Journal& journal) : journal_(journal) {}

  // The record is durable. Called by the core alone.
  void publish(std::shared_ptr<const JobRecord> record);
  // Null: no such job. Any thread.
  std::shared_ptr<const JobRecord> find(const JobId& job) const;

 private:
  struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<JobId, std::shared_ptr<const JobRecord>> jobs;
  };
  static constexpr std::size_t kShards = 16;
  Shard& shard_of(const JobId& job) { return shards_[std::hash<JobId>{}(job) % kShards]; }
  const Shard& shard_of(const JobId& job) const {
    return shards_[std::hash<JobId>{}(job) % kShards];
  }

  const Journal& journal_;
  std::array<Shard, kShards> shards_;
  std::deque<JobId> ended_;  // oldest first; of the core's thread
};

}  // namespace tradewind
