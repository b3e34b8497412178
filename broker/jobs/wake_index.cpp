#include "broker/jobs/wake_index.h"

#include <algorithm>
#include <utility>

namespace tradewind {

std::shared_ptr<WakeIndex::Lane> WakeIndex::open_lane(std::vector<Lack> lacks) {
  auto lane = std::make_shared<Lane>();
  lane->number = ++lanes_opened_;
  lane->lacks = std::move(lacks);
  return lane;
}

void WakeIndex::erase(const Turn& turn, const Shape& demand) {
  const auto found = lanes_.find({turn.tenant, turn.rank, demand});
  TRADEWIND_ASSERT(found != lanes_.end());
  Lane& lane = *found->second;
  change(turn, found->second, [&] { return lane.ages.erase(turn.age) == 1; });
  if (lane.ages.empty()) lanes_.erase(found);
}

void WakeIndex::show(const Turn& turn, const std::shared_ptr<Lane>& lane, const Age& first) {
  for (const Lack& each : lane->lacks) {
    kinds_[each.kind][turn.rank][turn.tenant][each.size].insert(LaneAt{first, lane});
  }
}

void WakeIndex::hide(const Turn& turn, const std::shared_ptr<Lane>& lane, const Age& first) {
  for (const Lack& each : lane->lacks) {
    const auto ranks = kinds_.find(each.kind);
    const auto tenants = ranks->second.find(turn.rank);
    const auto sizes = tenants->second.find(turn.tenant);
    const auto lanes = sizes->second.find(each.size);
    lanes->second.erase(LaneAt{first, lane});
    if (!lanes->second.empty()) continue;
    sizes->second.erase(lanes);
    if (!sizes->second.empty()) continue;
    tenants->second.erase(sizes);
    if (!tenants->second.empty()) continue;
    ranks->second.erase(tenants);
    if (ranks->second.empty()) kinds_.erase(ranks);
  }
}

// Tenants whose streams have not been opened come first among those that hold as much.
bool WakeIndex::Search::after(const TenantAt& a, const TenantAt& b) {
  if (a.held != b.held) return b.held < a.held;
  if (!a.opened || !b.opened) return a.opened && !b.opened;
  return later(a.streams.front(), b.streams.front());
}

template <class Change>
void WakeIndex::Search::change_first(Change change) {
  std::ranges::pop_heap(tenants_, &after);
  change(tenants_.back());
  if (tenants_.back().opened && tenants_.back().streams.empty()) {
    tenants_.pop_back();
  } else {
    std::ranges::push_heap(tenants_, &after);
  }
}

const Turn* WakeIndex::Search::first(const FairOrder& order) {
  // A lane that now stands before where its stream has come to would be missed.
  if (begun_ && advanced_ != index_->advanced_) {
    tenants_.clear();
    if (const Tenants* const tenants = tenants_of_rank()) begin_rank(*tenants, order);
  }
  while (true) {
    if (tenants_.empty() && !next_rank(order)) return nullptr;
    const TenantAt& tenant = tenants_.front();
    const std::int64_t held = order.held(tenant.tenant);
    if (held != tenant.held) {
      change_first([&](TenantAt& first) { first.held = held; });
      continue;
    }
    if (!tenant.opened) {
      change_first([&](TenantAt& first) { open(first); });
      continue;
    }
    const Stream& stream = tenant.streams.front();
    std::optional<LaneAt> at;
    if (stream.size <= opening_.size_max) at = find(tenant.tenant, stream, false);
    if (!at || at->age != stream.at.age || at->lane != stream.at.lane) {
      change_first([&](TenantAt& first) { move_first(first, std::move(at)); });
    } else if (closed_.contains(at->lane->number)) {
      step(true);
    } else if (passed_.contains(at->age)) {
      step(false);
    } else {
      turn_ = Turn{rank_, tenant.tenant, at->age};
      return &turn_;
    }
  }
}

void WakeIndex::Search::pass_over(bool all_alike) {
  TRADEWIND_ASSERT(!tenants_.empty() && tenants_.front().opened);
  const LaneAt& at = tenants_.front().streams.front().at;
  if (all_alike) {
    closed_.insert(at.lane->number);
  } else {
    passed_.insert(at.age);
  }
  step(all_alike);
}

void WakeIndex::Search::step(bool whole_lane) {
  change_first([&](TenantAt& first) {
    const Stream stream = first.streams.front();
    const bool ends = whole_lane && stream.within;
    move_first(first, ends ? std::nullopt : find(first.tenant, stream, true));
    if (whole_lane || stream.within) return;
    // The others of the lane come in their turn.
    Stream rest{stream.size, stream.at, true};
    if (auto next = find(first.tenant, rest, true)) {
      rest.at = std::move(*next);
      first.streams.push_back(std::move(rest));
      std::ranges::push_heap(first.streams, &later);
    }
  });
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
    passed_.clear();
    begin_rank(each->second, order);
  }
  return !tenants_.empty();
}

void WakeIndex::Search::begin_rank(const Tenants& tenants, const FairOrder& order) {
  advanced_ = index_->advanced_;
  for (const auto& [tenant, sizes] : tenants) {
    if (sizes.begin()->first > opening_.size_max) continue;
    tenants_.push_back(TenantAt{tenant, order.held(tenant), false, {}});
  }
  std::ranges::make_heap(tenants_, &after);
}

const WakeIndex::Tenants* WakeIndex::Search::tenants_of_rank() const {
  const auto kind = index_->kinds_.find(opening_.kind);
  if (kind == index_->kinds_.end()) return nullptr;
  const auto tenants = kind->second.find(rank_);
  return tenants == kind->second.end() ? nullptr : &tenants->second;
}

const WakeIndex::Sizes* WakeIndex::Search::sizes_of(const TenantId& tenant) const {
  const Tenants* const tenants = tenants_of_rank();
  if (tenants == nullptr) return nullptr;
  const auto sizes = tenants->find(tenant);
  return sizes == tenants->end() ? nullptr : &sizes->second;
}

void WakeIndex::Search::open(TenantAt& tenant) const {
  tenant.opened = true;
  const Sizes* const sizes = sizes_of(tenant.tenant);
  if (sizes == nullptr) return;
  for (const auto& [size, lanes] : *sizes) {
    if (size > opening_.size_max) break;
    tenant.streams.push_back(Stream{size, *lanes.begin(), false});
  }
  std::ranges::make_heap(tenant.streams, &later);
}

std::optional<WakeIndex::LaneAt> WakeIndex::Search::find(const TenantId& tenant,
                                                         const Stream& stream, bool beyond) const {
  if (stream.within) {
    const std::set<Age>& ages = stream.at.lane->ages;
    const auto age = beyond ? ages.upper_bound(stream.at.age) : ages.lower_bound(stream.at.age);
    if (age == ages.end()) return std::nullopt;
    return LaneAt{*age, stream.at.lane};
  }
  const Sizes* const sizes = sizes_of(tenant);
  if (sizes == nullptr) return std::nullopt;
  const auto lanes = sizes->find(stream.size);
  if (lanes == sizes->end()) return std::nullopt;
  const auto lane =
      beyond ? lanes->second.upper_bound(stream.at) : lanes->second.lower_bound(stream.at);
  if (lane == lanes->second.end()) return std::nullopt;
  return *lane;
}

void WakeIndex::Search::move_first(TenantAt& tenant, std::optional<LaneAt> to) {
  std::ranges::pop_heap(tenant.streams, &later);
  if (!to) {
    tenant.streams.pop_back();
    return;
  }
  tenant.streams.back().at = std::move(*to);
  std::ranges::push_heap(tenant.streams, &later);
}

}  // namespace tradewind
