#include "broker/routing/adequacy.h"

#include <algorithm>

#include "broker/routing/finish.h"

namespace tradewind {
namespace {

// Reasons carry signed numbers; what does not fit is as good as the largest.
constexpr std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

Miss more_than(ReasonCode reason, std::uint64_t wanted, std::uint64_t offered) {
  return wanted > offered ? Miss{reason, number(wanted), number(offered)} : Miss{};
}

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::ranges::find(list, value) != list.end();
}

bool permits(const std::vector<std::string>& allowed, const std::vector<std::string>& denied,
             const std::string& value) {
  return (allowed.empty() || contains(allowed, value)) && !contains(denied, value);
}

}  // namespace

Offered offered_by(const MarketColumns& columns, std::uint32_t pool) {
  const PoolRow& row = columns.pool(pool);
  return {row.nodes, columns.shape(row.shape).units_node, row.units_free, row.units_free_node,
          row.nodes_free};
}

std::uint32_t nodes_wanted(const JobSpec& spec) {
  return std::max<std::uint32_t>(1, spec.nodes);
}

bool wants_accelerator(const JobSpec& spec, const Variant& variant) {
  const AcceleratorNeed& need = variant.accelerator;
  return spec.resources.accelerators > 0 || !need.family.empty() || !need.models.empty() ||
         need.memory_gib_min > 0 || need.interconnect_min != Interconnect::none;
}

Miss shape_miss(const JobSpec& spec, const Variant& variant, const Pool& pool,
                std::uint32_t units_node) {
  if (std::ranges::find(variant.architectures, pool.architecture) == variant.architectures.end()) {
    return {ReasonCode::architecture, 0, 0};
  }
  const Resources& need = spec.resources;
  if (wants_accelerator(spec, variant)) {
    const AcceleratorNeed& asked = variant.accelerator;
    const Accelerator& has = pool.accelerator;
    if (has.family.empty() || (!asked.family.empty() && asked.family != has.family)) {
      return {ReasonCode::accelerator_family, 0, 0};
    }
    if (!asked.models.empty() && !contains(asked.models, has.model)) {
      return {ReasonCode::accelerator_model, 0, 0};
    }
    if (const Miss miss =
            more_than(ReasonCode::accelerator_memory, asked.memory_gib_min, has.memory_gib)) {
      return miss;
    }
    if (const Miss miss = more_than(ReasonCode::accelerator_count, need.accelerators,
                                    std::uint64_t{units_node} * pool.unit.accelerators)) {
      return miss;
    }
    if (const Miss miss =
            more_than(ReasonCode::interconnect, static_cast<std::uint64_t>(asked.interconnect_min),
                      static_cast<std::uint64_t>(has.interconnect))) {
      return miss;
    }
  }
  // A node offers what its whole units add up to; the rest of it cannot be reserved.
  if (const Miss miss =
          more_than(ReasonCode::cpus, need.cpus, std::uint64_t{units_node} * pool.unit.cpus)) {
    return miss;
  }
  if (const Miss miss =
          more_than(ReasonCode::memory, need.memory_mib, units_node * pool.unit.memory_mib)) {
    return miss;
  }
  if (const Miss miss =
          more_than(ReasonCode::disk, need.disk_mib, units_node * pool.unit.disk_mib)) {
    return miss;
  }
  return more_than(ReasonCode::nodes, nodes_wanted(spec), units_node == 0 ? 0 : pool.nodes);
}

Miss place_miss(const JobSpec& spec, const SiteRecord& site) {
  const Constraints& asked = spec.constraints;
  if (!permits(asked.sites_allowed, asked.sites_denied, site.site.value)) {
    return {ReasonCode::site_denied, 0, 0};
  }
  if (!permits(asked.regions_allowed, asked.regions_denied, site.region.value)) {
    return {ReasonCode::region_denied, 0, 0};
  }
  if (!permits(asked.jurisdictions_allowed, asked.jurisdictions_denied, site.jurisdiction.value)) {
    return {ReasonCode::jurisdiction_denied, 0, 0};
  }
  if (!permits(asked.providers_allowed, asked.providers_denied, site.provider)) {
    return {ReasonCode::provider_denied, 0, 0};
  }
  for (const Input& input : spec.inputs) {
    if (!input.residency.empty() &&
        std::ranges::find(input.residency, site.jurisdiction) == input.residency.end()) {
      return {ReasonCode::data_residency, 0, 0};
    }
  }
  return {};
}

Miss label_miss(const Constraints& constraints, const SiteRecord& site, const Pool& pool) {
  const auto has = [](const std::map<std::string, std::string>& labels, const auto& wanted) {
    const auto at = labels.find(wanted.first);
    return at != labels.end() && at->second == wanted.second;
  };
  for (const auto& wanted : constraints.labels) {
    if (!has(pool.labels, wanted) && !has(site.labels, wanted)) return {ReasonCode::label, 0, 0};
  }
  for (const auto& denied : constraints.labels_denied) {
    if (has(pool.labels, denied) || has(site.labels, denied)) return {ReasonCode::label, 0, 0};
  }
  return {};
}

Miss policy_miss(const JobSpec& spec, const TenantId& tenant, const SitePolicy& policy,
                 std::optional<std::uint64_t> run) {
  const auto lists = [&tenant](const std::vector<TenantId>& tenants) {
    return std::ranges::find(tenants, tenant) != tenants.end();
  };
  if (lists(policy.tenants_denied) ||
      (!policy.tenants_allowed.empty() && !lists(policy.tenants_allowed))) {
    return {ReasonCode::site_policy, 0, 0};
  }
  return more_than(ReasonCode::site_policy, std::max(run.value_or(0), spec.run_seconds_max),
                   policy.run_seconds_max);
}

Miss workload_miss(std::optional<std::uint64_t> run) {
  return run ? Miss{} : Miss{ReasonCode::workload_class, 0, 0};
}

Miss preemptible_miss(const Constraints& constraints, const Tariff& tariff) {
  const bool sells = constraints.preemptible_allowed && tariff.preemptible_ppm > 0;
  return tariff.preemptible_only && !sells ? Miss{ReasonCode::preemptible_only, 0, 0} : Miss{};
}

Miss carbon_miss(const Constraints& constraints, const SiteRecord& site) {
  const std::uint32_t cap = constraints.carbon_g_kwh_max;
  if (cap == 0 || (site.carbon_g_kwh != 0 && site.carbon_g_kwh <= cap)) return {};
  return {ReasonCode::carbon, cap, site.carbon_g_kwh};
}

Miss latency_miss(const Constraints& constraints, const SiteRecord& site, const Place& client) {
  const std::uint32_t bound = constraints.latency_ms_max;
  if (bound == 0) return {};
  std::uint32_t rtt = measured_rtt_ms(site, client);
  if (rtt == 0) {
    const NetworkTariff* row = network_row(site, client);
    rtt = row ? row->rtt_ms : 0;
  }
  if (rtt != 0 && rtt <= bound) return {};
  return {ReasonCode::latency, bound, rtt};
}

Miss rate_miss(const Constraints& constraints, std::optional<MoneyPerHour> rate) {
  const std::int64_t cap = constraints.rate_max ? constraints.rate_max->micros : INT64_MAX;
  if (!rate) return {ReasonCode::rate_cap, cap, INT64_MAX};
  if (rate->micros > cap) return {ReasonCode::rate_cap, cap, rate->micros};
  return {};
}

Miss state_miss(const SiteView& site) {
  return may_serve(site) ? Miss{} : Miss{ReasonCode::site_state, 0, 0};
}

Miss excluded_miss(const std::vector<SiteId>& excluded, const SiteId& site) {
  const bool found = std::ranges::find(excluded, site) != excluded.end();
  return found ? Miss{ReasonCode::excluded, 0, 0} : Miss{};
}

Miss trust_miss(const SiteTrust& trust) {
  return trust.closed() ? Miss{ReasonCode::distrusted, SiteTrust::least_ppm, trust.ppm} : Miss{};
}

std::uint64_t energy_wh(std::uint32_t unit_watts, std::uint32_t nodes, std::uint32_t units,
                        std::uint64_t seconds) {
  __extension__ using Wide = unsigned __int128;
  const Wide watts = Wide{nodes} * units * unit_watts;
  Wide watt_seconds = 0;
  if (__builtin_mul_overflow(watts, Wide{seconds}, &watt_seconds)) return UINT64_MAX;
  const Wide whole = watt_seconds / 3'600 + (watt_seconds % 3'600 != 0 ? 1 : 0);
  return static_cast<std::uint64_t>(std::min(whole, Wide{UINT64_MAX}));
}

Miss energy_miss(std::int64_t energy_left_wh, std::uint64_t energy) {
  if (energy_left_wh < 0) return {};
  return more_than(ReasonCode::energy_quota, std::max<std::uint64_t>(1, energy),
                   static_cast<std::uint64_t>(energy_left_wh));
}

Miss capacity_miss(const Pool& pool, const PoolQuote& quote, std::uint32_t nodes,
                   std::uint32_t units, std::uint32_t units_node, Debited debited,
                   std::uint32_t spare_units, HeldUnits held) {
  return capacity_miss(
      Offered{pool.nodes, units_node, quote.units_free, quote.units_free_node, quote.nodes_free},
      nodes, units, debited, spare_units, held);
}

Miss capacity_miss(const Offered& offered, std::uint32_t nodes, std::uint32_t units,
                   Debited debited, std::uint32_t spare_units, HeldUnits held) {
  const auto left = [](std::uint64_t of, std::uint64_t taken) {
    return of > taken ? of - taken : 0;
  };
  if (nodes == 1) {
    if (const Miss miss = more_than(ReasonCode::capacity, units, offered.units_free_node)) {
      return miss;
    }
  } else if (const Miss miss =
                 more_than(ReasonCode::capacity, nodes, left(offered.nodes_free, debited.nodes))) {
    // Only a node with nothing on it surely holds a node's share, and whatever was dispatched is
    // taken to have begun a node of its own. Where the site packs better, its next quote says so.
    return miss;
  }
  const std::uint64_t needed = std::uint64_t{nodes} * units;
  const std::uint64_t whole = std::uint64_t{offered.pool_nodes} * offered.units_node;
  // A margin that the pool could never have beside this job is no reason to wait for ever.
  const std::uint64_t spare = std::min<std::uint64_t>(spare_units, left(whole, needed));
  const std::uint64_t free = left(offered.units_free, debited.units) + held.own;
  return more_than(
      needed + spare <= free + held.others ? ReasonCode::contract_capacity : ReasonCode::capacity,
      needed + spare, free);
}

Miss wait_miss(const Constraints& constraints, std::uint32_t wait_seconds) {
  const std::uint32_t bound = constraints.wait_seconds_max;
  if (bound == 0 || wait_seconds <= bound) return {};
  return {ReasonCode::wait, bound, wait_seconds};
}

Miss deadline_miss(const JobSpec& spec, std::uint64_t run, std::uint64_t total_seconds,
                   Wall::time_point now) {
  if (spec.run_seconds_max != 0 && run > spec.run_seconds_max) {
    return {ReasonCode::deadline, number(spec.run_seconds_max), number(run)};
  }
  if (!spec.constraints.deadline) return {};
  const std::int64_t left = seconds_until(*spec.constraints.deadline, now);
  const std::int64_t total = number(total_seconds);
  return total > left ? Miss{ReasonCode::deadline, left, total} : Miss{};
}

Miss budget_miss(const Constraints& constraints, const std::optional<CostBreakdown>& cost) {
  const std::int64_t cap = constraints.cost_max ? constraints.cost_max->micros : INT64_MAX;
  if (!cost) return {ReasonCode::budget, cap, INT64_MAX};
  if (cost->total.micros > cap) return {ReasonCode::budget, cap, cost->total.micros};
  return {};
}

}  // namespace tradewind
