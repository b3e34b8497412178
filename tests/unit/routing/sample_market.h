// Sites, jobs and market views for the routing tests, in few words.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/routing/route.h"
#include "schemas/job.h"
#include "schemas/record.h"
#include "state/market/market_view.h"

namespace tradewind::sample {

inline constexpr Wall::time_point now = Wall::time_point(std::chrono::hours(24 * 365 * 56));

// A pool of `nodes` nodes with 16 CPUs, 64 GiB and 1,000 GiB of disk, in units of 4 CPUs; all free.
// `cpu_hour` in micro-units.
Pool pool(std::string_view id, std::int64_t cpu_hour = 10'000, std::uint32_t nodes = 4);
// "aa-north-1" lies in region "aa-north", jurisdiction "AA".
SiteRecord site(std::string_view id, std::vector<Pool> pools);
// Everything free at the list price.
QuoteSheet sheet(const SiteRecord& site);
// 4 CPUs, 8 GiB, amd64 or arm64, an hour.
JobSpec job();

struct Market {
  MarketView view;
  RouteOptions options;
  TenantId tenant{"physics"};
  std::string tie_key = "j0000000000001";
  std::vector<SiteId> excluded;

  void add(const SiteRecord& record);  // with its sheet
  void add(const SiteRecord& record, const QuoteSheet& sheet);
  void add_without_sheet(const SiteRecord& record);
  void add_member(const SiteId& site, MemberState state);
  Decision route(const JobSpec& spec) const;

 private:
  RecordHeader header(RecordKind kind, const SiteId& site) const;
};

// Jobs that wait, in order.
struct Queue {
  std::vector<JobSpec> specs;
  std::vector<std::string> keys;

  void add(const JobSpec& spec, std::size_t count = 1);
  std::vector<RouteRequest> requests(const Market& market) const;
};

// The one rejection of a market that is expected to have just one pool.
Rejection only_rejection(const Decision& decision);

}  // namespace tradewind::sample
