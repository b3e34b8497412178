// What the site's staging achieves between it and each region, as its record tells it. No clock;
// one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "gateway/engines/engine.h"
#include "schemas/ids.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

class Bandwidths {
 public:
  // Smaller or shorter transfers tell of round trips and not of bandwidth.
  static constexpr std::uint64_t bytes_min = 1024 * 1024;
  static constexpr std::uint64_t milliseconds_min = 10;
  static constexpr std::chrono::hours remembered{24};

  // A transfer between the site and that region that ended at `now`.
  void add(const RegionId& region, const StagedFile& transfer, Wall::time_point now);
  // The lower medians of the last five of each region and direction that are not too old; of at
  // most limits::measured_regions_max regions, the newest, sorted by region.
  std::vector<Bandwidth> row(Wall::time_point now) const;

 private:
  static constexpr std::size_t samples_max = 5;
  struct Measured {
    std::deque<std::uint32_t> in;
    std::deque<std::uint32_t> out;
    Wall::time_point newest{};
  };
  std::map<RegionId, Measured> regions_;
};

// Whether a region is new in `after` or gone from it, some bandwidth differs by a quarter at least,
// or what is told is an hour older than what is known.
bool row_change_matters(const std::vector<Bandwidth>& before, const std::vector<Bandwidth>& after);

}  // namespace tradewind
