// How far an array is: its tasks by state. Ended tasks do not change any more, so that asking again
// costs only what is still alive.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/core/service.h"

namespace tradewind {

struct ArrayCounts {
  std::uint32_t tasks = 0;
  std::array<std::uint32_t, job_states_count> by_state{};
  std::map<std::string, std::uint32_t> by_site;  // tasks that ended or are there now
  Money charged{};
  Wall::time_point last_ended{};  // zero time: none has
  // Tasks that have ended.
  std::uint32_t ended() const {
    std::uint32_t tasks_ended = 0;
    for (std::uint16_t i = 0; i < job_states_count; ++i) {
      if (is_final(static_cast<JobState>(i))) tasks_ended += by_state.at(i);
    }
    return tasks_ended;
  }
};

// Any thread.
class ArrayTally {
 public:
  static constexpr std::size_t arrays_max = 64;  // remembered; the least recently asked go first

  // `first` is any task of the array: it tells how many there are.
  ArrayCounts count(const Service& service, const JobRecord& first);

 private:
  struct Entry {
    std::mutex mutex;         // guards what follows
    std::vector<bool> ended;  // by index
    ArrayCounts counts;       // of those that ended
  };
  std::shared_ptr<Entry> entry(const JobId& array);

  std::mutex mutex_;                                             // guards what follows
  std::list<std::pair<JobId, std::shared_ptr<Entry>>> entries_;  // the most recently asked first
};

}  // namespace tradewind
