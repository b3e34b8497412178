#include "broker/routing/transfer.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "schemas/url.h"

namespace tradewind {
namespace {

Money plus(Money a, Money b) {
  return add(a, b).value_or(Money{INT64_MAX});
}

std::uint64_t seconds_ceil(std::uint64_t milliseconds) {
  return milliseconds / 1'000 + (milliseconds % 1'000 != 0 ? 1 : 0);
}

}  // namespace

Scheme scheme_of(std::string_view url) {
  if (is_web_url(url)) return Scheme::web;
  return is_file_url(url) ? Scheme::file : Scheme::none;
}

bool reachable(const Replica& replica, const SiteRecord& site) {
  if (is_web_url(replica.url)) return true;
  if (!is_file_url(replica.url)) return false;
  if (!replica.site.empty()) return replica.site == site.site.value;
  return replica.region.empty() || replica.region == site.region.value;
}

bool holds(const SiteRecord& site, const Input& input) {
  return !input.holding.none() && std::ranges::binary_search(site.holdings, input.holding);
}

std::optional<std::uint32_t> unreachable_input(const JobSpec& spec, const SiteRecord& site) {
  for (std::size_t index = 0; index < spec.inputs.size(); ++index) {
    const Input& input = spec.inputs[index];
    if (!input.content.empty()) continue;
    const bool found = std::ranges::any_of(
        input.replicas, [&site](const Replica& replica) { return reachable(replica, site); });
    if (!found) return static_cast<std::uint32_t>(index);
  }
  return std::nullopt;
}

JobData::JobData(const JobSpec& spec, const MarketView& view) : spec_(spec) {
  std::map<std::pair<std::string_view, std::string_view>, std::uint32_t> known;
  const auto index_of = [&](std::string_view site, std::string_view region) {
    if (site.empty() && region.empty()) region = spec.home_region;
    const auto [at, added] =
        known.try_emplace({site, region}, static_cast<std::uint32_t>(places_.size()));
    if (added) places_.push_back(place_named(site, region, view));
    return at->second;
  };
  replica_places_.reserve(spec.inputs.size());
  for (const Input& input : spec.inputs) {
    std::vector<std::uint32_t>& places = replica_places_.emplace_back();
    if (!input.content.empty()) continue;
    places.reserve(input.replicas.size());
    for (const Replica& each : input.replicas) places.push_back(index_of(each.site, each.region));
  }
  output_places_.reserve(spec.outputs.size());
  for (const Output& output : spec.outputs) output_places_.push_back(index_of({}, output.region));
}

std::optional<Transfer> JobData::at(const SiteRecord& site) const {
  const Place here = place_of(site);
  std::vector<std::optional<Path>> arriving(places_.size());
  const auto path_from = [&](std::uint32_t index) -> const Path& {
    if (!arriving[index]) arriving[index] = path(places_[index], here);
    return *arriving[index];
  };

  Transfer result;
  result.replicas.reserve(spec_.inputs.size());
  std::uint64_t slowest_in = 0;
  for (std::size_t number = 0; number < spec_.inputs.size(); ++number) {
    const Input& input = spec_.inputs[number];
    if (!input.content.empty()) {
      // Inline bytes travel with the dispatch itself.
      result.replicas.push_back(0);
      continue;
    }
    bool found = false;
    Money cheapest{};
    std::uint64_t fastest = 0;
    std::uint32_t chosen = 0;
    for (std::uint32_t index = 0; index < input.replicas.size(); ++index) {
      const Replica& replica = input.replicas[index];
      if (!reachable(replica, site)) continue;
      const Path way =
          is_file_url(replica.url) ? local_path() : path_from(replica_places_[number][index]);
      const Money cost = transfer_cost(way, input.size_bytes);
      const std::uint64_t milliseconds = transfer_milliseconds(way, input.size_bytes);
      if (!found || std::pair(cost, milliseconds) < std::pair(cheapest, fastest)) {
        found = true;
        cheapest = cost;
        fastest = milliseconds;
        chosen = index;
      }
    }
    if (!found) return std::nullopt;
    result.replicas.push_back(chosen);
    if (holds(site, input)) {
      result.held.push_back(static_cast<std::uint32_t>(number));
      cheapest = Money{};
      fastest = transfer_milliseconds(local_path(), input.size_bytes);
    }
    result.data_in = plus(result.data_in, cheapest);
    slowest_in = std::max(slowest_in, fastest);
  }
  result.stage_in_seconds = seconds_ceil(slowest_in);

  std::uint64_t slowest_out = 0;
  for (std::size_t number = 0; number < spec_.outputs.size(); ++number) {
    const Output& output = spec_.outputs[number];
    // Without a target, or with one in the site's own file system, the output stays at the site.
    if (!is_web_url(output.url)) continue;
    const Path way = path(here, places_[output_places_[number]]);
    result.data_out = plus(result.data_out, transfer_cost(way, output.size_bytes));
    slowest_out = std::max(slowest_out, transfer_milliseconds(way, output.size_bytes));
  }
  result.stage_out_seconds = seconds_ceil(slowest_out);
  return result;
}

}  // namespace tradewind
