// The ways between one place and every site, worked out once for each place that data lies at or
// goes to, and kept up as site records change. Pure; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/routing/limits.h"
#include "broker/routing/memo.h"
#include "broker/routing/network.h"
#include "state/market/market_view.h"

namespace tradewind {

struct PathRow {
  static constexpr std::uint64_t price_max = std::uint64_t{1} << 40;

  // From the place to the site or, when `leaving`, from the site to the place. By site number.
  std::vector<Path> paths;
  // Lower bounds over the sites of a block's, and of a group's, pools in the columns' price index:
  // micro-units a gigabyte, at most price_max, and picoseconds a byte, rounded down.
  std::vector<std::uint64_t> block_prices;
  std::vector<std::uint64_t> group_prices;
  std::vector<std::uint64_t> block_paces;
  std::vector<std::uint64_t> group_paces;
  // The least price of all, the sites that have it, and the least of the others. Where these sites
  // are more than limits::nearest_sites_max, none are told and the next price is the least one.
  std::uint64_t nearest_price = 0;
  std::uint64_t next_price = 0;
  std::vector<std::uint32_t> nearest_sites;

  // What the row is found by and rests on.
  std::string site;
  std::string region;
  bool leaving = false;
  std::string jurisdiction;
  const SiteRecord* record = nullptr;
  std::uint64_t structure = 0;
};

// The same of one path.
inline std::uint64_t least_price(const Path& path) {
  return std::min(static_cast<std::uint64_t>(path.price.micros), PathRow::price_max);
}
inline std::uint64_t least_pace(const Path& path) {
  // 10^6 bit/s are a byte in 8 * 10^6 picoseconds.
  return 8'000'000 / path.bandwidth_mbit;
}

class PathTable {
 public:
  // The view must outlive the table.
  explicit PathTable(const MarketView& view);

  // The row of the place that a job's replica or output names (place_named), as the view is now.
  // Valid until the next `trim`.
  const PathRow& row(std::string_view site, std::string_view region, bool leaving);
  void trim() { rows_.trim(limits::paths_kept); }

 private:
  void refresh(PathRow& row) const;
  void find_least(PathRow& row) const;

  const MarketView& view_;
  Memo<PathRow> rows_;
};

}  // namespace tradewind
