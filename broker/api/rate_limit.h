// A token bucket: so many at once, so many a second after that.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

namespace tradewind {

// Any thread.
class RateLimit {
 public:
  RateLimit(double burst, double per_second)
      : burst_(burst), per_second_(per_second), left_(burst) {}

  bool take(std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> passed = now - last_;
    last_ = now;
    left_ = std::min(burst_, left_ + passed.count() * per_second_);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  const double burst_;
  const double per_second_;
  std::mutex mutex_;
  double left_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace tradewind
