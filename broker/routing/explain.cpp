#include "broker/routing/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "broker/routing/finish.h"
#include "schemas/architecture.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " or "));
}

std::string architectures(const Variant& variant) {
  std::vector<std::string> names;
  for (const Architecture each : variant.architectures) names.emplace_back(to_string(each));
  return joined(names);
}

std::string money(std::int64_t micros, const RouteOptions& options) {
  if (micros == INT64_MAX) return "more than can be counted";
  return fmt::format("{} {}", to_decimal(micros), options.rates.accounting_currency);
}

// Of a list of what is allowed and one of what is denied, the one that speaks against `value`.
std::string list_against(std::string_view kind, const std::vector<std::string>& denied,
                         const std::string& value) {
  if (std::ranges::find(denied, value) != denied.end())
    return fmt::format("the job denies {} {}", kind, value);
  return fmt::format("{} {} is not among those that the job allows", kind, value);
}

std::string residency(const JobSpec& spec, const SiteRecord& site) {
  for (const Input& input : spec.inputs) {
    if (input.residency.empty() ||
        std::ranges::find(input.residency, site.jurisdiction) != input.residency.end()) {
      continue;
    }
    std::vector<std::string> places;
    for (const Jurisdiction& each : input.residency) places.push_back(each.value);
    return fmt::format("input {} may be processed in {} only, the site is in {}",
                       input.name.empty() ? input.path : input.name, joined(places),
                       site.jurisdiction.value);
  }
  return {};
}

std::string label(const Constraints& constraints, const SiteRecord& site, const Pool& pool) {
  for (const auto& [key, value] : constraints.labels) {
    Constraints one;
    one.labels = {{key, value}};
    if (label_miss(one, site, pool)) return fmt::format("lacks the label {}={}", key, value);
  }
  for (const auto& [key, value] : constraints.labels_denied) {
    Constraints one;
    one.labels_denied = {{key, value}};
    if (label_miss(one, site, pool))
      return fmt::format("the job denies the label {}={}", key, value);
  }
  return {};
}

std::string capacity(const RouteRequest& request, const Miss& miss) {
  const bool nodes =
      nodes_wanted(request.spec) > 1 && miss.wanted == std::int64_t{nodes_wanted(request.spec)};
  return fmt::format("needs {} free {}, has {} now", miss.wanted,
                     nodes ? "nodes" : (miss.wanted == 1 ? "unit" : "units"), miss.offered);
}

std::string state(const SiteView& site) {
  if (site.member_state != MemberState::active) {
    return fmt::format("the site's membership is {}", to_string(site.member_state));
  }
  if (site.quarantined) return "the site is quarantined: it has signed two stories";
  return fmt::format("the site is in the state {}", to_string(site.record.state));
}

std::string distrust(const SiteTrust& trust, const Miss& miss) {
  return fmt::format(
      "its trust is {} %, below {} %: attempts were refused or lost there lately; {}",
      miss.offered / 10'000, miss.wanted / 10'000,
      trust.state == TrustState::tried ? "one attempt is there on trial"
                                       : "it is tried again at " + to_rfc3339(trust.until));
}

std::string deadline(const JobSpec& spec, const PoolMiss& miss) {
  const auto run = run_seconds(spec, spec.variants[miss.variant], *miss.pool);
  if (spec.run_seconds_max != 0 && run && *run > spec.run_seconds_max) {
    return fmt::format("would run {} s, the job's own time limit is {} s", miss.miss.offered,
                       miss.miss.wanted);
  }
  if (miss.miss.wanted < 0) return "the deadline has passed";
  return fmt::format("would be done in {} s, the deadline is in {} s", miss.miss.offered,
                     miss.miss.wanted);
}

std::string unreachable(const JobSpec& spec, const Miss& miss) {
  const Input& input = spec.inputs[static_cast<std::size_t>(miss.wanted - 1)];
  return fmt::format("the site can reach no replica of input {}",
                     input.name.empty() ? input.path : input.name);
}

}  // namespace

std::string explain(const RouteRequest& request, const RouteOptions& options,
                    const PoolMiss& missed) {
  const JobSpec& spec = request.spec;
  const Constraints& asked = spec.constraints;
  const Variant& variant = spec.variants[missed.variant];
  const SiteRecord& site = missed.site->record;
  const Pool& pool = *missed.pool;
  const Miss& miss = missed.miss;

  switch (miss.reason) {
    case ReasonCode::none: return {};
    case ReasonCode::architecture:
      return fmt::format("needs {}, is {}", architectures(variant), to_string(pool.architecture));
    case ReasonCode::accelerator_family:
      if (pool.accelerator.family.empty()) return "needs an accelerator, has none";
      return fmt::format("needs a {} accelerator, has {}", variant.accelerator.family,
                         pool.accelerator.family);
    case ReasonCode::accelerator_model:
      return fmt::format("needs the accelerator {}, has {}", joined(variant.accelerator.models),
                         pool.accelerator.model);
    case ReasonCode::accelerator_memory:
      return fmt::format("needs {} GiB of memory for each accelerator, has {}", miss.wanted,
                         miss.offered);
    case ReasonCode::accelerator_count:
      return fmt::format("needs {} accelerators on a node, has {}", miss.wanted, miss.offered);
    case ReasonCode::interconnect:
      return fmt::format("needs accelerators joined by {} or better, has {}",
                         to_string(variant.accelerator.interconnect_min),
                         to_string(pool.accelerator.interconnect));
    case ReasonCode::cpus:
      return fmt::format("needs {} CPUs on a node, has {}", miss.wanted, miss.offered);
    case ReasonCode::memory:
      return fmt::format("needs {} MiB of memory on a node, has {}", miss.wanted, miss.offered);
    case ReasonCode::disk:
      return fmt::format("needs {} MiB of disk on a node, has {}", miss.wanted, miss.offered);
    case ReasonCode::nodes: return fmt::format("needs {} nodes, has {}", miss.wanted, miss.offered);
    case ReasonCode::site_denied: return list_against("site", asked.sites_denied, site.site.value);
    case ReasonCode::region_denied:
      return list_against("region", asked.regions_denied, site.region.value);
    case ReasonCode::jurisdiction_denied:
      return list_against("jurisdiction", asked.jurisdictions_denied, site.jurisdiction.value);
    case ReasonCode::provider_denied:
      return list_against("provider", asked.providers_denied, site.provider);
    case ReasonCode::data_residency: return residency(spec, site);
    case ReasonCode::label: return label(asked, site, pool);
    case ReasonCode::site_policy:
      if (miss.wanted == 0) {
        return fmt::format("the site does not serve the tenant {}", request.tenant.value);
      }
      return fmt::format("needs a run of {} s, the site grants at most {} s", miss.wanted,
                         miss.offered);
    case ReasonCode::workload_class:
      return fmt::format("states no performance for the workload class {}", variant.workload_class);
    case ReasonCode::preemptible_only:
      return "is sold as preemptible only, which the job does not allow";
    case ReasonCode::carbon:
      if (miss.offered == 0) {
        return fmt::format("wants at most {} g/kWh of carbon, the site states none", miss.wanted);
      }
      return fmt::format("wants at most {} g/kWh of carbon, the site has {}", miss.wanted,
                         miss.offered);
    case ReasonCode::latency:
      if (miss.offered == 0) {
        return fmt::format("wants a round trip of at most {} ms, the site's is unknown",
                           miss.wanted);
      }
      return fmt::format("wants a round trip of at most {} ms, the site's is {} ms", miss.wanted,
                         miss.offered);
    case ReasonCode::rate_cap:
      return fmt::format("wants at most {} an hour, costs {}", money(miss.wanted, options),
                         money(miss.offered, options));
    case ReasonCode::currency:
      return fmt::format("no rate from {} to {} is known", pool.tariff.currency,
                         options.rates.accounting_currency);
    case ReasonCode::site_state: return state(*missed.site);
    case ReasonCode::excluded: return "the job was refused or lost there just now";
    case ReasonCode::distrusted: return distrust(missed.site->trust, miss);
    case ReasonCode::quote_missing: return "has no valid quote";
    case ReasonCode::energy_quota:
      if (miss.offered == 0) return "the site's energy quota is used up";
      return fmt::format("would draw {} Wh, the site's energy quota has {} left", miss.wanted,
                         miss.offered);
    case ReasonCode::capacity: return capacity(request, miss);
    case ReasonCode::contract_capacity:
      return capacity(request, miss) + "; what else is free is held for contracts";
    case ReasonCode::wait:
      return fmt::format("wants to wait at most {} s, the expected wait is {} s", miss.wanted,
                         miss.offered);
    case ReasonCode::deadline: return deadline(spec, missed);
    case ReasonCode::budget:
      return fmt::format("wants to pay at most {}, would cost {}", money(miss.wanted, options),
                         money(miss.offered, options));
    case ReasonCode::transfer_unknown: return unreachable(spec, miss);
  }
  return {};
}

namespace {

// What would have to be different, as the subject of a sentence.
std::string change(const JobSpec& spec, const Relaxation& relaxation, const RouteOptions& options) {
  const std::string& value = relaxation.value;
  const std::int64_t to = relaxation.to;
  const std::int64_t more = to - relaxation.from;
  const auto of_variant = [&](std::string text) {
    if (spec.variants.size() == 1) return text;
    const std::string& name = spec.variants[relaxation.variant].name;
    return fmt::format("{} for variant {}", text,
                       name.empty() ? std::to_string(relaxation.variant) : name);
  };
  switch (relaxation.constraint) {
    case ReasonCode::architecture: return of_variant("a build for " + value);
    case ReasonCode::accelerator_model: return of_variant("also taking model " + value);
    case ReasonCode::accelerator_memory:
      return of_variant(fmt::format("being content with {} GiB of accelerator memory", to));
    case ReasonCode::interconnect:
      return of_variant(fmt::format("being content with the interconnect {}",
                                    to_string(static_cast<Interconnect>(to))));
    case ReasonCode::accelerator_count: return fmt::format("{} accelerators a node", to);
    case ReasonCode::cpus: return fmt::format("{} CPUs a node", to);
    case ReasonCode::memory: return fmt::format("{} MiB of memory a node", to);
    case ReasonCode::disk: return fmt::format("{} MiB of disk a node", to);
    case ReasonCode::nodes: return fmt::format("{} nodes", to);
    case ReasonCode::site_denied: return "allowing site " + value;
    case ReasonCode::region_denied: return "allowing region " + value;
    case ReasonCode::jurisdiction_denied: return "allowing jurisdiction " + value;
    case ReasonCode::provider_denied: return "allowing provider " + value;
    case ReasonCode::label: return "dropping the label " + value;
    case ReasonCode::preemptible_only: return "allowing preemptible capacity";
    case ReasonCode::carbon: return fmt::format("a carbon cap of {} g/kWh", to);
    case ReasonCode::latency: return fmt::format("a latency bound of {} ms", to);
    case ReasonCode::rate_cap: return fmt::format("a rate cap of {} an hour", money(to, options));
    case ReasonCode::wait: return fmt::format("{} s more of waiting", more);
    case ReasonCode::deadline:
      return relaxation.from < 0 ? fmt::format("a deadline in {} s", to)
                                 : fmt::format("{} s more until the deadline", more);
    case ReasonCode::budget: return fmt::format("a budget of {}", money(to, options));
    default: return {};
  }
}

// Tenths of a percent: 312,345 ppm -> "31.2".
std::string percent(std::int64_t ppm) {
  return fmt::format("{}.{}", ppm / 10'000, ppm / 1'000 % 10);
}

}  // namespace

std::string explain(const JobSpec& spec, const Candidate* base, const Relaxation& relaxation,
                    const RouteOptions& options) {
  const Candidate& chosen = relaxation.chosen;
  const std::string what = change(spec, relaxation, options);
  const std::string then =
      fmt::format("{}/{} at {}, finished in {} s", chosen.site.value, chosen.pool.value,
                  money(chosen.cost.total.micros, options), chosen.finish.total_seconds);
  if (base == nullptr) return fmt::format("{} would do: {}", what, then);
  const std::string share = percent(relaxation.better_ppm);
  if (spec.objective == Objective::cheapest) {
    return fmt::format("{} saves {} ({} %): {}", what, money(relaxation.saving.micros, options),
                       share, then);
  }
  if (spec.objective == Objective::fastest) {
    return fmt::format("{} finishes {} s sooner ({} %): {}", what,
                       base->finish.total_seconds - chosen.finish.total_seconds, share, then);
  }
  return fmt::format("{} is {} % better in cost and time: {}", what, share, then);
}

}  // namespace tradewind
