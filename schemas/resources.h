// What a node has or a job needs, as one value that is compared whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tradewind {

// Of one node. Zero means none needed or none there.
struct Resources {
  std::uint32_t cpus = 0;  // whole CPUs, as the node's kernel counts them
  std::uint64_t memory_mib = 0;
  std::uint64_t disk_mib = 0;      // scratch space of one attempt on the node
  std::uint32_t accelerators = 0;  // whole devices

  friend constexpr bool operator==(const Resources&, const Resources&) = default;

  // Whether every component is at least the other's.
  constexpr bool covers(const Resources& need) const {
    return cpus >= need.cpus && memory_mib >= need.memory_mib && disk_mib >= need.disk_mib &&
           accelerators >= need.accelerators;
  }
};

// How many allocation units of shape `unit` hold `need` on one node: the largest of the components'
// quotients, rounded up, at least 1. Nothing when `need` asks for something of which the unit has
// none, or the count does not fit into 32 bits.
constexpr std::optional<std::uint32_t> units_for(const Resources& need, const Resources& unit) {
  std::uint64_t units = 1;
  const auto component = [&units](std::uint64_t wanted, std::uint64_t each) {
    if (wanted == 0) return true;
    if (each == 0) return false;
    units = std::max(units, wanted / each + (wanted % each != 0 ? 1 : 0));
    return true;
  };
  if (!component(need.cpus, unit.cpus) || !component(need.memory_mib, unit.memory_mib) ||
      !component(need.disk_mib, unit.disk_mib) ||
      !component(need.accelerators, unit.accelerators) || units > UINT32_MAX) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(units);
}

}  // namespace tradewind
