#include "broker/routing/clearing_plan.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <tuple>

#include "broker/routing/adequacy.h"

namespace tradewind {

ClearingPlanner::ClearingPlanner(Chooser& chooser, const ClearingGroups& groups,
                                 Wall::time_point now)
    : chooser_(chooser),
      groups_(groups),
      now_(now),
      columns_(chooser.view().columns()),
      full_(groups.classes().size(), false) {}

std::optional<ClassPlace> ClearingPlanner::pick(std::uint32_t job) {
  const std::uint32_t number = groups_.number_of(job);
  const JobClass& each = groups_.classes()[number];
  if (full_[number] || !each.best) return std::nullopt;
  if (const auto best = chooser_.best(groups_.jobs()[job], left_, now_)) {
    return groups_.place_of(each, *best);
  }
  full_[number] = true;
  return std::nullopt;
}

bool ClearingPlanner::has_room(const JobClass& each, const ClassPlace& place) const {
  const PoolRow& row = left_.pool(place.pool);
  return !capacity_miss(offered_by(left_, place.pool), each.nodes, place.units,
                        Debited{row.debited_units, row.debited_nodes},
                        chooser_.options().spare_units, {});
}

void ClearingPlanner::take(ClearingPlan& plan, std::uint32_t job, const ClassPlace& place) {
  const PoolRow& row = left_.pool(place.pool);
  const auto sum = [](std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(a + b, UINT32_MAX));
  };
  left_.change_debit(row.site, columns_.pool_record(place.pool).id,
                     sum(row.debited_units, place.reserved),
                     sum(row.debited_nodes, groups_.class_of(job).nodes));
  plan.steps.push_back({job, place});
}

void ClearingPlanner::forget_taken() {
  left_ = columns_;
  full_.assign(full_.size(), false);
}

ClearingPlan ClearingPlanner::one_by_one() {
  ClearingPlan plan;
  forget_taken();
  for (std::uint32_t job = 0; job < groups_.jobs().size(); ++job) {
    if (const auto place = pick(job)) take(plan, job, *place);
  }
  find_value(plan);
  return plan;
}

bool ClearingPlanner::gave_way(const ClearingPlan& plan) const {
  std::size_t possible = 0;
  for (const JobClass& each : groups_.classes()) possible += each.best ? each.jobs.size() : 0;
  if (plan.steps.size() < possible) return true;
  return std::ranges::any_of(plan.steps, [&](const ClearingPlan::Step& step) {
    return step.place.worth > groups_.class_of(step.job).best->worth;
  });
}

std::vector<std::uint32_t> ClearingPlanner::greatest_first() const {
  std::vector<std::uint32_t> order(groups_.jobs().size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t job) {
    const JobClass& each = groups_.class_of(job);
    return std::tuple(-each.weight, ~each.size, job);
  });
  return order;
}

ClearingPlan ClearingPlanner::rounded(const ClassPlaces& places,
                                      const std::vector<std::vector<std::uint32_t>>& wanted) {
  ClearingPlan plan;
  forget_taken();
  const std::vector<std::uint32_t> order = greatest_first();
  std::vector<std::size_t> next(groups_.classes().size(), 0);
  std::vector<std::uint32_t> others;
  const auto weight = [&](std::uint32_t job) { return groups_.class_of(job).weight; };
  for (auto from = order.begin(); from != order.end();) {
    const auto end = std::find_if(from, order.end(),
                                  [&](std::uint32_t job) { return weight(job) != weight(*from); });
    others.clear();
    // Jobs on several nodes first: the others would take nodes that they do not need whole.
    for (const bool several : {true, false}) {
      for (auto at = from; at != end; ++at) {
        const std::uint32_t number = groups_.number_of(*at);
        const JobClass& each = groups_.classes()[number];
        if ((each.nodes > 1) != several) continue;
        if (next[number] < wanted[number].size()) {
          const ClassPlace& place = places.by_class[number][wanted[number][next[number]++]];
          if (has_room(each, place)) {
            take(plan, *at, place);
            continue;
          }
        }
        others.push_back(*at);
      }
    }
    for (const std::uint32_t job : others) {
      if (const auto place = pick(job)) take(plan, job, *place);
    }
    from = end;
  }
  find_value(plan);
  return plan;
}

ClearingPlan ClearingPlanner::priced(const ClassPlaces& places,
                                     const std::vector<std::vector<std::uint32_t>>& ranked) {
  ClearingPlan plan;
  forget_taken();
  std::vector<std::size_t> open(groups_.classes().size(), 0);
  for (const std::uint32_t job : greatest_first()) {
    const std::uint32_t number = groups_.number_of(job);
    const JobClass& each = groups_.classes()[number];
    const auto place = [&](std::size_t at) -> const ClassPlace& {
      return places.by_class[number][ranked[number][at]];
    };
    std::size_t& at = open[number];
    while (at < ranked[number].size() && !has_room(each, place(at))) ++at;
    if (at < ranked[number].size()) {
      take(plan, job, place(at));
    } else if (const auto picked = pick(job)) {
      take(plan, job, *picked);
    }
  }
  find_value(plan);
  return plan;
}

void ClearingPlanner::find_value(ClearingPlan& plan) const {
  ClearingValue& value = plan.value;
  value = {};
  for (const JobClass& each : groups_.classes()) {
    value.rejected +=
        groups_.reject_price(each) * static_cast<ClearingValue::Wide>(each.jobs.size());
  }
  for (const ClearingPlan::Step& step : plan.steps) {
    value.placed += step.place.worth;
    value.rejected -= groups_.reject_price(groups_.class_of(step.job));
    ++value.jobs_placed;
  }
}

}  // namespace tradewind
