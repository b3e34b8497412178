#include "broker/routing/clearing_flow.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "broker/routing/flow.h"
#include "state/market/market_view.h"

namespace tradewind {
namespace {

using Wide = ClearingValue::Wide;

constexpr std::uint32_t kNone = UINT32_MAX;

std::uint64_t left(std::uint64_t of, std::uint64_t taken) {
  return of > taken ? of - taken : 0;
}

// What the jobs of all classes do at one pool.
struct PoolUse {
  std::uint32_t place = kNone;  // of the flow
  std::uint32_t nodes_place = kNone;
  std::uint64_t units_step = 0;  // greatest common divisor of what jobs reserve
  std::uint32_t nodes_step = 0;  // the same of the nodes of jobs on several
  std::uint64_t spare = UINT64_MAX;
  std::uint32_t several = 0;  // classes of jobs on several nodes
  std::int64_t capacity = 0;
  std::int64_t nodes_capacity = 0;
};

class Model {
 public:
  Model(const Chooser& chooser, const ClearingGroups& groups, const ClassPlaces& places);

  // Classes and pools, the nodes of the flow's graph.
  std::size_t nodes_count() const { return classes_.size() + pools_.size(); }
  ClearingFlow solve();

 private:
  void find_amounts();
  void find_shift();
  void find_uses();
  // The cost of what is worth so much, as the flow counts it: scaled up or down.
  Wide scaled(Wide value) const { return shift_ >= 0 ? value << shift_ : value >> -shift_; }
  std::uint64_t spare(const ClassPlace& place) const;
  std::uint64_t units_left(std::uint32_t pool) const;
  std::uint64_t nodes_left(std::uint32_t pool) const;

  // The class as a source, with an arc to each of its places, and what its jobs use of their pools.
  void add_class(std::uint32_t number);
  void add_pools();
  // Arcs lead to pools until these have their numbers in the flow.
  void lead_arcs();
  ClearingFlow read(const FlowAnswer& answer) const;

  const ClearingGroups& groups_;
  const std::vector<JobClass>& classes_;
  const ClassPlaces& places_;
  const MarketColumns& columns_;
  const std::uint32_t spare_units_;

  std::vector<std::uint64_t> amounts_;  // by class: of one job in the flow
  std::int64_t total_ = 0;              // of all jobs
  int shift_ = 0;
  std::vector<PoolUse> uses_;         // by pool
  std::vector<std::uint32_t> pools_;  // that some class may use, in order
  FlowProblem problem_;
};

Model::Model(const Chooser& chooser, const ClearingGroups& groups, const ClassPlaces& places)
    : groups_(groups),
      classes_(groups.classes()),
      places_(places),
      columns_(chooser.view().columns()),
      spare_units_(chooser.options().spare_units) {
  find_amounts();
  find_shift();
  find_uses();
}

// A job's amount is what it reserves at the place where that is least: the more alike all its
// places, the better the flow knows what has room.
void Model::find_amounts() {
  std::uint64_t unit = 0;
  for (const auto& list : places_.by_class) {
    Wide amount = ClearingGroups::size_max;
    for (const ClassPlace& place : list) amount = std::min(amount, groups_.measure(place));
    amounts_.push_back(static_cast<std::uint64_t>(amount));
    if (!list.empty()) unit = std::gcd(unit, amounts_.back());
  }
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    if (!places_.by_class[number].empty()) amounts_[number] /= unit;
    total_ += static_cast<std::int64_t>(amounts_[number] * classes_[number].jobs.size());
  }
}

// Costs are scaled to use the whole range, rounded down: what is below the bound stays below.
void Model::find_shift() {
  Wide highest = 1;
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    if (places_.by_class[number].empty()) continue;
    Wide dearest = groups_.reject_price(classes_[number]);
    for (const ClassPlace& place : places_.by_class[number]) {
      dearest = std::max(dearest, Wide{place.worth});
    }
    const auto amount = static_cast<Wide>(amounts_[number]);
    highest = std::max(highest, (dearest + amount - 1) / amount);
  }
  while (shift_ < 31 && highest << (shift_ + 1) <= FlowProblem::cost_max) ++shift_;
  while (highest >> -std::min(shift_, 0) > FlowProblem::cost_max) --shift_;
}

void Model::find_uses() {
  uses_.resize(columns_.pools_count());
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    for (const ClassPlace& place : places_.by_class[number]) {
      PoolUse& use = uses_[place.pool];
      if (use.units_step == 0) pools_.push_back(place.pool);
      use.units_step = std::gcd(use.units_step, place.reserved);
      use.spare = std::min(use.spare, spare(place));
      if (classes_[number].nodes > 1) {
        use.nodes_step = std::gcd(use.nodes_step, classes_[number].nodes);
        ++use.several;
      }
    }
  }
  std::ranges::sort(pools_);
}

std::uint64_t Model::spare(const ClassPlace& place) const {
  const PoolRow& row = columns_.pool(place.pool);
  const std::uint64_t whole = std::uint64_t{row.nodes} * columns_.shape(row.shape).units_node;
  return std::min<std::uint64_t>(spare_units_, left(whole, place.reserved));
}

std::uint64_t Model::units_left(std::uint32_t pool) const {
  const PoolRow& row = columns_.pool(pool);
  return left(row.units_free, row.debited_units);
}

std::uint64_t Model::nodes_left(std::uint32_t pool) const {
  const PoolRow& row = columns_.pool(pool);
  return left(row.nodes_free, row.debited_nodes);
}

ClearingFlow Model::solve() {
  problem_.arcs.reserve(places_.count);
  for (std::uint32_t number = 0; number < classes_.size(); ++number) {
    if (classes_[number].best) add_class(number);
  }
  add_pools();
  lead_arcs();
  return read(least_cost_flow(problem_));
}

void Model::add_class(std::uint32_t number) {
  const JobClass& each = classes_[number];
  const auto amount = static_cast<Wide>(amounts_[number]);
  const auto source_number = static_cast<std::uint32_t>(problem_.sources.size());
  FlowProblem::Source& source = problem_.sources.emplace_back();
  source.amount = static_cast<std::int64_t>(amounts_[number] * each.jobs.size());
  source.reject = static_cast<std::int64_t>(scaled(groups_.reject_price(each)) / amount);
  // Pools that are not listed are no better than the best one.
  source.beyond = places_.complete[number]
                      ? source.reject
                      : static_cast<std::int64_t>(scaled(each.best->worth) / amount);

  // What `of` is worth in steps, at `part` a job; no more than all jobs together.
  const auto weighed = [&](std::uint64_t of, std::uint64_t step, std::uint64_t part) {
    const Wide whole = Wide{static_cast<std::int64_t>(of / step * step)} * amount /
                       static_cast<std::int64_t>(part);
    return static_cast<std::int64_t>(std::min(whole, Wide{total_}));
  };
  for (const ClassPlace& place : places_.by_class[number]) {
    PoolUse& use = uses_[place.pool];
    const std::uint64_t room = left(units_left(place.pool), spare(place));
    std::uint64_t jobs = std::min<std::uint64_t>(room / place.reserved, each.jobs.size());
    use.capacity = std::max(use.capacity, weighed(left(units_left(place.pool), use.spare),
                                                  use.units_step, place.reserved));
    if (each.nodes > 1) {
      jobs = std::min<std::uint64_t>(jobs, nodes_left(place.pool) / each.nodes);
      use.nodes_capacity =
          std::max(use.nodes_capacity, weighed(nodes_left(place.pool), use.nodes_step, each.nodes));
    }
    FlowProblem::Arc& arc = problem_.arcs.emplace_back();
    arc.source = source_number;
    arc.place = place.pool;
    arc.capacity = static_cast<std::int64_t>(jobs * amounts_[number]);
    arc.cost = static_cast<std::int64_t>(scaled(place.worth) / amount);
  }
}

void Model::add_pools() {
  for (const std::uint32_t pool : pools_) {
    PoolUse& use = uses_[pool];
    use.place = static_cast<std::uint32_t>(problem_.places.size());
    problem_.places.push_back({use.capacity, FlowProblem::none});
    if (use.several < 2) continue;
    use.nodes_place = static_cast<std::uint32_t>(problem_.places.size());
    problem_.places.push_back({use.nodes_capacity, use.place});
  }
}

void Model::lead_arcs() {
  std::size_t at = 0;
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    for (const ClassPlace& place : places_.by_class[number]) {
      const PoolUse& use = uses_[place.pool];
      const bool on_nodes = classes_[number].nodes > 1 && use.nodes_place != kNone;
      problem_.arcs[at++].place = on_nodes ? use.nodes_place : use.place;
    }
  }
}

ClearingFlow Model::read(const FlowAnswer& answer) const {
  ClearingFlow flow;
  flow.bound = shift_ >= 0 ? answer.bound >> shift_ : answer.bound << -shift_;
  flow.wanted.resize(classes_.size());
  flow.ranked.resize(classes_.size());
  std::vector<std::pair<std::int64_t, std::uint32_t>> costs;
  std::size_t at = 0;
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    std::vector<std::uint32_t>& wanted = flow.wanted[number];
    costs.clear();
    for (std::uint32_t place = 0; place < places_.by_class[number].size(); ++place, ++at) {
      const auto jobs = static_cast<std::uint64_t>(answer.flows[at]) / amounts_[number];
      wanted.insert(wanted.end(), jobs, place);
      const FlowProblem::Arc& arc = problem_.arcs[at];
      const std::uint32_t within = problem_.places[arc.place].within;
      costs.emplace_back(arc.cost + answer.prices[arc.place] +
                             (within == FlowProblem::none ? 0 : answer.prices[within]),
                         place);
    }
    std::ranges::sort(costs);
    for (const auto& [cost, place] : costs) flow.ranked[number].push_back(place);
  }
  return flow;
}

}  // namespace

std::optional<ClearingFlow> clearing_flow(const Chooser& chooser, const ClearingGroups& groups,
                                          const ClassPlaces& places,
                                          const ClearingOptions& options) {
  if (places.count > options.arcs_max) return std::nullopt;
  Model model(chooser, groups, places);
  if (model.nodes_count() > options.nodes_max) return std::nullopt;
  return model.solve();
}

}  // namespace tradewind
