#include "gateway/engines/kubernetes_capacity.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>

#include "gateway/engines/engine_capacity.h"

namespace tradewind {
namespace {

constexpr std::uint32_t wait_seconds_min = 30;

std::int64_t amount_of(const KubernetesAmounts& amounts, std::string_view name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? 0 : found->second;
}

KubernetesAmounts unit_of(const KubernetesPool& pool) {
  constexpr std::int64_t mib = 1'048'576;
  const Resources& unit = pool.pool.unit;
  const auto thousandths = [](std::uint64_t count, std::int64_t each) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count, 1'000'000'000)) * each;
  };
  KubernetesAmounts amounts;
  amounts["cpu"] = thousandths(unit.cpus, 1'000);
  amounts["memory"] = thousandths(unit.memory_mib, mib * 1'000);
  if (unit.disk_mib > 0) amounts["ephemeral-storage"] = thousandths(unit.disk_mib, mib * 1'000);
  if (unit.accelerators > 0) amounts[pool.accelerator] = thousandths(unit.accelerators, 1'000);
  return amounts;
}

}  // namespace

EngineCapacity kubernetes_capacity(const KubernetesPool& pool,
                                   const std::vector<KubernetesNode>& nodes,
                                   const std::vector<KubernetesPod>& pods,
                                   const KubernetesWaiting& waiting) {
  std::map<std::string_view, KubernetesAmounts> taken;
  for (const KubernetesPod& each : pods) {
    if (each.over() || each.node.empty()) continue;
    for (const auto& [name, amount] : each.requests) {
      std::int64_t& sum = taken[each.node][name];
      sum = std::min(amount, std::int64_t{1} << 62) + std::min(sum, std::int64_t{1} << 61);
    }
  }
  const KubernetesAmounts unit = unit_of(pool);
  EngineCapacity capacity;
  for (const KubernetesNode& node : nodes) {
    const bool ours = std::ranges::all_of(pool.selector, [&node](const auto& label) {
      const auto found = node.labels.find(label.first);
      return found != node.labels.end() && found->second == label.second;
    });
    if (!ours || !node.in_service) continue;
    std::int64_t free = units_per_node(pool.pool);
    for (const auto& [name, amount] : unit) {
      if (amount <= 0) continue;
      const std::int64_t idle =
          amount_of(node.allocatable, name) - amount_of(taken[node.name], name);
      free = std::min(free, std::max<std::int64_t>(idle, 0) / amount);
    }
    const auto units = static_cast<std::uint32_t>(free);
    capacity.units_free += units;
    capacity.units_free_node = std::max(capacity.units_free_node, units);
    if (units == units_per_node(pool.pool)) ++capacity.nodes_free;
  }
  take_units(capacity, pool.pool, waiting.units);
  if (capacity.units_free == 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(waiting.longest).count();
    capacity.wait_seconds = std::max(wait_seconds_min, static_cast<std::uint32_t>(seconds));
  }
  return capacity;
}

}  // namespace tradewind
