#include "schemas/site.h"

#include <algorithm>
#include <array>

#include "schemas/assert.h"

namespace tradewind {
namespace {

// By code, from 1. In nanoseconds, so that the steps of whole numbers do not add up.
constexpr std::array<std::int64_t, 256> round_trip_table() {
  std::array<std::int64_t, 256> table{};
  table[1] = 100'000;
  // 10^(5/254), in millionths.
  for (std::size_t code = 2; code < table.size(); ++code) {
    table[code] = std::min<std::int64_t>(table[code - 1] * 1'046'370 / 1'000'000, 10'000'000'000);
  }
  return table;
}
constexpr std::array<std::int64_t, 256> round_trips = round_trip_table();
static_assert(round_trips[254] < 9'600'000'000 && round_trips[255] == 10'000'000'000);

}  // namespace

std::uint8_t round_trip_code(std::chrono::microseconds time) {
  const std::int64_t ns = std::clamp<std::int64_t>(time.count(), 100, 10'000'000) * 1'000;
  const auto above = std::lower_bound(round_trips.begin() + 1, round_trips.end(), ns);
  if (above == round_trips.end()) return 255;
  const auto code = static_cast<std::size_t>(above - round_trips.begin());
  const bool nearer_below = code > 1 && ns - round_trips[code - 1] < round_trips[code] - ns;
  return static_cast<std::uint8_t>(nearer_below ? code - 1 : code);
}

std::chrono::microseconds round_trip_of(std::uint8_t code) {
  TRADEWIND_ASSERT(code > 0);
  return std::chrono::microseconds(round_trips[code] / 1'000);
}

std::uint32_t units_per_node(const Pool& pool) {
  std::uint64_t units = UINT32_MAX;
  const auto component = [&units](std::uint64_t node, std::uint64_t unit) {
    if (unit != 0) units = std::min(units, node / unit);
  };
  component(pool.node.cpus, pool.unit.cpus);
  component(pool.node.memory_mib, pool.unit.memory_mib);
  component(pool.node.disk_mib, pool.unit.disk_mib);
  component(pool.node.accelerators, pool.unit.accelerators);
  return units == UINT32_MAX ? 0 : static_cast<std::uint32_t>(units);
}

const Contract* overbooked(const SiteRecord& site) {
  for (const Contract& each : site.contracts) {
    const auto pool = std::find_if(site.pools.begin(), site.pools.end(),
                                   [&](const Pool& one) { return one.id == each.pool; });
    if (pool == site.pools.end()) return &each;
    // What is sold can only become too much when a contract begins.
    std::uint64_t sold = 0;
    for (const Contract& other : site.contracts) {
      if (other.pool == each.pool && in_force(other, each.valid_from)) sold += other.units;
    }
    if (sold > std::uint64_t{units_per_node(*pool)} * pool->nodes) return &each;
  }
  return nullptr;
}

MoneyPerHour unit_price(const Pool& pool) {
  // No more than an eighth of what fits, so that the sum of the three parts fits as well.
  static constexpr std::int64_t most = INT64_MAX / 8;
  const auto part = [](MoneyPerHour rate, std::uint64_t amount, std::int64_t divisor) {
    return std::min(
        most, mul_div_ceil(rate.micros, static_cast<std::int64_t>(amount), divisor).value_or(most));
  };
  return MoneyPerHour{part(pool.tariff.cpu_hour, pool.unit.cpus, 1) +
                      part(pool.tariff.gib_hour, pool.unit.memory_mib, 1024) +
                      part(pool.tariff.accelerator_hour, pool.unit.accelerators, 1)};
}

std::string_view to_string(SiteState state) {
  switch (state) {
    case SiteState::active: return "active";
    case SiteState::draining: return "draining";
    case SiteState::maintenance: return "maintenance";
  }
  return "active";
}

}  // namespace tradewind
