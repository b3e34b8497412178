// Tells readers whether a job may have changed since they looked, without looking.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "schemas/ids.h"

namespace tradewind {

// Counts, some jobs together. Any thread.
class JobChanges {
 public:
  // Another number than before whenever the job has changed, and now and then when it has not. Who
  // keeps what he reads of a job asks this first and reads then.
  std::uint32_t of(const JobId& job) const { return slot(job).load(std::memory_order_acquire); }
  // Once readers can see the change, and before anybody is told of it.
  void count(const JobId& job) { slot(job).fetch_add(1, std::memory_order_release); }

 private:
  using Slots = std::array<std::atomic<std::uint32_t>, 65'536>;
  static std::size_t place(const JobId& job) {
    return std::hash<std::string>{}(job.value) % std::tuple_size_v<Slots>;
  }
  std::atomic<std::uint32_t>& slot(const JobId& job) { return slots_[place(job)]; }
  const std::atomic<std::uint32_t>& slot(const JobId& job) const { return slots_[place(job)]; }

  Slots slots_{};
};

}  // namespace tradewind
