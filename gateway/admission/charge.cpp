#include "gateway/admission/charge.h"

#include <algorithm>

#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {

Money charge_of(const HeldAttempt& held, const EndReport& report) {
  if (report.code == EndCode::engine_failed || report.code == EndCode::interrupted) return {};
  const std::uint64_t seconds = std::min(report.usage.wall_seconds, limits::seconds_max);
  const std::uint64_t increment = std::max<std::uint64_t>(held.increment_seconds, 1);
  const std::uint64_t billed = std::min<std::uint64_t>(
      limits::seconds_max,
      std::max<std::uint64_t>(held.minimum_seconds,
                              (seconds + increment - 1) / increment * increment));
  const auto compute =
      cost_ceil(held.assignment.rate, std::chrono::seconds(static_cast<std::int64_t>(billed)));
  TRADEWIND_ASSERT(compute.has_value());
  const Assignment& assignment = held.assignment;
  const Money paid = share_floor(*compute, assignment.contract_units,
                                 std::uint64_t{assignment.nodes} * assignment.units);
  const Money due{compute->micros - paid.micros};
  if (!report.started) return due;
  return add(due, held.fixed_fee).value_or(due);
}

MoneyPerHour least_rate(const Pool& pool, std::uint32_t nodes, std::uint32_t units,
                        bool preemptible, std::int64_t price_ppm, std::int64_t conversion_ppm) {
  __extension__ using Wide = unsigned __int128;
  const auto wide = [](std::int64_t value) {
    return static_cast<Wide>(static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)));
  };
  const Tariff& tariff = pool.tariff;
  const Wide unit = wide(tariff.cpu_hour.micros) * pool.unit.cpus +
                    wide(tariff.gib_hour.micros) * pool.unit.memory_mib / 1024 +
                    wide(tariff.accelerator_hour.micros) * pool.unit.accelerators;
  Wide rate = (wide(tariff.node_hour.micros) + unit * units) * nodes;
  const Wide limit = wide(rate_max.micros) * 1'000;
  rate = std::min(rate, limit) * wide(price_ppm) / static_cast<Wide>(ppm_one);
  rate = std::min(rate, limit);
  if (preemptible) rate = rate * wide(tariff.preemptible_ppm) / static_cast<Wide>(ppm_one);
  rate = rate * wide(conversion_ppm) / static_cast<Wide>(ppm_one);
  return {static_cast<std::int64_t>(std::min(rate, limit))};
}

}  // namespace tradewind
