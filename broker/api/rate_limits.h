// A token bucket for each key, such as a tenant or an address, in bounded memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "schemas/time.h"

namespace tradewind {

// What a key may use after what has been charged.
struct Quota {
  std::uint64_t limit = 0;                   // at once; 0: there is no limit
  std::uint64_t left = 0;                    // of that, rounded down
  std::chrono::seconds reset{0};             // until it may go on, or else until all is left again
  std::optional<std::chrono::seconds> wait;  // for so long it may not go on, a second or more
};

// Any thread. What something costs may be known only once it is done: whoever is not in debt may
// go on, and what it turns out to cost is charged after, so that one large thing is never cut in
// two, and the next waits until it is paid.
class RateLimits {
 public:
  // `burst` at once, `per_second` after that; per_second 0: no limit. With more than `keys_max`
  // keys that have lately been charged, further ones share one bucket.
  RateLimits(double burst, double per_second, std::size_t keys_max)
      : burst_(burst), per_second_(per_second), keys_max_(keys_max) {}

  // Charges it when the key may go on; `wait` tells when not.
  Quota take(const std::string& key, double cost, Mono::time_point now);
  Quota charge(const std::string& key, double cost, Mono::time_point now);

  std::size_t keys_count() const;

 private:
  struct Bucket {
    double left = 0;
    Mono::time_point at{};
  };
  double left(const Bucket& bucket, Mono::time_point now) const;
  // What is left then.
  double charge_locked(const std::string& key, double cost, Mono::time_point now);
  Quota quota(double left) const;
  void forget_full(Mono::time_point now);

  const double burst_;
  const double per_second_;
  const std::size_t keys_max_;
  mutable std::mutex mutex_;                         // guards what follows
  std::unordered_map<std::string, Bucket> buckets_;  // those that are not full
  Mono::time_point forgot_{};
};

}  // namespace tradewind
