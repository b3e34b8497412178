#include "broker/routing/clearing.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <tuple>
#include <utility>

#include "broker/routing/adequacy.h"
#include "broker/routing/flow.h"
#include "broker/routing/job_class.h"
#include "broker/routing/limits.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

using Wide = ClearingValue::Wide;

std::uint64_t left(std::uint64_t of, std::uint64_t taken) {
  return of > taken ? of - taken : 0;
}

constexpr std::uint32_t kNone = UINT32_MAX;
// Sizes and values beyond these count as these, so that sums of them fit.
constexpr Wide kSizeMax = Wide{1} << 40;
constexpr std::int64_t kWorthMax = std::int64_t{1} << 50;
// How much dearer than its own best place the dearest of all jobs is to reject, per size, at the
// lowest priority, whose weight is 1.
constexpr Wide kRejectFactor = 1'024;

// What one unit of a pool counts in the sizes of jobs: an accelerator as 32 CPUs, 4 GiB as one.
std::uint64_t unit_measure(const Resources& unit) {
  if (unit.accelerators > 0) return 32 * std::uint64_t{unit.accelerators};
  return std::max<std::uint64_t>(1, unit.cpus + unit.memory_mib / 4'096);
}

// A job of a class at one pool, in the best of its ways there.
struct Place {
  std::uint32_t pool = 0;      // its number in the columns
  std::uint32_t units = 0;     // on each node
  std::uint64_t reserved = 0;  // over all nodes
  std::int64_t value = 0;      // what the job's objective makes least of
  std::int64_t worth = 0;      // the same in micro-units
};

struct JobClass {
  const RouteRequest* request = nullptr;  // of its first job
  std::uint32_t kind = 0;
  std::vector<std::uint32_t> jobs;  // in waiting order
  std::uint32_t nodes = 1;
  std::int64_t weight = 0;           // by priority
  std::optional<Place> best;         // of a job alone; nothing: nothing is adequate
  MoneyPerHour second_rate{};        // what its seconds are worth; Objective::fastest
  bool full = false;                 // nothing has room for a job of it any more
  std::vector<std::uint32_t> taken;  // pools that the greedy assignment took
  std::vector<Place> places;         // best first; the ones that the flow may use
  std::uint64_t size = 0;            // in the objective
  std::uint64_t amount = 0;          // of one job in the flow
};

struct JobKind {
  std::uint32_t shortest = 0;  // of its classes
  std::uint32_t longest = 0;
  std::vector<std::uint32_t> pools;
  bool complete = false;  // whether these are all that are adequate for the shortest ones
};

// Which job goes where, in the order in which that was found.
struct Plan {
  struct Step {
    std::uint32_t job = 0;
    Place place;
  };
  std::vector<Step> steps;
  ClearingValue value;
};

// Numbers for things that are found by a hash and a comparison.
class Numbers {
 public:
  explicit Numbers(std::size_t most) {
    while (slots_.size() < 2 * most) slots_.resize(2 * slots_.size());
  }
  // The number for which `same` holds, or `next`, which it then is.
  template <class Same>
  std::uint32_t find(std::uint64_t hash, std::size_t next, Same same) {
    std::size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].number != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash && same(slots_[at].number)) return slots_[at].number;
    }
    slots_[at] = {hash, static_cast<std::uint32_t>(next)};
    return slots_[at].number;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
  };
  std::vector<Slot> slots_{64};
};

std::uint64_t stated_seconds(const RouteRequest& request) {
  const Variant& variant = request.spec.variants.front();
  return variant.duration_seconds != 0 ? variant.duration_seconds : variant.work_seconds;
}

// Of two requests of one kind: whether the first surely runs no longer anywhere, so that it is
// adequate wherever the other is.
bool no_longer(const RouteRequest& first, const RouteRequest& other) {
  return std::ranges::equal(
      first.spec.variants, other.spec.variants, [](const Variant& a, const Variant& b) {
        if (a.duration_seconds == 0 && b.duration_seconds == 0) {
          return (a.work_seconds == 0) == (b.work_seconds == 0) && a.work_seconds <= b.work_seconds;
        }
        return a.duration_seconds != 0 && a.duration_seconds <= b.duration_seconds;
      });
}

class Clearing {
 public:
  Clearing(Chooser& chooser, std::span<const RouteRequest> jobs, Wall::time_point now,
           const ClearingOptions& options)
      : chooser_(chooser),
        columns_(chooser.view().columns()),
        left_(columns_),
        jobs_(jobs),
        now_(now),
        options_(options) {}

  Cleared run();

 private:
  void find_classes();
  Place place_of(const JobClass& each, const Chosen& chosen) const;
  // The best place that is left for this job.
  std::optional<Place> pick(std::uint32_t job);
  bool has_room(const JobClass& each, const Place& place) const;
  std::uint64_t spare(const Place& place) const;
  Wide measure(const Place& place) const;  // of what a job reserves there
  void take(Plan& plan, std::uint32_t job, const Place& place);
  void forget_taken();

  Plan greedy();
  // Whether some job got no place, or a worse one than it would have alone.
  bool gave_way(const Plan& plan) const;
  void find_places();
  void find_sizes();
  void find_amounts();
  void find_value(Plan& plan) const;
  // The sum of all values if each job were alone.
  Wide least_alone() const;
  // Nothing when it is beyond the bounds.
  std::optional<Plan> by_flow(Wide& bound);
  // The jobs by priority, then the greater first.
  std::vector<std::uint32_t> greatest_first() const;
  // By class the places that the flow wants for whole jobs.
  Plan rounded(const std::vector<std::vector<std::uint32_t>>& wanted);
  // By class its places in the order of what they cost with the flow's prices added.
  Plan priced(const std::vector<std::vector<std::uint32_t>>& ranked);

  Chooser& chooser_;
  const MarketColumns& columns_;
  MarketColumns left_;  // the same with what was taken debited
  const std::span<const RouteRequest> jobs_;
  const Wall::time_point now_;
  const ClearingOptions& options_;

  std::vector<JobClass> classes_;
  std::vector<JobKind> kinds_;
  std::vector<std::uint32_t> class_of_;  // by job
  std::size_t places_count_ = 0;
  Wide reject_ = 0;  // reject price of one of size and weight
};

void Clearing::find_classes() {
  Numbers numbers(jobs_.size());
  Numbers kind_numbers(jobs_.size());
  for (std::uint32_t job = 0; job < jobs_.size(); ++job) {
    const RouteRequest& request = jobs_[job];
    const std::uint32_t number = numbers.find(
        class_hash(request), classes_.size(),
        [&](std::uint32_t other) { return same_class(*classes_[other].request, request); });
    class_of_.push_back(number);
    if (number == classes_.size()) {
      JobClass& made = classes_.emplace_back();
      made.request = &request;
      made.nodes = nodes_wanted(request.spec);
      made.weight = 101 + std::clamp(request.spec.priority, -100, 100);
      made.kind = kind_numbers.find(kind_hash(request), kinds_.size(), [&](std::uint32_t other) {
        return same_kind(*classes_[kinds_[other].shortest].request, request);
      });
      if (made.kind == kinds_.size()) kinds_.push_back({number, number, {}, false});
      JobKind& kind = kinds_[made.kind];
      const auto seconds = [&](std::uint32_t other) {
        return stated_seconds(*classes_[other].request);
      };
      if (seconds(number) < seconds(kind.shortest)) kind.shortest = number;
      if (seconds(number) > seconds(kind.longest)) kind.longest = number;
      if (const auto best = chooser_.best(request, columns_, now_)) {
        // A second counts as what one costs at the best place, at least a micro-unit.
        made.second_rate.micros = std::max<std::int64_t>(3'600, best->draft.rate.micros);
        made.best = place_of(made, *best);
      }
    }
    classes_[number].jobs.push_back(job);
  }
}

Place Clearing::place_of(const JobClass& each, const Chosen& chosen) const {
  const Draft& draft = chosen.draft;
  Place place;
  place.pool = pool_of(columns_, chosen);
  place.units = draft.units;
  place.reserved = std::uint64_t{each.nodes} * draft.units;
  place.value = draft.value;
  place.worth = draft.value;
  if (each.request->spec.objective == Objective::fastest) {
    const auto worth = cost_ceil(each.second_rate, std::chrono::seconds{draft.value});
    place.worth = worth ? worth->micros : INT64_MAX;
  }
  place.worth = std::min(place.worth, kWorthMax);
  return place;
}

std::optional<Place> Clearing::pick(std::uint32_t job) {
  JobClass& each = classes_[class_of_[job]];
  if (each.full || !each.best) return std::nullopt;
  if (const auto best = chooser_.best(jobs_[job], left_, now_)) return place_of(each, *best);
  each.full = true;
  return std::nullopt;
}

bool Clearing::has_room(const JobClass& each, const Place& place) const {
  const PoolRow& row = left_.pool(place.pool);
  return !capacity_miss(offered_by(left_, place.pool), each.nodes, place.units,
                        Debited{row.debited_units, row.debited_nodes},
                        chooser_.options().spare_units, {});
}

std::uint64_t Clearing::spare(const Place& place) const {
  const PoolRow& row = columns_.pool(place.pool);
  const std::uint64_t whole = std::uint64_t{row.nodes} * columns_.shape(row.shape).units_node;
  return std::min<std::uint64_t>(chooser_.options().spare_units, left(whole, place.reserved));
}

void Clearing::take(Plan& plan, std::uint32_t job, const Place& place) {
  const PoolRow& row = left_.pool(place.pool);
  const auto sum = [](std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(a + b, UINT32_MAX));
  };
  left_.change_debit(row.site, columns_.pool_record(place.pool).id,
                     sum(row.debited_units, place.reserved),
                     sum(row.debited_nodes, classes_[class_of_[job]].nodes));
  plan.steps.push_back({job, place});
}

void Clearing::forget_taken() {
  left_ = columns_;
  for (JobClass& each : classes_) each.full = false;
}

Plan Clearing::greedy() {
  Plan plan;
  for (std::uint32_t job = 0; job < jobs_.size(); ++job) {
    const auto place = pick(job);
    if (!place) continue;
    take(plan, job, *place);
    classes_[class_of_[job]].taken.push_back(place->pool);
  }
  return plan;
}

bool Clearing::gave_way(const Plan& plan) const {
  std::size_t possible = 0;
  for (const JobClass& each : classes_) possible += each.best ? each.jobs.size() : 0;
  if (plan.steps.size() < possible) return true;
  return std::ranges::any_of(plan.steps, [&](const Plan::Step& step) {
    return step.place.worth > classes_[class_of_[step.job]].best->worth;
  });
}

// For each kind the pools that come first for its shortest and its longest jobs, and those that
// come first of what the greedy assignment left; for each class also those that its jobs took.
void Clearing::find_places() {
  const std::size_t count =
      std::clamp(options_.ways_budget / std::max<std::size_t>(1, classes_.size()),
                 options_.ways_min, options_.ways_max);
  std::vector<std::uint32_t> listed(columns_.pools_count(), 0);
  std::uint32_t mark = 0;
  for (JobKind& kind : kinds_) {
    ++mark;
    const auto add = [&](std::uint32_t number, const MarketColumns& columns, std::size_t most) {
      const Nearest found = chooser_.nearest(*classes_[number].request, columns, now_, most);
      for (const Chosen& each : found.ways) {
        const std::uint32_t pool = pool_of(columns_, each);
        if (std::exchange(listed[pool], mark) != mark) kind.pools.push_back(pool);
      }
      return found.complete;
    };
    for (const std::uint32_t number : {kind.shortest, kind.longest}) {
      const bool complete = !classes_[number].best || add(number, columns_, count);
      if (!complete) add(number, left_, (count + 3) / 4);
      if (number == kind.shortest) kind.complete = complete;
      if (kind.complete || kind.shortest == kind.longest) break;
    }
  }
  std::vector<std::uint32_t> pools;
  for (JobClass& each : classes_) {
    if (!each.best) continue;
    ++mark;
    pools.clear();
    const auto add = [&](std::uint32_t pool) {
      if (std::exchange(listed[pool], mark) != mark) pools.push_back(pool);
    };
    add(each.best->pool);
    std::ranges::for_each(each.taken, add);
    std::ranges::for_each(kinds_[each.kind].pools, add);
    each.places.reserve(pools.size());
    for (const Chosen& chosen : chooser_.at(*each.request, columns_, now_, pools)) {
      each.places.push_back(place_of(each, chosen));
    }
    std::ranges::sort(each.places, {},
                      [](const Place& place) { return std::pair(place.value, place.pool); });
    places_count_ += each.places.size();
  }
}

void Clearing::find_sizes() {
  std::uint64_t unit = 0;
  for (JobClass& each : classes_) {
    if (!each.best) continue;
    each.size = static_cast<std::uint64_t>(std::min(measure(*each.best), kSizeMax));
    unit = std::gcd(unit, each.size);
  }
  Wide dearest = 0;
  for (JobClass& each : classes_) {
    if (!each.best) continue;
    each.size /= unit;
    const auto size = static_cast<Wide>(each.size);
    dearest = std::max(dearest, (each.best->worth + size - 1) / size);
  }
  reject_ = kRejectFactor * (1 + dearest);
}

// A job's amount is what it reserves at the place where that is least: the more alike all its
// places, the better the flow knows what has room.
void Clearing::find_amounts() {
  std::uint64_t unit = 0;
  for (JobClass& each : classes_) {
    Wide amount = kSizeMax;
    for (const Place& place : each.places) amount = std::min(amount, measure(place));
    each.amount = static_cast<std::uint64_t>(amount);
    if (!each.places.empty()) unit = std::gcd(unit, each.amount);
  }
  for (JobClass& each : classes_) {
    if (!each.places.empty()) each.amount /= unit;
  }
}

Wide Clearing::measure(const Place& place) const {
  const std::uint64_t unit = unit_measure(columns_.pool_record(place.pool).unit);
  return static_cast<Wide>(place.reserved) * static_cast<Wide>(unit);
}

void Clearing::find_value(Plan& plan) const {
  ClearingValue& value = plan.value;
  value = {};
  for (const JobClass& each : classes_) {
    value.rejected +=
        reject_ * each.weight * static_cast<Wide>(each.size) * static_cast<Wide>(each.jobs.size());
  }
  for (const Plan::Step& step : plan.steps) {
    const JobClass& each = classes_[class_of_[step.job]];
    value.placed += step.place.worth;
    value.rejected -= reject_ * each.weight * static_cast<Wide>(each.size);
    ++value.jobs_placed;
  }
}

Wide Clearing::least_alone() const {
  Wide sum = 0;
  for (const JobClass& each : classes_) {
    if (each.best) sum += Wide{each.best->worth} * static_cast<Wide>(each.jobs.size());
  }
  return sum;
}

std::optional<Plan> Clearing::by_flow(Wide& bound) {
  find_amounts();
  const auto reject = [this](const JobClass& each) {
    return reject_ * each.weight * static_cast<Wide>(each.size);
  };
  // Costs are scaled to use the whole range, rounded down: what is below the bound stays below.
  Wide highest = 1;
  for (const JobClass& each : classes_) {
    if (each.places.empty()) continue;
    Wide dearest = reject(each);
    for (const Place& place : each.places) dearest = std::max(dearest, Wide{place.worth});
    const auto amount = static_cast<Wide>(each.amount);
    highest = std::max(highest, (dearest + amount - 1) / amount);
  }
  int shift = 0;
  while (shift < 31 && highest << (shift + 1) <= FlowProblem::cost_max) ++shift;
  while (highest >> -std::min(shift, 0) > FlowProblem::cost_max) --shift;
  const auto scaled = [shift](Wide value) { return shift >= 0 ? value << shift : value >> -shift; };

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
  std::vector<PoolUse> uses(columns_.pools_count());
  std::vector<std::uint32_t> pools;
  for (const JobClass& each : classes_) {
    for (const Place& place : each.places) {
      PoolUse& use = uses[place.pool];
      if (use.units_step == 0) pools.push_back(place.pool);
      use.units_step = std::gcd(use.units_step, place.reserved);
      use.spare = std::min(use.spare, spare(place));
      if (each.nodes > 1) {
        use.nodes_step = std::gcd(use.nodes_step, each.nodes);
        ++use.several;
      }
    }
  }
  if (places_count_ > options_.arcs_max || classes_.size() + pools.size() > options_.nodes_max) {
    return std::nullopt;
  }
  std::ranges::sort(pools);

  const auto units_left = [&](std::uint32_t pool) {
    const PoolRow& row = columns_.pool(pool);
    return left(row.units_free, row.debited_units);
  };
  const auto nodes_left = [&](std::uint32_t pool) {
    const PoolRow& row = columns_.pool(pool);
    return left(row.nodes_free, row.debited_nodes);
  };
  std::int64_t total = 0;
  for (const JobClass& each : classes_) {
    total += static_cast<std::int64_t>(each.amount * each.jobs.size());
  }
  const auto most = [total](Wide value) {
    return static_cast<std::int64_t>(std::min(value, Wide{total}));
  };

  FlowProblem problem;
  problem.arcs.reserve(places_count_);
  std::vector<std::uint32_t> sources(classes_.size(), kNone);
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    const JobClass& each = classes_[number];
    if (!each.best) continue;
    const auto amount = static_cast<Wide>(each.amount);
    sources[number] = static_cast<std::uint32_t>(problem.sources.size());
    FlowProblem::Source& source = problem.sources.emplace_back();
    source.amount = static_cast<std::int64_t>(each.amount * each.jobs.size());
    source.reject = static_cast<std::int64_t>(scaled(reject(each)) / amount);
    const JobKind& kind = kinds_[each.kind];
    const bool all = kind.complete && no_longer(*classes_[kind.shortest].request, *each.request);
    // Pools that are not listed are no better than the best one.
    source.beyond =
        all ? source.reject : static_cast<std::int64_t>(scaled(each.best->worth) / amount);
    for (const Place& place : each.places) {
      PoolUse& use = uses[place.pool];
      const std::uint64_t room = left(units_left(place.pool), spare(place));
      std::uint64_t jobs = std::min<std::uint64_t>(room / place.reserved, each.jobs.size());
      const auto weighed = [&](std::uint64_t of, std::uint64_t step, std::uint64_t part) {
        return most(Wide{static_cast<std::int64_t>(of / step * step)} * amount /
                    static_cast<std::int64_t>(part));
      };
      use.capacity = std::max(use.capacity, weighed(left(units_left(place.pool), use.spare),
                                                    use.units_step, place.reserved));
      if (each.nodes > 1) {
        jobs = std::min<std::uint64_t>(jobs, nodes_left(place.pool) / each.nodes);
        use.nodes_capacity = std::max(use.nodes_capacity,
                                      weighed(nodes_left(place.pool), use.nodes_step, each.nodes));
      }
      FlowProblem::Arc& arc = problem.arcs.emplace_back();
      arc.source = sources[number];
      arc.place = place.pool;  // until the places are numbered
      arc.capacity = static_cast<std::int64_t>(jobs * each.amount);
      arc.cost = static_cast<std::int64_t>(scaled(place.worth) / amount);
    }
  }
  for (const std::uint32_t pool : pools) {
    PoolUse& use = uses[pool];
    use.place = static_cast<std::uint32_t>(problem.places.size());
    problem.places.push_back({use.capacity, FlowProblem::none});
    if (use.several < 2) continue;
    use.nodes_place = static_cast<std::uint32_t>(problem.places.size());
    problem.places.push_back({use.nodes_capacity, use.place});
  }
  std::size_t at = 0;
  for (const JobClass& each : classes_) {
    for (const Place& place : each.places) {
      const PoolUse& use = uses[place.pool];
      const bool on_nodes = each.nodes > 1 && use.nodes_place != kNone;
      problem.arcs[at++].place = on_nodes ? use.nodes_place : use.place;
    }
  }

  const FlowAnswer answer = least_cost_flow(problem);
  bound = shift >= 0 ? answer.bound >> shift : answer.bound << -shift;
  std::vector<std::vector<std::uint32_t>> wanted(classes_.size());
  std::vector<std::vector<std::uint32_t>> ranked(classes_.size());
  std::vector<std::pair<std::int64_t, std::uint32_t>> costs;
  at = 0;
  for (std::size_t number = 0; number < classes_.size(); ++number) {
    const JobClass& each = classes_[number];
    costs.clear();
    for (std::uint32_t place = 0; place < each.places.size(); ++place, ++at) {
      const auto jobs = static_cast<std::uint64_t>(answer.flows[at]) / each.amount;
      wanted[number].insert(wanted[number].end(), jobs, place);
      const FlowProblem::Arc& arc = problem.arcs[at];
      const std::uint32_t within = problem.places[arc.place].within;
      costs.emplace_back(arc.cost + answer.prices[arc.place] +
                             (within == FlowProblem::none ? 0 : answer.prices[within]),
                         place);
    }
    std::ranges::sort(costs);
    for (const auto& [cost, place] : costs) ranked[number].push_back(place);
  }
  Plan plan = rounded(wanted);
  find_value(plan);
  Plan other = priced(ranked);
  find_value(other);
  if (other.value.total() < plan.value.total()) plan = std::move(other);
  return plan;
}

std::vector<std::uint32_t> Clearing::greatest_first() const {
  std::vector<std::uint32_t> order(jobs_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t job) {
    const JobClass& each = classes_[class_of_[job]];
    return std::tuple(-each.weight, ~each.size, job);
  });
  return order;
}

Plan Clearing::rounded(const std::vector<std::vector<std::uint32_t>>& wanted) {
  Plan plan;
  forget_taken();
  const std::vector<std::uint32_t> order = greatest_first();
  std::vector<std::size_t> next(classes_.size(), 0);
  std::vector<std::uint32_t> others;
  const auto weight = [&](std::uint32_t job) { return classes_[class_of_[job]].weight; };
  for (auto from = order.begin(); from != order.end();) {
    const auto end = std::find_if(from, order.end(),
                                  [&](std::uint32_t job) { return weight(job) != weight(*from); });
    others.clear();
    // Jobs on several nodes first: the others would take nodes that they do not need whole.
    for (const bool several : {true, false}) {
      for (auto at = from; at != end; ++at) {
        const std::uint32_t number = class_of_[*at];
        const JobClass& each = classes_[number];
        if ((each.nodes > 1) != several) continue;
        if (next[number] < wanted[number].size()) {
          const Place& place = each.places[wanted[number][next[number]++]];
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
  return plan;
}

Plan Clearing::priced(const std::vector<std::vector<std::uint32_t>>& ranked) {
  Plan plan;
  forget_taken();
  std::vector<std::size_t> open(classes_.size(), 0);
  for (const std::uint32_t job : greatest_first()) {
    const std::uint32_t number = class_of_[job];
    const JobClass& each = classes_[number];
    std::size_t& at = open[number];
    while (at < ranked[number].size() && !has_room(each, each.places[ranked[number][at]])) ++at;
    if (at < ranked[number].size()) {
      take(plan, job, each.places[ranked[number][at]]);
    } else if (const auto place = pick(job)) {
      take(plan, job, *place);
    }
  }
  return plan;
}

Cleared Clearing::run() {
  TRADEWIND_ASSERT(jobs_.size() <= limits::clearing_jobs_max);
  find_classes();
  Plan plan = greedy();
  const bool contended = gave_way(plan) && kinds_.size() <= options_.kinds_max;
  if (contended) {
    find_places();
  }
  find_sizes();
  find_value(plan);
  Cleared cleared;
  cleared.greedy = plan.value;
  cleared.bound = least_alone();
  if (contended) {
    Wide bound = 0;
    if (std::optional<Plan> flow = by_flow(bound)) {
      cleared.flow = flow->value;
      cleared.bound = std::max(cleared.bound, bound);
      cleared.by_flow = flow->value.total() < plan.value.total();
      if (cleared.by_flow) plan = std::move(*flow);
    }
  }

  cleared.placements.reserve(plan.steps.size());
  for (const Plan::Step& step : plan.steps) {
    Cleared::Placement& placement = cleared.placements.emplace_back();
    placement.job = step.job;
    placement.decision = chooser_.take(jobs_[step.job], step.place.pool, now_);
    placement.decision.clearing =
        ClearedWith{static_cast<std::uint32_t>(jobs_.size()),
                    step.place.value - classes_[class_of_[step.job]].best->value};
  }
  return cleared;
}

}  // namespace

Cleared clear(Chooser& chooser, std::span<const RouteRequest> jobs, Wall::time_point now,
              const ClearingOptions& options) {
  for (const RouteRequest& each : jobs) {
    TRADEWIND_ASSERT(chooser.view().columns().contract_pools(each.tenant).empty());
  }
  return Clearing(chooser, jobs, now, options).run();
}

}  // namespace tradewind
