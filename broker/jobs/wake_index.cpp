#include "broker/jobs/wake_index.h"

#include <algorithm>
#include <utility>

#include "schemas/assert.h"

namespace tradewind {

std::shared_ptr<WakeIndex::Lane> WakeIndex::open_lane(const Turn& turn, std::vector<Lack> lacks) {
  auto lane = std::make_shared<Lane>();
  lane->number = ++lanes_opened_;
  lane->lacks = std::move(lacks);
  for (const Lack& each : lane->lacks) {
    kinds_[each.kind][turn.rank][turn.tenant].emplace(std::pair(each.size, lane->number), lane);
  }
  return lane;
}

void WakeIndex::erase(const Turn& turn, const Shape& demand) {
  const auto found = lanes_.find({turn.tenant, turn.rank, demand});
  TRADEWIND_ASSERT(found != lanes_.end());
  Lane& lane = *found->second;
  const bool was_there = lane.ages.erase(turn.age) == 1;
  TRADEWIND_ASSERT(was_there);
  if (!lane.ages.empty()) return;
  for (const Lack& each : lane.lacks) {
    const auto ranks = kinds_.find(each.kind);
    const auto tenants = ranks->second.find(turn.rank);
    const auto sizes = tenants->second.find(turn.tenant);
    sizes->second.erase({each.size, lane.number});
    if (!sizes->second.empty()) continue;
    tenants->second.erase(sizes);
    if (!tenants->second.empty()) continue;
    ranks->second.erase(tenants);
    if (ranks->second.empty()) kinds_.erase(ranks);
  }
  lanes_.erase(found);
}

// Tenants whose lanes have not been opened come first among those that hold as much.
bool WakeIndex::Search::after(const TenantAt& a, const TenantAt& b) {
  if (a.held != b.held) return b.held < a.held;
  if (!a.opened || !b.opened) return a.opened && !b.opened;
  return b.lanes.front().next < a.lanes.front().next;
}

template <class Change>
void WakeIndex::Search::change_first(Change change) {
  std::ranges::pop_heap(tenants_, &after);
  change(tenants_.back());
  if (tenants_.back().opened && tenants_.back().lanes.empty()) {
    tenants_.pop_back();
  } else {
    std::ranges::push_heap(tenants_, &after);
  }
}

const Turn* WakeIndex::Search::first(const FairOrder& order) {
  while (true) {
    if (tenants_.empty() && !next_rank(order)) return nullptr;
    const TenantAt& tenant = tenants_.front();
    const std::int64_t held = order.held(tenant.tenant);
    if (held != tenant.held) {
      change_first([&](TenantAt& first) { first.held = held; });
    } else if (!tenant.opened) {
      change_first([&](TenantAt& first) { open(first); });
    } else {
      const LaneAt& at = tenant.lanes.front();
      const auto end = at.lane->ages.end();
      const auto next = at.size > opening_.size_max ? end : at.lane->ages.lower_bound(at.next);
      if (next != end && *next == at.next) {
        turn_ = Turn{rank_, tenant.tenant, at.next};
        return &turn_;
      }
      change_first([&](TenantAt& first) { move_first(first.lanes, next); });
    }
  }
}

void WakeIndex::Search::pass_over(bool all_alike) {
  TRADEWIND_ASSERT(!tenants_.empty() && tenants_.front().opened);
  const LaneAt& at = tenants_.front().lanes.front();
  const auto next = all_alike ? at.lane->ages.end() : at.lane->ages.upper_bound(at.next);
  change_first([&](TenantAt& first) { move_first(first.lanes, next); });
}

void WakeIndex::Search::refresh(const FairOrder& order) {
  for (TenantAt& each : tenants_) each.held = order.held(each.tenant);
  std::ranges::make_heap(tenants_, &after);
}

bool WakeIndex::Search::next_rank(const FairOrder& order) {
  const auto kind = index_->kinds_.find(opening_.kind);
  if (kind == index_->kinds_.end()) return false;
  auto each = begun_ ? kind->second.upper_bound(rank_) : kind->second.begin();
  for (; each != kind->second.end() && tenants_.empty(); ++each) {
    begun_ = true;
    rank_ = each->first;
    for (const auto& [tenant, sizes] : each->second) {
      if (sizes.begin()->first.first > opening_.size_max) continue;
      tenants_.push_back(TenantAt{tenant, order.held(tenant), false, {}});
    }
  }
  std::ranges::make_heap(tenants_, &after);
  return !tenants_.empty();
}

void WakeIndex::Search::open(TenantAt& tenant) const {
  tenant.opened = true;
  // The index may have changed since the rank was begun.
  const auto kind = index_->kinds_.find(opening_.kind);
  if (kind == index_->kinds_.end()) return;
  const auto tenants = kind->second.find(rank_);
  if (tenants == kind->second.end()) return;
  const auto sizes = tenants->second.find(tenant.tenant);
  if (sizes == tenants->second.end()) return;
  for (const auto& [size, lane] : sizes->second) {
    if (size.first > opening_.size_max) break;
    tenant.lanes.push_back(LaneAt{*lane->ages.begin(), size.first, lane});
  }
  std::ranges::make_heap(tenant.lanes, &later);
}

void WakeIndex::Search::move_first(std::vector<LaneAt>& lanes, std::set<Age>::const_iterator next) {
  std::ranges::pop_heap(lanes, &later);
  if (next == lanes.back().lane->ages.end()) {
    lanes.pop_back();
    return;
  }
  lanes.back().next = *next;
  std::ranges::push_heap(lanes, &later);
}

}  // namespace tradewind
