// Which pools a job's constraints on place, provider, labels, data residency, carbon and latency
// let pass: all that a site record decides alone. Worked out once for each distinct set of
// constraints and kept up as site records change. Pure; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/routing/memo.h"
#include "schemas/job.h"
#include "state/market/market_view.h"

namespace tradewind {

struct SiteFilter {
  // By block of the columns' price index: a bit for each of its pools that passes.
  std::vector<std::uint32_t> blocks;

  // What the filter is found by and rests on: a job with nothing in it but these constraints.
  JobSpec asks;
  std::string jurisdiction;  // of the client's region
  std::uint64_t structure = 0;
  std::vector<std::uint8_t> pools;  // whether each passes
};

// Whether the constraints let one pool of a site pass.
bool may_lie_at(const JobSpec& spec, const SiteRecord& site, std::uint32_t pool_index,
                const MarketView& view);

class FilterTable {
 public:
  // The view must outlive the table.
  explicit FilterTable(const MarketView& view);

  // Null when the job has no such constraints. Valid until the next `trim`.
  const SiteFilter* filter(const JobSpec& spec);
  void trim();

 private:
  void refresh(SiteFilter& filter) const;

  const MarketView& view_;
  Memo<SiteFilter> filters_;
};

}  // namespace tradewind
