// Whom its tenant's budget keeps waiting, and what attempts hold of it.
#include <algorithm>
#include <tuple>
#include <utility>

#include "broker/jobs/lifecycle.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

// What one attempt counts at most in turns: about a million units of money an hour.
constexpr std::int64_t kWeightMax = std::int64_t{1} << 40;

}  // namespace

void Lifecycle::recover_budget(const TenantId& tenant, const Budget& budget,
                               const BudgetSpent& spent) {
  TRADEWIND_ASSERT(!running_);
  budgets_.recover(tenant, budget, spent);
}

void Lifecycle::set_budget(BudgetChanged change, Now now) {
  TRADEWIND_ASSERT(running_);
  input(now);
  const Wall::time_point at = stamp(now);
  budgets_.set(change.tenant, change.budget, at);
  if (unpaid_.contains(change.tenant)) opened_.try_emplace(change.tenant);
  output_.entries.push_back(Entry{at, std::move(change)});
}

std::size_t Lifecycle::waiting_for_budget(const TenantId& tenant) const {
  const auto found = unpaid_.find(tenant);
  return found == unpaid_.end() ? 0 : found->second.jobs;
}

// A tenant holds what its live attempts cost an hour, each at least one micro-unit: where all is
// free of charge, attempts are counted.
void Lifecycle::hold_share(Live& live, const Candidate& chosen) {
  Tries& known = tries(live);
  known.weight = std::clamp<std::int64_t>(chosen.rate.micros, 1, kWeightMax);
  known.held = hold_of(read(live).spec, chosen);
  order_.hold(*live.tenant, known.weight);
  budgets_.hold(*live.tenant, known.held);
}

void Lifecycle::release_share(Live& live) {
  order_.hold(*live.tenant, -std::exchange(live.tries->weight, 0));
  budgets_.release(*live.tenant, std::exchange(live.tries->held, Money{}));
  if (unpaid_.contains(*live.tenant)) opened_.try_emplace(*live.tenant);
}

// Those just like it have the same place, and would hold the same.
void Lifecycle::await_budget(Live& live, const BudgetMiss& miss, Now now) {
  live.placeable = true;
  live.passed_over = false;
  const Shape shape = queue_of(live);
  WaitQueue& queue = queues_.at(shape);
  queue.hopeful = true;
  if (queue.blocked) unblock(shape);
  hide(queue, queue.first());
  queue.blocked = true;
  queue.needed = miss.needed.micros;
  queue.tried = now.mono;
  blocked_.emplace(queue.tried, shape);
  unpaid_[queue.tenant].queues.emplace(queue.needed, shape);
  count_unpaid(queue, static_cast<std::ptrdiff_t>(queue.jobs.size()));
}

void Lifecycle::count_unpaid(const WaitQueue& queue, std::ptrdiff_t jobs) {
  unpaid_.at(queue.tenant).jobs += static_cast<std::size_t>(jobs);
  unpaid_count_ += static_cast<std::size_t>(jobs);
}

void Lifecycle::forget_unpaid(const WaitQueue& queue, const Shape& shape) {
  const auto unpaid = unpaid_.find(queue.tenant);
  unpaid->second.queues.erase({queue.needed, shape});
  if (!unpaid->second.queues.empty()) return;
  TRADEWIND_ASSERT(unpaid->second.jobs == 0);
  opened_.erase(queue.tenant);
  unpaid_.erase(unpaid);
}

// What the budget covers together. Who comes later in turn is offered what these leave, if they
// find no place or a cheaper one: each time twice as many, so that it is not gone through often.
void Lifecycle::offer_budgets() {
  for (const auto& [tenant, least] : std::exchange(opened_, {})) {
    const auto unpaid = unpaid_.find(tenant);
    if (unpaid == unpaid_.end()) continue;
    std::int64_t room = budgets_.room(tenant);
    struct Offer {
      Turn turn;
      std::int64_t needed = 0;
      Shape shape;
    };
    std::vector<Offer> offers;
    for (const auto& [needed, shape] : unpaid->second.queues) {
      if (needed > room) break;
      offers.push_back({queues_.at(shape).first(), needed, shape});
    }
    std::ranges::sort(offers, {},
                      [](const Offer& each) { return std::tuple(each.turn.rank, each.turn.age); });
    std::size_t offered = 0;
    for (const Offer& each : offers) {
      if (each.needed > room && offered >= least) continue;
      room -= std::min(room, each.needed);
      ++offered;
      unblock(each.shape);
    }
    if (offered < offers.size()) opened_.emplace(tenant, 2 * offered);
  }
}

// Whether all of it can be dispatched, one after the other.
bool Lifecycle::covers(const std::vector<Contender>& contenders,
                       const std::vector<JobPlaced>& placed) {
  if (budgets_.count() == 0) return true;
  bool covered = true;
  std::vector<std::pair<const TenantId*, Money>> holds;
  for (const JobPlaced& each : placed) {
    Live& live = *contenders.at(each.job).live;
    const Money needed = hold_of(read(live).spec, *each.decision.chosen);
    covered = covered && budgets_.covers(*live.tenant, needed);
    budgets_.hold(*live.tenant, needed);
    holds.emplace_back(live.tenant, needed);
  }
  for (const auto& [tenant, needed] : holds) budgets_.release(*tenant, needed);
  return covered;
}

}  // namespace tradewind
