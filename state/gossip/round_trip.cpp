#include "state/gossip/round_trip.h"

#include <algorithm>
#include <tuple>

#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr std::size_t samples_max = 5;
constexpr std::size_t awaited_max = 1'024;

}  // namespace

std::optional<std::chrono::microseconds> median(std::vector<std::chrono::microseconds> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<RoundTrip> round_trip_row(
    const std::map<RegionId, std::chrono::microseconds>& measured) {
  std::vector<RoundTrip> row;
  for (const auto& [region, time] : measured) {
    row.push_back(RoundTrip{region, round_trip_code(time)});
  }
  if (row.size() <= limits::measured_regions_max) return row;
  std::sort(row.begin(), row.end(), [](const RoundTrip& a, const RoundTrip& b) {
    return std::tie(a.code, a.region) < std::tie(b.code, b.region);
  });
  row.resize(limits::measured_regions_max);
  std::sort(row.begin(), row.end(),
            [](const RoundTrip& a, const RoundTrip& b) { return a.region < b.region; });
  return row;
}

bool row_change_matters(const std::vector<RoundTrip>& before, const std::vector<RoundTrip>& after) {
  return std::any_of(after.begin(), after.end(), [&before](const RoundTrip& each) {
    const auto earlier = std::find_if(before.begin(), before.end(), [&each](const RoundTrip& row) {
      return row.region == each.region;
    });
    if (earlier == before.end()) return true;
    const auto least = std::min(round_trip_of(earlier->code), round_trip_of(each.code));
    const auto most = std::max(round_trip_of(earlier->code), round_trip_of(each.code));
    return most - least >= std::max(least / 4, std::chrono::microseconds(1'000));
  });
}

void RoundTrips::sent(std::uint64_t exchange, const NodeId& peer, Mono::time_point now) {
  while (!awaited_.empty() &&
         (awaited_.size() >= awaited_max || now - awaited_.begin()->second.since > longest)) {
    awaited_.erase(awaited_.begin());
  }
  awaited_[exchange] = Awaited{peer, now};
}

bool RoundTrips::answered(std::uint64_t exchange, const NodeId& peer, Mono::time_point now) {
  const auto place = awaited_.find(exchange);
  if (place == awaited_.end() || place->second.peer != peer) return false;
  const auto taken = now - place->second.since;
  awaited_.erase(place);
  if (taken < Mono::duration::zero() || taken > longest) return false;
  std::deque<std::chrono::microseconds>& samples = samples_[peer];
  samples.push_back(taken);
  if (samples.size() > samples_max) samples.pop_front();
  return true;
}

std::optional<std::chrono::microseconds> RoundTrips::of(const NodeId& peer) const {
  const auto place = samples_.find(peer);
  if (place == samples_.end()) return std::nullopt;
  return median({place->second.begin(), place->second.end()});
}

}  // namespace tradewind
