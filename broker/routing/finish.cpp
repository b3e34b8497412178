#include "broker/routing/finish.h"

#include <algorithm>

#include "broker/routing/limits.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

__extension__ using Unsigned128 = unsigned __int128;

std::uint64_t bounded(Unsigned128 seconds) {
  return static_cast<std::uint64_t>(std::min(seconds, Unsigned128{limits::seconds_forever}));
}

Unsigned128 divide_ceil(Unsigned128 value, Unsigned128 divisor) {
  // Nearly always so, and many times faster.
  if (value <= UINT64_MAX && divisor <= UINT64_MAX) {
    const auto small = static_cast<std::uint64_t>(value);
    const auto by = static_cast<std::uint64_t>(divisor);
    return small / by + (small % by != 0 ? 1 : 0);
  }
  return (value + divisor - 1) / divisor;
}

}  // namespace

std::optional<std::uint64_t> run_seconds(const JobSpec& spec, const Variant& variant,
                                         const Pool& pool) {
  if (const auto stated = run_seconds_stated(spec, variant)) return stated;
  const auto performance = pool.performance_ppm.find(variant.workload_class);
  if (performance == pool.performance_ppm.end()) return std::nullopt;
  return run_seconds_worked(variant.work_seconds, performance->second);
}

std::optional<std::uint64_t> run_seconds_stated(const JobSpec& spec, const Variant& variant) {
  if (variant.duration_seconds != 0) return bounded(variant.duration_seconds);
  if (variant.work_seconds != 0) return std::nullopt;
  if (spec.run_seconds_max != 0) {
    return std::min<std::uint64_t>(spec.run_seconds_max, limits::run_seconds_default);
  }
  return limits::run_seconds_default;
}

std::optional<std::uint64_t> run_seconds_worked(std::uint64_t work_seconds,
                                                std::int64_t performance_ppm) {
  if (performance_ppm <= 0) return std::nullopt;
  return bounded(divide_ceil(Unsigned128{work_seconds} * static_cast<Unsigned128>(ppm_one),
                             static_cast<Unsigned128>(performance_ppm)));
}

std::uint64_t rerun_seconds(std::uint64_t run_seconds, std::int64_t interruptions_ppm_hour) {
  if (interruptions_ppm_hour <= 0) return 0;
  const Unsigned128 run = bounded(run_seconds);
  // run^2 is below 2^80 and the share below 2^63: only the product of all three may not fit.
  const Unsigned128 squared = run * run;
  const Unsigned128 share = static_cast<Unsigned128>(interruptions_ppm_hour);
  Unsigned128 product = 0;
  if (__builtin_mul_overflow(squared, share, &product)) return limits::seconds_forever;
  constexpr Unsigned128 divisor = Unsigned128{2} * 3'600 * static_cast<Unsigned128>(ppm_one);
  if (product > ~Unsigned128{0} - divisor) return limits::seconds_forever;
  return bounded(divide_ceil(product, divisor));
}

std::uint64_t billed_seconds(std::uint64_t run_seconds, const Tariff& tariff) {
  return billed_seconds(run_seconds, tariff.increment_seconds, tariff.minimum_seconds);
}

std::uint64_t billed_seconds(std::uint64_t run_seconds, std::uint32_t increment_seconds,
                             std::uint32_t minimum_seconds) {
  const Unsigned128 increment = std::max<std::uint32_t>(1, increment_seconds);
  const Unsigned128 least = std::max<Unsigned128>(bounded(run_seconds), minimum_seconds);
  return bounded(divide_ceil(least, increment) * increment);
}

FinishEstimate finish_estimate(std::uint64_t wait_seconds, std::uint64_t stage_in_seconds,
                               std::uint64_t run_seconds, std::uint64_t stage_out_seconds) {
  FinishEstimate finish;
  finish.wait_seconds = wait_seconds;
  finish.stage_in_seconds = stage_in_seconds;
  finish.run_seconds = run_seconds;
  finish.stage_out_seconds = stage_out_seconds;
  finish.total_seconds =
      bounded(Unsigned128{wait_seconds} + stage_in_seconds + run_seconds + stage_out_seconds);
  return finish;
}

std::int64_t seconds_until(Wall::time_point deadline, Wall::time_point now) {
  constexpr std::int64_t second = 1'000'000;
  const std::int64_t end = deadline.time_since_epoch().count();
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(end, now.time_since_epoch().count(), &difference)) {
    return end < 0 ? INT64_MIN : INT64_MAX;
  }
  // Division rounds towards zero; a deadline that passed half a second ago has passed.
  return difference / second - (difference % second < 0 ? 1 : 0);
}

std::uint64_t time_limit_seconds(const JobSpec& spec, std::uint64_t run_seconds,
                                 const SitePolicy& policy) {
  if (spec.run_seconds_max != 0) return spec.run_seconds_max;
  const std::uint64_t wanted =
      std::max<std::uint64_t>(limits::run_seconds_default, 2 * bounded(run_seconds));
  return std::min<std::uint64_t>(wanted, policy.run_seconds_max);
}

}  // namespace tradewind
