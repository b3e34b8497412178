#include "broker/routing/network.h"

#include <algorithm>
#include <string_view>

#include "broker/routing/limits.h"

namespace tradewind {
namespace {

// How well a row's peer names the place: 3 site, 2 region, 1 jurisdiction, 0 default, -1 not at
// all.
int match_rank(std::string_view peer, const Place& place) {
  const auto names = [peer](std::string_view prefix, std::string_view value) {
    return !value.empty() && peer.size() == prefix.size() + value.size() &&
           peer.starts_with(prefix) && peer.ends_with(value);
  };
  if (names("site:", place.site)) return 3;
  if (names("region:", place.region)) return 2;
  if (names("jurisdiction:", place.jurisdiction)) return 1;
  return peer == "default" ? 0 : -1;
}

}  // namespace

Place place_of(const SiteRecord& record) {
  return Place{record.site.value, record.region.value, record.jurisdiction.value, &record};
}

Place place_of_region(std::string_view region, const MarketView& view) {
  Place place;
  place.region = region;
  if (region.empty()) return place;
  for (const auto& [id, site] : view.sites()) {
    if (site.record.region.value == region) {
      place.jurisdiction = site.record.jurisdiction.value;
      break;
    }
  }
  return place;
}

Place place_named(std::string_view site, std::string_view region, const MarketView& view) {
  if (!site.empty()) {
    if (const SiteView* known = view.find(SiteId{std::string(site)})) {
      return place_of(known->record);
    }
  }
  Place place = place_of_region(region, view);
  place.site = site;
  return place;
}

const NetworkTariff* network_row(const SiteRecord& record, const Place& other) {
  const NetworkTariff* best = nullptr;
  int best_rank = -1;
  for (const NetworkTariff& row : record.network) {
    const int rank = match_rank(row.peer, other);
    if (rank > best_rank) {
      best = &row;
      best_rank = rank;
    }
  }
  return best;
}

std::uint32_t measured_rtt_ms(const SiteRecord& record, const Place& other) {
  const auto row = std::lower_bound(
      record.round_trips.begin(), record.round_trips.end(), other.region,
      [](const RoundTrip& each, std::string_view region) { return each.region.value < region; });
  if (row == record.round_trips.end() || row->region.value != other.region || row->code == 0) {
    return 0;
  }
  return static_cast<std::uint32_t>((round_trip_of(row->code).count() + 999) / 1'000);
}

std::uint32_t measured_mbit(const SiteRecord& record, const Place& other, Direction direction) {
  const auto row = std::lower_bound(
      record.bandwidths.begin(), record.bandwidths.end(), other.region,
      [](const Bandwidth& each, std::string_view region) { return each.region.value < region; });
  if (row == record.bandwidths.end() || row->region.value != other.region) return 0;
  return direction == Direction::in ? row->in_mbit : row->out_mbit;
}

Path local_path() {
  return Path{MoneyPerGigabyte{0}, limits::bandwidth_mbit_local, 0};
}

Path path(const Place& from, const Place& to) {
  if (!from.site.empty() && from.site == to.site) return local_path();
  const NetworkTariff* leaving = from.record ? network_row(*from.record, to) : nullptr;
  const NetworkTariff* arriving = to.record ? network_row(*to.record, from) : nullptr;
  const std::int64_t egress = leaving ? leaving->egress.micros : 0;
  const std::int64_t ingress = arriving ? arriving->ingress.micros : 0;

  Path result;
  // A negative price is none that a site may ask; it makes the path unpayable instead of cheap.
  if (egress < 0 || ingress < 0 || __builtin_add_overflow(egress, ingress, &result.price.micros)) {
    result.price.micros = INT64_MAX;
  }
  // The receiving end measures what arrives; only where it says nothing, the sending end's figure
  // for the way back stands in.
  // What staging has achieved goes before what is stated.
  if (to.record) result.bandwidth_mbit = measured_mbit(*to.record, from, Direction::in);
  if (result.bandwidth_mbit == 0 && from.record) {
    result.bandwidth_mbit = measured_mbit(*from.record, to, Direction::out);
  }
  if (result.bandwidth_mbit == 0 && arriving) result.bandwidth_mbit = arriving->bandwidth_mbit;
  if (result.bandwidth_mbit == 0 && leaving) result.bandwidth_mbit = leaving->bandwidth_mbit;
  if (result.bandwidth_mbit == 0) result.bandwidth_mbit = limits::bandwidth_mbit_default;
  // Round trips are the same both ways, and what was measured goes before what is stated.
  if (to.record) result.rtt_ms = measured_rtt_ms(*to.record, from);
  if (result.rtt_ms == 0 && from.record) result.rtt_ms = measured_rtt_ms(*from.record, to);
  if (result.rtt_ms == 0 && arriving) result.rtt_ms = arriving->rtt_ms;
  if (result.rtt_ms == 0 && leaving) result.rtt_ms = leaving->rtt_ms;
  return result;
}

std::uint64_t transfer_milliseconds(const Path& path, std::uint64_t bytes) {
  __extension__ using Wide = unsigned __int128;
  // 10^6 bit/s are 125 bytes a millisecond.
  constexpr std::uint64_t small = std::uint64_t{1} << 48;
  if (bytes < small && path.bandwidth_mbit < small) {
    const std::uint64_t speed = path.bandwidth_mbit * 125;
    return (bytes + speed - 1) / speed + path.rtt_ms;
  }
  const Wide speed = static_cast<Wide>(path.bandwidth_mbit) * 125;
  const Wide sum = (static_cast<Wide>(bytes) + speed - 1) / speed + path.rtt_ms;
  return static_cast<std::uint64_t>(std::min(sum, Wide{limits::seconds_forever * 1'000}));
}

Money transfer_cost(const Path& path, std::uint64_t bytes) {
  if (bytes == 0 || path.price.micros == 0) return Money{0};
  if (bytes > static_cast<std::uint64_t>(INT64_MAX)) return Money{INT64_MAX};
  return transfer_cost_ceil(path.price, static_cast<std::int64_t>(bytes))
      .value_or(Money{INT64_MAX});
}

}  // namespace tradewind
