// The directed path between two places, as site records state it and as their sites measured it:
// what a byte costs on it, how fast it goes and how long a round trip takes. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/money.h"
#include "schemas/site.h"
#include "state/market/market_view.h"

namespace tradewind {

// One end of a path. Empty texts are unknown; a place with nothing known is "somewhere on the
// internet". The texts and the record are borrowed from the job and the market view.
struct Place {
  std::string_view site;
  std::string_view region;
  std::string_view jurisdiction;
  const SiteRecord* record = nullptr;  // of a site that the market view knows
};

Place place_of(const SiteRecord& record);
// A region lies in the jurisdiction of the first known site (by id) in it.
Place place_of_region(std::string_view region, const MarketView& view);
// What a job says of a copy's or target's place: the site when it is known, else its region.
Place place_named(std::string_view site, std::string_view region, const MarketView& view);

// The row of `record` that holds for `other`: "site:", "region:", "jurisdiction:", "default", in
// this order; of several rows for the same peer the first. Null: the record has none.
const NetworkTariff* network_row(const SiteRecord& record, const Place& other);

// Milliseconds of a round trip between the site and the other end's region as the site's exchanges
// measured it, rounded up; 0: not measured.
std::uint32_t measured_rtt_ms(const SiteRecord& record, const Place& other);

// 10^6 bit/s that the site's staging achieved from the other end's region or to it; 0: not
// measured.
enum class Direction : std::uint8_t { in, out };
std::uint32_t measured_mbit(const SiteRecord& record, const Place& other, Direction direction);

struct Path {
  MoneyPerGigabyte price{};  // egress at one end and ingress at the other; accounting currency.
                             // INT64_MAX: does not fit
  std::uint64_t bandwidth_mbit = 0;  // never 0: see limits.h for what is assumed
  std::uint32_t rtt_ms = 0;          // 0: unknown
};
// Within one site traffic is free and local. An end without a known record charges nothing.
Path path(const Place& from, const Place& to);
// What is within one site: free, limits::bandwidth_mbit_local, no round trip.
Path local_path();

// Milliseconds that `bytes` take on the path: a round trip and the transfer, rounded up; at most
// 1,000 * limits::seconds_forever.
std::uint64_t transfer_milliseconds(const Path& path, std::uint64_t bytes);
// What they cost, rounded up; INT64_MAX when it does not fit.
Money transfer_cost(const Path& path, std::uint64_t bytes);

}  // namespace tradewind
