// Sites of the sample market and jobs for a router.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "broker/core/market_router.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind::router_sample {

inline void add_sheet(MarketRouter& router, const SiteRecord& site, std::uint64_t version,
                      std::int64_t price_ppm, std::uint32_t units_free = 16) {
  RecordHeader header;
  header.kind = RecordKind::quote;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, version};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  QuoteSheet sheet = sample::sheet(site);
  sheet.pools[0].price_ppm = price_ppm;
  sheet.pools[0].units_free = units_free;
  sheet.pools[0].units_free_node = std::min(units_free, sheet.pools[0].units_free_node);
  router.accept(Record{header, sheet});
}

inline void add(MarketRouter& router, const SiteRecord& site) {
  RecordHeader header;
  header.kind = RecordKind::site;
  header.subject = site_node(site.site);
  header.version = RecordVersion{1, 1};
  header.issued = sample::now;
  header.valid_until = sample::now + std::chrono::seconds(15);
  router.accept(Record{header, site});
  header.kind = RecordKind::quote;
  router.accept(Record{header, sample::sheet(site)});
}

inline JobRecord job() {
  JobRecord record;
  record.job = JobId{"j0000000000001"};
  record.tenant = TenantId{"physics"};
  record.spec = sample::job();
  return record;
}

inline JobRecord job(int number) {
  JobRecord record = job();
  record.job = job_id(Sequence{static_cast<std::uint64_t>(number)});
  return record;
}

}  // namespace tradewind::router_sample
