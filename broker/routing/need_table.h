// Which shapes of pools fit a demand, and how many units it takes on a node of each: worked out
// once for each distinct demand. Pure; one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/routing/limits.h"
#include "broker/routing/memo.h"
#include "broker/routing/route.h"
#include "schemas/job.h"
#include "state/market/columns.h"

namespace tradewind {

struct ShapeMatch {
  static constexpr std::uint64_t weight_max = std::uint64_t{1} << 40;
  std::uint32_t shape = 0;
  std::uint32_t units = 0;
  std::int64_t conversion = 0;  // of the tariff's currency, as ppm
  // For lower bounds: units in the accounting currency, * 2^10, rounded down, at most weight_max.
  std::uint64_t weight = 0;
  std::uint32_t billed_seconds = 0;  // at least, for any run
};

struct ShapeMatches {
  std::vector<ShapeMatch> shapes;
  std::vector<std::uint32_t> places;  // by shape: where it is in `shapes`, or MarketColumns::none
  std::uint64_t weight_max = 0;       // the greatest of them
  std::uint32_t billed_seconds_max = 0;  // likewise
};

class NeedTable {
 public:
  // `options` must outlive the table; after a change of their rates all must be forgotten.
  explicit NeedTable(const RouteOptions& options);

  // The shapes that every predicate up to the count of nodes lets pass and whose currency has a
  // rate. Valid until the next `trim`.
  const ShapeMatches& matches(const JobSpec& spec, const Variant& variant,
                              const MarketColumns& columns);
  void trim() { needs_.trim(limits::needs_kept); }
  void forget() { needs_.clear(); }

 private:
  struct Need {
    Resources resources;
    std::vector<Architecture> architectures;
    AcceleratorNeed accelerator;
    std::uint64_t structure = 0;  // of the columns that the matches were found in
    ShapeMatches matches;
  };
  void find_matches(Need& need, const MarketColumns& columns) const;

  const RouteOptions& options_;
  Memo<Need> needs_;
};

}  // namespace tradewind
