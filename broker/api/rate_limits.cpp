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

Quota RateLimits::quota(double left) const {
  const bool may = left > 0;
  const double seconds = std::ceil((may ? burst_ - left : -left) / per_second_);
  const std::chrono::seconds reset(
      std::clamp<std::int64_t>(static_cast<std::int64_t>(seconds), may ? 0 : 1, kWaitSecondsMax));
  Quota quota{static_cast<std::uint64_t>(burst_), static_cast<std::uint64_t>(std::max(left, 0.0)),
              reset, std::nullopt};
  if (!may) quota.wait = reset;
  return quota;
}

Quota RateLimits::take(const std::string& key, double cost, Mono::time_point now) {
  if (per_second_ <= 0) return {};
  const std::lock_guard lock(mutex_);
  auto found = buckets_.find(key);
  if (found == buckets_.end() && buckets_.size() >= keys_max_) found = buckets_.find(kShared);
  const double balance = found == buckets_.end() ? burst_ : left(found->second, now);
  if (balance <= 0 || cost <= 0) return quota(balance);
  Quota after = quota(charge_locked(key, cost, now));
  after.wait.reset();
  return after;
}

Quota RateLimits::charge(const std::string& key, double cost, Mono::time_point now) {
  if (per_second_ <= 0) return {};
  const std::lock_guard lock(mutex_);
  return quota(charge_locked(key, cost, now));
}

double RateLimits::charge_locked(const std::string& key, double cost, Mono::time_point now) {
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= keys_max_) forget_full(now);
    const bool room = buckets_.size() < keys_max_;
    found = buckets_.try_emplace(room ? key : kShared, Bucket{burst_, now}).first;
  }
  found->second = Bucket{left(found->second, now) - cost, now};
  return found->second.left;
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
