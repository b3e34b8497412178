#include "broker/routing/path_table.h"

#include <memory>
#include <optional>
#include <utility>

#include "broker/routing/limits.h"

namespace tradewind {
PathTable::PathTable(const MarketView& view) : view_(view) {}

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
  row.block_prices.assign(index.blocks_count(), PathRow::price_max);
  row.group_prices.assign(index.groups_count(), PathRow::price_max);
  row.block_paces.assign(index.blocks_count(), UINT64_MAX);
  row.group_paces.assign(index.groups_count(), UINT64_MAX);
  const auto lower = [](std::uint64_t& least, std::uint64_t other) {
    least = std::min(least, other);
  };
  for (std::uint32_t number = 0; number < index.blocks_count(); ++number) {
    const PriceIndex::Block& block = index.block(number);
    if (block.count == 0) continue;
    for (std::uint32_t each = 0; each < block.count; ++each) {
      const Path& path = row.paths[columns.pool(block.pools[each]).site];
      lower(row.block_prices[number], least_price(path));
      lower(row.block_paces[number], least_pace(path));
    }
    lower(row.group_prices[block.group], row.block_prices[number]);
    lower(row.group_paces[block.group], row.block_paces[number]);
  }

  row.nearest_price = PathRow::price_max;
  row.next_price = PathRow::price_max;
  row.nearest_sites.clear();
  for (const Path& each : row.paths) lower(row.nearest_price, least_price(each));
  for (std::uint32_t site = 0; site < row.paths.size(); ++site) {
    if (least_price(row.paths[site]) == row.nearest_price) {
      row.nearest_sites.push_back(site);
    } else {
      lower(row.next_price, least_price(row.paths[site]));
    }
  }
  if (row.nearest_sites.size() > limits::nearest_sites_max) {
    row.nearest_sites.clear();
    row.next_price = row.nearest_price;
  }
}

}  // namespace tradewind
