#include "state/gossip/cells.h"

#include <algorithm>

namespace tradewind {
namespace {

// FNV's high bits hardly differ between names that differ at their ends; so finish as splitmix64.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31U);
}

std::uint64_t hash_of(const NodeId& site) {
  return mixed(stable_hash(site.value));
}

std::uint64_t mask_of(std::uint32_t bits) {
  return bits == 0 ? 0 : ~std::uint64_t{0} << (64U - bits);
}

// One of the halves of a cell: the one where `hash` lies.
Cell half_of(const Cell& cell, std::uint64_t hash) {
  return Cell{cell.bits + 1, hash & mask_of(cell.bits + 1)};
}

}  // namespace

bool Cell::holds(const NodeId& site) const {
  return (hash_of(site) & mask_of(bits)) == prefix;
}

Cells::Cells(CellSizes sizes, const std::vector<NodeId>& sites) : sizes_(sizes) {
  sites_.reserve(sites.size());
  for (const NodeId& each : sites) sites_.emplace_back(hash_of(each), each);
  std::sort(sites_.begin(), sites_.end());
}

Cells::Range Cells::range_of(const Cell& cell) const {
  const auto by_hash = [](const auto& site, std::uint64_t hash) { return site.first < hash; };
  const auto from = std::lower_bound(sites_.begin(), sites_.end(), cell.prefix, by_hash);
  const std::uint64_t last = cell.prefix | ~mask_of(cell.bits);
  const auto to = std::find_if(std::lower_bound(from, sites_.end(), last, by_hash), sites_.end(),
                               [last](const auto& site) { return site.first > last; });
  return {static_cast<std::size_t>(from - sites_.begin()),
          static_cast<std::size_t>(to - sites_.begin())};
}

Cell Cells::cell_of(const NodeId& site) const {
  Cell cell;
  if (!divided()) return cell;
  const std::uint64_t hash = hash_of(site);
  while (cell.bits < 64) {
    const auto [from, to] = range_of(cell);
    if (to - from <= sizes_.sites_max) break;
    cell = half_of(cell, hash);
  }
  return cell;
}

std::vector<Cell> Cells::all() const {
  std::vector<Cell> result;
  for (std::size_t next = 0; next < sites_.size(); next = range_of(result.back()).second) {
    result.push_back(cell_of(sites_[next].second));
  }
  return result;
}

std::vector<NodeId> Cells::sites_in(const Cell& cell) const {
  const auto [from, to] = range_of(cell);
  std::vector<NodeId> result;
  result.reserve(to - from);
  for (std::size_t i = from; i < to; ++i) result.push_back(sites_[i].second);
  return result;
}

std::vector<NodeId> Cells::relays_of(const Cell& cell, const Predicate& live) const {
  std::vector<std::pair<std::uint64_t, NodeId>> ranked;
  for (NodeId& each : sites_in(cell)) {
    if (live(each))
      ranked.emplace_back(mixed(stable_hash(each.value, cell.prefix)), std::move(each));
  }
  std::sort(ranked.rbegin(), ranked.rend());
  if (ranked.size() > relays_count) ranked.resize(relays_count);
  std::vector<NodeId> result;
  for (auto& each : ranked) result.push_back(std::move(each.second));
  return result;
}

}  // namespace tradewind
