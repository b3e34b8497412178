#include "gateway/engines/slurm_discovery.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "schemas/architecture.h"
#include "schemas/ascii.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

bool holds(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

std::uint64_t units_of(std::uint64_t amount, std::uint64_t of_unit) {
  return of_unit == 0 ? std::numeric_limits<std::uint64_t>::max() : amount / of_unit;
}

std::uint64_t idle_units(const SlurmNode& node, const SlurmPool& pool) {
  const Resources& unit = pool.pool.unit;
  std::uint64_t units = std::min<std::uint64_t>(units_of(node.cpus_idle, unit.cpus),
                                                units_of(node.memory_idle_mib, unit.memory_mib));
  if (unit.accelerators > 0) {
    const std::uint64_t all = gres_count(node.gres, pool.gres);
    const std::uint64_t used = std::min(gres_count(node.gres_used, pool.gres), all);
    units = std::min(units, units_of(all - used, unit.accelerators));
  }
  return std::min<std::uint64_t>(units, units_per_node(pool.pool));
}

std::string toml_name(const std::string& text) {
  std::string name;
  for (const char each : ascii_lower(text)) {
    const bool plain = (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9');
    name += plain ? each : '-';
  }
  return name;
}

}  // namespace

bool belongs(const SlurmNode& node, const SlurmPool& pool) {
  if (!holds(node.partitions, pool.partition)) return false;
  if (!pool.features.empty() && !holds(node.features, pool.features)) return false;
  const auto architecture = parse_architecture("architecture", node.architecture);
  return !architecture || *architecture == pool.pool.architecture;
}

EngineCapacity slurm_capacity(const SlurmPool& pool, const std::vector<SlurmNode>& nodes,
                              const std::vector<SlurmJob>& jobs, std::uint64_t units_unstarted,
                              std::int64_t now) {
  EngineCapacity capacity;
  std::uint64_t free = 0;
  for (const SlurmNode& node : nodes) {
    if (!node.in_service || !belongs(node, pool)) continue;
    const std::uint64_t units = idle_units(node, pool);
    free += units;
    capacity.units_free_node =
        std::max(capacity.units_free_node, static_cast<std::uint32_t>(units));
    if (units == units_per_node(pool.pool)) ++capacity.nodes_free;
  }
  free -= std::min(free, units_unstarted);
  capacity.units_free =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(free, limits::pool_nodes_max));
  capacity.units_free_node = std::min(capacity.units_free_node, capacity.units_free);
  capacity.nodes_free =
      std::min(capacity.nodes_free, capacity.units_free / units_per_node(pool.pool));
  if (capacity.units_free > 0) return capacity;
  std::int64_t behind = 0;
  std::int64_t first_end = 0;
  for (const SlurmJob& job : jobs) {
    if (job.partition != pool.partition) continue;
    if (job.state == SlurmState::waiting) behind = std::max(behind, job.start);
    if (job.state == SlurmState::running && job.end > now) {
      first_end = first_end == 0 ? job.end : std::min(first_end, job.end);
    }
  }
  const std::int64_t start = std::max(behind, first_end);
  capacity.wait_seconds = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(start - now, 0, static_cast<std::int64_t>(limits::seconds_max)));
  return capacity;
}

std::string discovered_pools(const std::vector<SlurmNode>& nodes) {
  struct Kind {
    std::string partition, architecture, features, gres;
    std::uint64_t cpus, memory_mib;
    auto operator<=>(const Kind&) const = default;
  };
  std::map<Kind, std::uint64_t> kinds;
  for (const SlurmNode& node : nodes) {
    std::string features;
    for (const std::string& each : node.features) {
      features += (features.empty() ? "" : ",") + each;
    }
    for (const std::string& partition : node.partitions) {
      ++kinds[{partition, node.architecture, features, node.gres, node.cpus, node.memory_mib}];
    }
  }
  std::map<std::string, int> names;
  std::string text;
  for (const auto& [kind, count] : kinds) {
    std::string id = toml_name(kind.partition);
    if (const int before = names[id]++; before > 0) id += fmt::format("-{}", before + 1);
    text += fmt::format("[[pool]]\nid = \"{}\"\narchitecture = \"{}\"\nnodes = {}\n", id,
                        kind.architecture, count);
    const std::uint64_t accelerators = gres_count(kind.gres, "gpu");
    // Rounded down to a quarter GiB: Slurm gives no more than it has.
    text += fmt::format("node = {{ cpus = {}, memory_gib = {}.{:02}", kind.cpus,
                        kind.memory_mib / 1024, kind.memory_mib % 1024 / 256 * 25);
    if (accelerators > 0) text += fmt::format(", accelerators = {}", accelerators);
    text += " }\n";
    if (accelerators > 0) {
      text += "# accelerator = { family = \"cuda\", model = \"…\", memory_gib = … }\n";
    }
    text += "# tariff = { cpu_hour = \"…\", gib_hour = \"…\" }\n\n";
    text += fmt::format("[engine.slurm.pools.{}]\npartition = \"{}\"\n", id, kind.partition);
    if (!kind.features.empty()) {
      text += fmt::format("# features of these nodes: {}\n", kind.features);
    }
    if (!kind.gres.empty()) text += fmt::format("# gres of these nodes: {}\n", kind.gres);
    text += "\n";
  }
  return text;
}

}  // namespace tradewind
