// Round trips measured on exchanges: from a syn's sending to its syn-ack's arrival.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "schemas/ids.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

// The lower median; nothing of nothing.
std::optional<std::chrono::microseconds> median(std::vector<std::chrono::microseconds> values);

// As a site record tells them: the nearest limits::measured_regions_max, sorted by region.
std::vector<RoundTrip> round_trip_row(
    const std::map<RegionId, std::chrono::microseconds>& measured);
// Whether a region is new in `after`, or some time differs by a quarter and 1 ms at least.
bool row_change_matters(const std::vector<RoundTrip>& before, const std::vector<RoundTrip>& after);

class RoundTrips {
 public:
  // Longer than any sane round trip: what answers later tells of queues, not of the network.
  static constexpr std::chrono::seconds longest{10};

  // A syn with this exchange number left for `peer`. Numbers must differ and rise.
  void sent(std::uint64_t exchange, const NodeId& peer, Mono::time_point now);
  // Whether this peer's answer to that exchange was still awaited; then its time is kept, and a
  // second answer is no longer awaited.
  bool answered(std::uint64_t exchange, const NodeId& peer, Mono::time_point now);
  void forget(const NodeId& peer) { samples_.erase(peer); }

  // Median of the peer's last five.
  std::optional<std::chrono::microseconds> of(const NodeId& peer) const;

 private:
  struct Awaited {
    NodeId peer;
    Mono::time_point since{};
  };
  std::map<std::uint64_t, Awaited> awaited_;
  std::map<NodeId, std::deque<std::chrono::microseconds>> samples_;
};

}  // namespace tradewind
