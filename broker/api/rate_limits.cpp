#include "broker/api/rate_limits.h"

#include <algorithm>
#include <cmath>

namespace tradewind {
namespace {

constexpr std::int64_t kWaitSecondsMax = 3'600;
const std::string kShared = "\n";  // no tenant and no address is called so

}  // namespace

double RateLimits::left(const Bucket& bucket, Mono::time_point now) const {
  const std::chrono::duration<double> passed = std::max(now - bucket.at, Mono::duration(0));
  return std::min(burst_, bucket.left + passed.count() * per_second_);
}

std::optional<std::chrono::seconds> RateLimits::take(const std::string& key, double cost,
                                                     Mono::time_point now) {
  if (per_second_ <= 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto found = buckets_.find(key);
  if (found == buckets_.end() && buckets_.size() >= keys_max_) found = buckets_.find(kShared);
  const double balance = found == buckets_.end() ? burst_ : left(found->second, now);
  if (balance > 0) {
    if (cost > 0) charge_locked(key, cost, now);
    return std::nullopt;
  }
  const auto seconds = static_cast<std::int64_t>(std::ceil(-balance / per_second_));
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, kWaitSecondsMax));
}

void RateLimits::charge(const std::string& key, double cost, Mono::time_point now) {
  if (per_second_ <= 0) return;
  const std::lock_guard lock(mutex_);
  charge_locked(key, cost, now);
}

void RateLimits::charge_locked(const std::string& key, double cost, Mono::time_point now) {
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= keys_max_) forget_full(now);
    const bool room = buckets_.size() < keys_max_;
    found = buckets_.try_emplace(room ? key : kShared, Bucket{burst_, now}).first;
  }
  found->second = Bucket{left(found->second, now) - cost, now};
}

// At most once a second: it looks at all of them.
void RateLimits::forget_full(Mono::time_point now) {
  if (now - forgot_ < std::chrono::seconds(1)) return;
  forgot_ = now;
  std::erase_if(buckets_, [&](const auto& each) { return left(each.second, now) >= burst_; });
}

std::size_t RateLimits::keys_count() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace tradewind
