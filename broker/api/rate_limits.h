// A token bucket for each key, such as a tenant or an address, in bounded memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "schemas/time.h"

namespace tradewind {

// Any thread. What something costs may be known only once it is done: whoever is not in debt may
// go on, and what it turns out to cost is charged after, so that one large thing is never cut in
// two, and the next waits until it is paid.
class RateLimits {
 public:
  // `burst` at once, `per_second` after that; per_second 0: no limit. With more than `keys_max`
  // keys that have lately been charged, further ones share one bucket.
  RateLimits(double burst, double per_second, std::size_t keys_max)
      : burst_(burst), per_second_(per_second), keys_max_(keys_max) {}

  // Charges it when the key may go on; else tells for how long it may not, a second or more.
  std::optional<std::chrono::seconds> take(const std::string& key, double cost,
                                           Mono::time_point now);
  void charge(const std::string& key, double cost, Mono::time_point now);

  std::size_t keys_count() const;

 private:
  struct Bucket {
    double left = 0;
    Mono::time_point at{};
  };
  double left(const Bucket& bucket, Mono::time_point now) const;
  void charge_locked(const std::string& key, double cost, Mono::time_point now);
  void forget_full(Mono::time_point now);

  const double burst_;
  const double per_second_;
  const std::size_t keys_max_;
  mutable std::mutex mutex_;                         // guards what follows
  std::unordered_map<std::string, Bucket> buckets_;  // those that are not full
  Mono::time_point forgot_{};
};

}  // namespace tradewind
