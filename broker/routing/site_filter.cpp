#include "broker/routing/site_filter.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "broker/routing/adequacy.h"
#include "broker/routing/limits.h"
#include "broker/routing/network.h"

namespace tradewind {
namespace {

using Names = std::vector<std::string> Constraints::*;
constexpr Names kNames[] = {
    &Constraints::sites_allowed,         &Constraints::sites_denied,
    &Constraints::regions_allowed,       &Constraints::regions_denied,
    &Constraints::jurisdictions_allowed, &Constraints::jurisdictions_denied,
    &Constraints::providers_allowed,     &Constraints::providers_denied,
};

const std::string& client_region(const JobSpec& spec) {
  const std::string& named = spec.constraints.latency_region;
  return named.empty() ? spec.home_region : named;
}

bool asks_anything(const JobSpec& spec) {
  const Constraints& asked = spec.constraints;
  return asked.latency_ms_max != 0 || asked.carbon_g_kwh_max != 0 || !asked.labels.empty() ||
         !asked.labels_denied.empty() ||
         std::ranges::any_of(kNames, [&](Names each) { return !(asked.*each).empty(); }) ||
         std::ranges::any_of(spec.inputs,
                             [](const Input& each) { return !each.residency.empty(); });
}

std::uint64_t hash_of(const JobSpec& spec) {
  const Constraints& asked = spec.constraints;
  std::uint64_t hash = fold(asked.latency_ms_max, asked.carbon_g_kwh_max);
  if (asked.latency_ms_max != 0) hash = fold(hash, client_region(spec));
  for (const Names each : kNames) {
    hash = fold(hash, (asked.*each).size());
    for (const std::string& name : asked.*each) hash = fold(hash, name);
  }
  for (const auto* labels : {&asked.labels, &asked.labels_denied}) {
    hash = fold(hash, labels->size());
    for (const auto& [key, value] : *labels) hash = fold(fold(hash, key), value);
  }
  for (const Input& input : spec.inputs) {
    for (const Jurisdiction& each : input.residency) hash = fold(hash, each.value);
  }
  return hash;
}

// Inputs without residency ask nothing; the others in order.
bool same_residency(const std::vector<Input>& asks, const std::vector<Input>& inputs) {
  auto asked = asks.begin();
  for (const Input& input : inputs) {
    if (input.residency.empty()) continue;
    if (asked == asks.end() || asked->residency != input.residency) return false;
    ++asked;
  }
  return asked == asks.end();
}

bool same(const SiteFilter& filter, const JobSpec& spec) {
  const Constraints& a = filter.asks.constraints;
  const Constraints& b = spec.constraints;
  return a.latency_ms_max == b.latency_ms_max && a.carbon_g_kwh_max == b.carbon_g_kwh_max &&
         (a.latency_ms_max == 0 || a.latency_region == client_region(spec)) &&
         a.labels == b.labels && a.labels_denied == b.labels_denied &&
         std::ranges::all_of(kNames, [&](Names each) { return a.*each == b.*each; }) &&
         same_residency(filter.asks.inputs, spec.inputs);
}

}  // namespace

bool may_lie_at(const JobSpec& spec, const SiteRecord& site, std::uint32_t pool_index,
                const MarketView& view) {
  const Constraints& asked = spec.constraints;
  return !place_miss(spec, site) && !label_miss(asked, site, site.pools[pool_index]) &&
         !carbon_miss(asked, site) &&
         (asked.latency_ms_max == 0 ||
          !latency_miss(asked, site, place_of_region(client_region(spec), view)));
}

FilterTable::FilterTable(const MarketView& view) : view_(view) {}

void FilterTable::trim() {
  filters_.trim(limits::filters_bytes_max / (view_.columns().pools_count() + 1));
}

const SiteFilter* FilterTable::filter(const JobSpec& spec) {
  if (!asks_anything(spec)) return nullptr;
  const std::uint64_t hash = hash_of(spec);
  SiteFilter* found = filters_.find(hash, [&](const SiteFilter& each) { return same(each, spec); });
  if (found == nullptr) {
    auto made = std::make_unique<SiteFilter>();
    Constraints& asks = made->asks.constraints;
    for (const Names each : kNames) asks.*each = spec.constraints.*each;
    asks.labels = spec.constraints.labels;
    asks.labels_denied = spec.constraints.labels_denied;
    asks.carbon_g_kwh_max = spec.constraints.carbon_g_kwh_max;
    asks.latency_ms_max = spec.constraints.latency_ms_max;
    if (asks.latency_ms_max != 0) asks.latency_region = client_region(spec);
    for (const Input& each : spec.inputs) {
      if (!each.residency.empty()) made->asks.inputs.emplace_back().residency = each.residency;
    }
    found = &filters_.add(hash, std::move(made));
  }
  if (found->structure != view_.columns().structure()) refresh(*found);
  return found;
}

void FilterTable::refresh(SiteFilter& filter) const {
  const MarketColumns& columns = view_.columns();
  const Constraints& asks = filter.asks.constraints;
  const Place client =
      asks.latency_ms_max == 0 ? Place{} : place_of_region(asks.latency_region, view_);
  std::vector<std::uint32_t> changed;
  bool whole = filter.structure == 0 || client.jurisdiction != filter.jurisdiction;
  for (std::uint64_t each = filter.structure + 1; !whole && each <= columns.structure(); ++each) {
    const std::optional<std::uint32_t> site = columns.changed_site(each);
    whole = !site;
    if (site) changed.push_back(*site);
  }
  filter.structure = columns.structure();
  filter.jurisdiction = client.jurisdiction;
  filter.pools.resize(columns.pools_count());
  const auto put = [&](std::uint32_t number) {
    const SiteRow& site = columns.site(number);
    const SiteRecord& record = site.view->record;
    const bool passes = !place_miss(filter.asks, record) && !carbon_miss(asks, record) &&
                        !latency_miss(asks, record, client);
    for (std::size_t index = 0; index < site.pools.size(); ++index) {
      filter.pools[site.pools[index]] =
          passes && !label_miss(asks, record, record.pools[index]) ? 1 : 0;
    }
  };
  if (whole) {
    for (std::uint32_t number = 0; number < columns.sites_count(); ++number) put(number);
  } else {
    for (const std::uint32_t number : changed) put(number);
  }

  const PriceIndex& index = columns.index();
  filter.blocks.assign(index.blocks_count(), 0);
  for (std::uint32_t number = 0; number < index.blocks_count(); ++number) {
    const PriceIndex::Block& block = index.block(number);
    for (std::uint32_t each = 0; each < block.count; ++each) {
      filter.blocks[number] |= std::uint32_t{filter.pools[block.pools[each]]} << each;
    }
  }
}

}  // namespace tradewind
