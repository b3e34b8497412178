#include "schemas/site.h"

#include <algorithm>

namespace tradewind {

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
