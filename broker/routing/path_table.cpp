#include "broker/routing/path_table.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "broker/routing/limits.h"

namespace tradewind {
namespace {

void lower(LeastPath& least, const LeastPath& other) {
  least.price = std::min(least.price, other.price);
  least.pace = std::min(least.pace, other.pace);
}

constexpr LeastPath kNoPath{PathRow::price_max, UINT64_MAX};

}  // namespace

LeastPath least_of(const Path& path) {
  // 10^6 bit/s are a byte in 8 * 10^6 picoseconds.
  return {std::min(static_cast<std::uint64_t>(path.price.micros), PathRow::price_max),
          8'000'000 / path.bandwidth_mbit};
}

PathTable::PathTable(const MarketView& view) : view_(view), rows_(limits::paths_kept) {}

const PathRow& PathTable::row(std::string_view site, std::string_view region, bool leaving) {
  const std::uint64_t hash = fold(fold(leaving ? 1 : 0, site), region);
  PathRow* found = rows_.find(hash, [&](const PathRow& each) {
    return each.leaving == leaving && each.site == site && each.region == region;
  });
  if (found == nullptr) {
    auto made = std::make_unique<PathRow>();
    made->site = site;
    made->region = region;
    made->leaving = leaving;
    found = &rows_.add(hash, std::move(made));
  }
  if (found->structure != view_.columns().structure()) refresh(*found);
  return *found;
}

void PathTable::refresh(PathRow& row) const {
  const MarketColumns& columns = view_.columns();
  const Place place = place_named(row.site, row.region, view_);
  std::vector<std::uint32_t> changed;
  bool whole =
      row.structure == 0 || place.record != row.record || place.jurisdiction != row.jurisdiction;
  for (std::uint64_t each = row.structure + 1; !whole && each <= columns.structure(); ++each) {
    const std::optional<std::uint32_t> site = columns.changed_site(each);
    whole = !site || &columns.site(*site).view->record == place.record;
    if (site) changed.push_back(*site);
  }
  row.structure = columns.structure();
  row.record = place.record;
  row.jurisdiction = place.jurisdiction;
  row.paths.resize(columns.sites_count());
  const auto put = [&](std::uint32_t number) {
    const Place there = place_of(columns.site(number).view->record);
    row.paths[number] = row.leaving ? path(there, place) : path(place, there);
  };
  if (whole) {
    for (std::uint32_t number = 0; number < columns.sites_count(); ++number) put(number);
  } else {
    for (const std::uint32_t number : changed) put(number);
  }
  find_least(row);
}

void PathTable::find_least(PathRow& row) const {
  const MarketColumns& columns = view_.columns();
  const PriceIndex& index = columns.index();
  row.blocks.assign(index.blocks_count(), kNoPath);
  row.groups.assign(index.groups_count(), kNoPath);
  for (std::uint32_t number = 0; number < index.blocks_count(); ++number) {
    const PriceIndex::Block& block = index.block(number);
    if (block.count == 0) continue;
    for (std::uint32_t each = 0; each < block.count; ++each) {
      lower(row.blocks[number], least_of(row.paths[columns.pool(block.pools[each]).site]));
    }
    lower(row.groups[block.group], row.blocks[number]);
  }
}

}  // namespace tradewind
