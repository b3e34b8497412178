// Markets and jobs for the routing benchmark: from a fixed seed, or from public data as
// real_market.py prepares it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "schemas/job.h"
#include "schemas/record.h"
#include "schemas/site.h"
#include "state/market/market_view.h"

namespace tradewind::bench {

inline constexpr Wall::time_point now = Wall::time_point(std::chrono::hours(24 * 365 * 56));

// Sites with what they quote.
struct Sites {
  std::vector<SiteRecord> records;
  std::vector<QuoteSheet> sheets;
};

// In 20 regions, of `pools` pools; every fourth with accelerators.
Sites synthetic_sites(std::uint32_t sites, std::uint32_t pools);
// Small and large, accelerators, several architectures, data at one place, tight constraints, and
// some that nothing can run.
std::vector<JobSpec> synthetic_jobs();

// Both empty when the folder does not hold the files. The pools are between a tenth and 95 % taken,
// priced by their load.
Sites real_sites(const std::filesystem::path& folder, std::uint32_t sites);
std::vector<JobSpec> real_jobs(const std::filesystem::path& folder);

// Record number `version` of the site and of its sheet.
Record record_of(const SiteRecord& record, std::uint64_t version);
Record record_of(const QuoteSheet& sheet, std::uint64_t version);
MarketView view_of(const Sites& sites);
// A sheet for the same pools, each of them a little dearer or cheaper and fuller or emptier.
QuoteSheet moved(const QuoteSheet& sheet, std::uint64_t seed);

}  // namespace tradewind::bench
