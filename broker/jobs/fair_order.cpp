#include "broker/jobs/fair_order.h"

#include "schemas/assert.h"

namespace tradewind {

FairOrder::Place FairOrder::place(const Standing& standing, std::int64_t rank,
                                  const TenantId& tenant) {
  return {{rank, standing.held, *standing.turns.at(rank).begin()}, tenant};
}

void FairOrder::hold(const TenantId& tenant, std::int64_t weight) {
  Standing& standing = tenants_[tenant];
  for (const auto& [rank, turns] : standing.turns) order_.erase(place(standing, rank, tenant));
  standing.held += weight;
  TRADEWIND_ASSERT(standing.held >= 0);
  for (const auto& [rank, turns] : standing.turns) order_.insert(place(standing, rank, tenant));
  forget_idle(tenant);
}

std::int64_t FairOrder::held(const TenantId& tenant) const {
  const auto found = tenants_.find(tenant);
  return found == tenants_.end() ? 0 : found->second.held;
}

void FairOrder::insert(const Turn& turn) {
  Standing& standing = tenants_[turn.tenant];
  std::set<Age>& turns = standing.turns[turn.rank];
  const bool is_first = turns.empty() || turn.age < *turns.begin();
  if (is_first && !turns.empty()) order_.erase(place(standing, turn.rank, turn.tenant));
  const bool is_new = turns.insert(turn.age).second;
  TRADEWIND_ASSERT(is_new);
  if (is_first) order_.insert(place(standing, turn.rank, turn.tenant));
}

void FairOrder::erase(const Turn& turn) {
  Standing& standing = tenants_.at(turn.tenant);
  std::set<Age>& turns = standing.turns.at(turn.rank);
  const bool is_first = turn.age == *turns.begin();
  if (is_first) order_.erase(place(standing, turn.rank, turn.tenant));
  const bool was_there = turns.erase(turn.age) == 1;
  TRADEWIND_ASSERT(was_there);
  if (turns.empty()) {
    standing.turns.erase(turn.rank);
    forget_idle(turn.tenant);
  } else if (is_first) {
    order_.insert(place(standing, turn.rank, turn.tenant));
  }
}

Turn FairOrder::first() const {
  TRADEWIND_ASSERT(!order_.empty());
  const Place& first = *order_.begin();
  return {std::get<0>(first.key), first.tenant, std::get<2>(first.key)};
}

void FairOrder::forget_idle(const TenantId& tenant) {
  const auto found = tenants_.find(tenant);
  if (found->second.held == 0 && found->second.turns.empty()) tenants_.erase(found);
}

}  // namespace tradewind
