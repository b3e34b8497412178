// How much, and how often. Both are told the time and keep whole numbers only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "schemas/assert.h"
#include "schemas/time.h"

namespace tradewind {

// Bytes that may be sent: fills steadily, holds one second's worth. A message may overdraw it once,
// since a record larger than what is left would otherwise never go while small ones keep coming;
// after that nothing goes until the debt is paid, so the mean rate holds. Who spends regardless
// owes ten seconds' worth at most.
class ByteBucket {
 public:
  explicit ByteBucket(std::size_t bytes_per_second)
      : rate_(static_cast<std::int64_t>(
            std::clamp<std::size_t>(bytes_per_second, 1, rate_bytes_max))),
        level_(rate_ * scale) {}

  void refill(Mono::time_point now) {
    if (started_ && now > last_) {
      // Beyond the time that fills it from the deepest debt, more time changes nothing; the clamp
      // keeps the product within 64 bits.
      const std::int64_t elapsed =
          std::min<std::int64_t>((now - last_).count(), longest_refill.count());
      level_ = std::min(level_ + elapsed * rate_, rate_ * scale);
    }
    if (!started_ || now > last_) last_ = now;
    started_ = true;
  }
  // Bytes left; 0 when overdrawn.
  std::size_t available() const {
    return level_ <= 0 ? 0 : static_cast<std::size_t>(level_ / scale);
  }
  bool open() const { return available() > 0; }
  void spend(std::size_t bytes) {
    level_ -= static_cast<std::int64_t>(std::min(bytes, rate_bytes_max)) * scale;
    level_ = std::max(level_, -debt_seconds_max * rate_ * scale);
  }
  // When it will be at least half full, if nothing more is spent.
  Mono::time_point half_full_at() const {
    const std::int64_t missing = rate_ * scale / 2 - level_;
    if (missing <= 0) return last_;
    return last_ + Mono::duration(missing / rate_ + 1);
  }

 private:
  static constexpr std::int64_t scale = 1'000'000;  // a level counts byte-microseconds per second
  static constexpr std::size_t rate_bytes_max = 100'000'000;
  static constexpr std::int64_t debt_seconds_max = 10;
  static constexpr Mono::duration longest_refill = std::chrono::hours(1);

  std::int64_t rate_;
  std::int64_t level_;
  Mono::time_point last_{};
  bool started_ = false;
};

// At most one event each `interval` in the long run, and `burst` at once. (The generic cell rate
// algorithm, ITU-T I.371.)
class PaceLimit {
 public:
  PaceLimit(Mono::duration interval, std::uint32_t burst) : interval_(interval), burst_(burst) {
    TRADEWIND_ASSERT(interval.count() > 0 && burst > 0);
  }
  bool allows(Mono::time_point now) const { return due_ <= now + interval_ * (burst_ - 1); }
  void charge(Mono::time_point now) { due_ = std::max(due_, now) + interval_; }
  // From when on it allows one.
  Mono::time_point next() const {
    return due_ == Mono::time_point::min() ? due_ : due_ - interval_ * (burst_ - 1);
  }

 private:
  Mono::duration interval_;
  std::uint32_t burst_;
  Mono::time_point due_ = Mono::time_point::min();
};

}  // namespace tradewind
