// Answers about jobs as they were made, for those who ask again and again: as long as a job has not
// changed, its answer is given without reading it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "schemas/ids.h"

namespace tradewind {

// Any thread. Bounded: those that were not asked for lately are forgotten.
class JobAnswers {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Kind : char { native = 'n', tes_minimal = 'm' };
  struct Answer {
    TenantId tenant;            // of the job
    std::uint32_t changes = 0;  // Service::changes, from before the job was read
    Clock::time_point good_until = Clock::time_point::max();
    std::string body;
    std::string tag;
  };

  explicit JobAnswers(std::size_t bytes_max = 64 * 1024 * 1024) : bytes_max_(bytes_max) {}

  // Null: there is none, or not of the job as it is now.
  std::shared_ptr<const Answer> find(Kind kind, const JobId& job, std::uint32_t changes,
                                     Clock::time_point now);
  void keep(Kind kind, const JobId& job, std::shared_ptr<const Answer> answer);

 private:
  using Answers = std::unordered_map<std::string, std::shared_ptr<const Answer>>;
  void put(std::string key, std::shared_ptr<const Answer> answer);

  const std::size_t bytes_max_;
  std::mutex mutex_;  // guards what follows
  // Two halves: what is found in the older moves to the newer, and is forgotten with it otherwise.
  Answers newer_;
  Answers older_;
  std::size_t newer_bytes_ = 0;
};

}  // namespace tradewind
