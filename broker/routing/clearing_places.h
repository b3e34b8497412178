// The places that a clearing's flow may use: of all that are adequate, those that are likely to
// matter. Pure; integers only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "broker/routing/chooser.h"
#include "broker/routing/clearing.h"
#include "broker/routing/clearing_groups.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

struct ClassPlaces {
  std::vector<std::vector<ClassPlace>> by_class;  // best first
  std::vector<bool> complete;  // by class: whether these are all that are adequate
  std::size_t count = 0;
};

// For each kind the pools that come first for its shortest and its longest jobs, and those that
// come first of what the assignment one by one left; for each class also those that it gave the
// class: `taken`, by class, with `left` the columns after it.
ClassPlaces find_places(Chooser& chooser, const ClearingGroups& groups,
                        std::span<const std::vector<std::uint32_t>> taken,
                        const MarketColumns& left, Wall::time_point now,
                        const ClearingOptions& options);

}  // namespace tradewind
