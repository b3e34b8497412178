#include "broker/routing/price_walk.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "broker/routing/adequacy.h"
#include "broker/routing/choice.h"
#include "broker/routing/cost.h"
#include "broker/routing/finish.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

using Wide = DataFlows::Wide;

std::uint64_t bounded(Wide value, std::uint64_t most) {
  return static_cast<std::uint64_t>(std::min(value, Wide{most}));
}

constexpr std::uint64_t kMoneyMax = static_cast<std::uint64_t>(INT64_MAX);
// So much work at MarketColumns::slowness_max stays below limits::seconds_forever, where run times
// are cut; more of it bounds no better.
constexpr std::uint64_t kWorkBounded = 1'000'000'000;

bool before(const Bound& a, const Bound& b) {
  return a.value != b.value ? a.value < b.value : a.cost < b.cost;
}

}  // namespace

Way way_of(const JobSpec& spec, std::uint32_t variant, std::uint32_t workload) {
  Way way;
  way.variant = variant;
  if (const auto run = run_seconds_stated(spec, spec.variants[variant])) {
    way.run_seconds = *run;
  } else {
    way.workload = workload;
    way.work_seconds = std::min(spec.variants[variant].work_seconds, kWorkBounded);
  }
  const std::uint64_t seconds = way.run_seconds + way.work_seconds;
  way.node_hours = bounded((Wide{nodes_wanted(spec)} * (seconds << 20) / 3'600) << 12, kMoneyMax);
  return way;
}

PriceWalk::PriceWalk(const RouteRequest& request, const MarketView& view,
                     const RouteOptions& options, Wall::time_point now, const DataFlows& flows,
                     const SiteFilter* filter, Room& room)
    : request_(request),
      spec_(request.spec),
      options_(options),
      columns_(view.columns()),
      index_(columns_.index()),
      now_(now),
      flows_(flows),
      filter_(filter),
      room_(room),
      nodes_(nodes_wanted(request.spec)),
      by_time_(request.spec.objective != Objective::cheapest) {
  if (spec_.objective == Objective::balanced && spec_.value_per_hour.micros > 0) {
    second_worth_ =
        bounded((static_cast<Wide>(spec_.value_per_hour.micros) << 20) / 3'600, UINT64_MAX);
  }
}

std::optional<Draft> PriceWalk::choose() {
  find_steps();
  const auto walk = [this] {
    for (const Room::Step& step : room_.steps) {
      if (!can_win(step.bound)) continue;
      const Way& way = room_.ways[step.way];
      open_shape(way, (*way.matches)[step.match]);
    }
  };
  walk();
  if (!best_ || options_.tolerance_ppm <= 0) return best_;
  highest_ = highest_value_within(best_->value, options_.tolerance_ppm);
  best_hash_ = tie_hash(request_.tie_key, *best_);
  walk();
  return best_;
}

PriceWalk::Scale PriceWalk::scale(const Way& way, const ShapeMatch& match) const {
  Scale result;
  result.units = match.units;
  result.conversion = match.conversion;
  const bool work = way.workload != MarketColumns::none;
  result.price_lane = work              ? MarketColumns::lane_work(way.workload, way.preemptible)
                      : way.preemptible ? MarketColumns::lane_preemptible
                                        : MarketColumns::lane_on_demand;
  Wide cost = Wide{way.node_hours} * match.units;
  if (match.conversion != ppm_one) {
    cost = Wide{bounded(cost, kMoneyMax)} * static_cast<Wide>(match.conversion) / ppm_one;
  }
  result.cost = bounded(cost, kMoneyMax);
  return result;
}

Bound PriceWalk::bound(const Way& way, const Scale& scale, std::uint64_t price,
                       std::uint64_t slowness, const DataFlows::Least& flows) const {
  Bound result;
  result.cost = bounded((Wide{scale.cost} * price + flows.cost) >> 32, kMoneyMax);
  result.value = result.cost;
  if (!by_time_) return result;
  std::uint64_t seconds = way.run_seconds;
  if (way.workload != MarketColumns::none) {
    seconds = static_cast<std::uint64_t>((Wide{way.work_seconds} * slowness) >> 32);
  }
  seconds = std::min(seconds + flows.seconds, limits::seconds_forever);
  result.value = spec_.objective == Objective::fastest
                     ? seconds
                     : bounded(result.cost + ((Wide{second_worth_} * seconds) >> 20), kMoneyMax);
  return result;
}

bool PriceWalk::can_win(const Bound& bound) const {
  if (highest_) return bound.value <= static_cast<std::uint64_t>(*highest_);
  if (!best_) return true;
  const auto value = static_cast<std::uint64_t>(best_->value);
  return bound.value < value ||
         (bound.value == value &&
          bound.cost <= static_cast<std::uint64_t>(best_->cost.total.micros));
}

void PriceWalk::find_steps() {
  room_.steps.clear();
  for (std::uint32_t number = 0; number < room_.ways.size(); ++number) {
    const Way& way = room_.ways[number];
    const bool work = way.workload != MarketColumns::none;
    for (std::uint32_t index = 0; index < way.matches->size(); ++index) {
      const ShapeMatch& match = (*way.matches)[index];
      const Scale scaled = scale(way, match);
      const std::uint64_t price = index_.group_least(scaled.price_lane, match.shape);
      if (price == PriceIndex::absent) continue;
      const std::uint64_t slowness =
          by_time_ && work
              ? index_.group_least(MarketColumns::lane_slowness(way.workload), match.shape)
              : 0;
      const DataFlows::Least flows =
          flows_.least([&](const PathRow& row) { return row.groups[match.shape]; });
      room_.steps.push_back({bound(way, scaled, price, slowness, flows), number, index});
      if (before(room_.steps.back().bound, room_.steps.front().bound)) {
        std::swap(room_.steps.back(), room_.steps.front());
      }
    }
  }
}

void PriceWalk::open_shape(const Way& way, const ShapeMatch& match) {
  const Scale scaled = scale(way, match);
  const std::vector<std::uint32_t>& blocks = index_.blocks(match.shape);
  if (blocks.size() == 1) {
    open_block(way, scaled, blocks.front());
    return;
  }
  const bool slow = by_time_ && way.workload != MarketColumns::none;
  room_.blocks.clear();
  for (const std::uint32_t block : blocks) {
    const std::uint64_t price = index_.block_least(scaled.price_lane, block);
    if (price == PriceIndex::absent) continue;
    if (filter_ != nullptr && filter_->blocks[block] == 0) continue;
    const std::uint64_t slowness =
        slow ? index_.block_least(MarketColumns::lane_slowness(way.workload), block) : 0;
    const DataFlows::Least flows =
        flows_.least([&](const PathRow& row) { return row.blocks[block]; });
    const Bound least = bound(way, scaled, price, slowness, flows);
    if (!can_win(least)) continue;
    room_.blocks.push_back({least, block});
    if (before(least, room_.blocks.front().bound)) {
      std::swap(room_.blocks.back(), room_.blocks.front());
    }
  }
  for (const Room::Open& step : room_.blocks) {
    if (can_win(step.bound)) open_block(way, scaled, step.number);
  }
}

void PriceWalk::open_block(const Way& way, const Scale& scaled, std::uint32_t number) {
  const PriceIndex::Block& block = index_.block(number);
  const std::uint64_t* const prices = index_.keys(scaled.price_lane, number);
  const std::uint64_t* const slownesses =
      by_time_ && way.workload != MarketColumns::none
          ? index_.keys(MarketColumns::lane_slowness(way.workload), number)
          : nullptr;
  const std::uint32_t* const units_free = index_.units_free(number);
  const std::uint32_t* const units_free_node = index_.units_free_node(number);
  const std::uint64_t needed = std::uint64_t{nodes_} * scaled.units;
  const std::uint32_t passing = filter_ == nullptr ? UINT32_MAX : filter_->blocks[number];

  std::array<Room::Open, PriceIndex::block_pools> open;
  std::size_t count = 0;
  for (std::uint32_t place = 0; place < block.count; ++place) {
    if (prices[place] == PriceIndex::absent || (passing >> place & 1U) == 0) continue;
    if (units_free[place] < needed) continue;
    if (nodes_ == 1 && units_free_node[place] < scaled.units) continue;
    const std::uint64_t slowness = slownesses == nullptr ? 0 : slownesses[place];
    const std::uint32_t pool = block.pools[place];
    DataFlows::Least flows;
    if (!flows_.none()) {
      const std::uint32_t site = columns_.pool(pool).site;
      flows = flows_.least([site](const PathRow& row) { return least_of(row.paths[site]); });
    }
    const Bound least = bound(way, scaled, prices[place], slowness, flows);
    if (!can_win(least)) continue;
    open[count++] = {least, pool};
    if (before(least, open[0].bound)) std::swap(open[0], open[count - 1]);
  }
  for (std::size_t index = 0; index < count; ++index) {
    if (can_win(open[index].bound)) consider(way, scaled, open[index].number);
  }
}

void PriceWalk::consider(const Way& way, const Scale& scaled, std::uint32_t number) {
  const PoolRow& row = columns_.pool(number);
  const SiteRow& site = columns_.site(row.site);
  const Constraints& constraints = spec_.constraints;
  if (nodes_ > row.nodes) return;
  const Debited debited{row.debited_units, row.debited_nodes};
  const Offered offered{row.nodes, columns_.shape(row.shape).units_node, row.units_free,
                        row.units_free_node, row.nodes_free};
  if (capacity_miss(offered, nodes_, scaled.units, debited, options_.spare_units)) return;
  if (site.issued > now_ + limits::clock_skew_max || now_ >= site.valid_until) return;
  if (std::ranges::find(room_.excluded, row.site) != room_.excluded.end()) return;

  std::uint64_t run = way.run_seconds;
  if (way.workload != MarketColumns::none) {
    const auto worked = run_seconds_worked(spec_.variants[way.variant].work_seconds,
                                           columns_.performance(way.workload, number));
    if (!worked) return;
    run = *worked;
  }
  if (std::max(run, spec_.run_seconds_max) > site.run_seconds_max) return;
  if (site.lists_tenants && policy_miss(spec_, request_.tenant, site.view->record.policy, run)) {
    return;
  }
  const auto rate = job_rate(row.unit_price, row.node_hour, nodes_, scaled.units, row.price_ppm,
                             way.preemptible ? row.preemptible_ppm : ppm_one, scaled.conversion);
  if (rate_miss(constraints, rate)) return;
  if (wait_miss(constraints, row.wait_seconds)) return;
  Transfer transfer;
  if (!flows_.at(columns_, row.site, transfer, nullptr)) return;

  Draft draft;
  const std::uint64_t rerun = way.preemptible ? rerun_seconds(run, row.interruptions_ppm_hour) : 0;
  draft.finish = finish_estimate(row.wait_seconds, transfer.stage_in_seconds, run + rerun,
                                 transfer.stage_out_seconds);
  if (deadline_miss(spec_, run, draft.finish.total_seconds, now_)) return;
  draft.billed_seconds = billed_seconds(run + rerun, row.increment_seconds, row.minimum_seconds);
  const std::optional<CostBreakdown> cost =
      job_cost(*rate, draft.billed_seconds, row.fixed_fee, scaled.conversion, transfer);
  if (budget_miss(constraints, cost)) return;
  draft.cost = *cost;
  draft.value = objective_value(spec_, draft);
  if (!highest_ && best_ && draft.value > best_->value) return;
  draft.site = site.view;
  draft.pool = &columns_.pool_record(number);
  draft.pool_index = row.index;
  draft.variant = way.variant;
  draft.preemptible = way.preemptible;
  draft.units = scaled.units;
  draft.units_free = row.units_free - row.debited_units;
  draft.rate = *rate;
  take(draft);
}

void PriceWalk::take(const Draft& draft) {
  if (!highest_) {
    if (!best_ || better(draft, *best_, request_.tie_key)) best_ = draft;
    return;
  }
  if (draft.value > *highest_) return;
  const std::uint64_t hash = tie_hash(request_.tie_key, draft);
  if (hash != best_hash_ ? hash < best_hash_ : better(draft, *best_, request_.tie_key)) {
    best_ = draft;
    best_hash_ = hash;
  }
}

}  // namespace tradewind
