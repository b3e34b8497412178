#include "broker/routing/price_walk.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "broker/routing/adequacy.h"
#include "broker/routing/choice.h"
#include "broker/routing/contract.h"
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
// The most that a key is multiplied by, * 2^32: the product, with the data's bound, stays within 64
// bits.
constexpr std::uint64_t kScaleMax = std::uint64_t{1} << 54;
// A run longer than so many times the shortest one that is billed takes longer than that on any
// pool that is not faster by this factor.
constexpr std::uint64_t kShortRuns = 8;
static_assert(MarketColumns::key_max == std::uint64_t{1} << 40);

bool before(const Bound& a, const Bound& b) {
  return a.value != b.value ? a.value < b.value : a.cost < b.cost;
}

std::uint64_t cost_of(std::uint64_t scale, std::uint64_t key) {
  return static_cast<std::uint64_t>(Wide{scale} * key >> 32);
}

std::uint32_t hour_lane(const Way& way) {
  return way.preemptible ? MarketColumns::lane_preemptible : MarketColumns::lane_on_demand;
}

std::uint32_t price_lane(const Way& way) {
  return way.workload == MarketColumns::none
             ? hour_lane(way)
             : MarketColumns::lane_work(way.workload, way.preemptible);
}

}  // namespace

Way way_of(const JobSpec& spec, std::uint32_t variant, std::uint32_t workload,
           const ShapeMatches& matches) {
  Way way;
  way.variant = variant;
  way.matches = &matches;
  if (const auto run = run_seconds_stated(spec, spec.variants[variant])) {
    way.run_seconds = *run;
  } else {
    way.workload = workload;
    way.work_seconds = std::min(spec.variants[variant].work_seconds, kWorkBounded);
  }
  // One of the two is 0.
  const Wide seconds = Wide{way.run_seconds} + way.work_seconds;
  const Wide hours = (seconds << 22) / 3'600 * nodes_wanted(spec);
  const std::uint64_t most = kScaleMax / std::max<std::uint64_t>(1, matches.weight_max);
  way.node_hours = bounded(hours, most);
  const std::uint64_t shortest = std::max<std::uint64_t>(1, matches.billed_seconds_max);
  if (seconds < Wide{kShortRuns} * shortest) {
    way.node_second = bounded((Wide{nodes_wanted(spec)} << 22) / 3'600, most / shortest);
  }
  return way;
}

PriceWalk::PriceWalk(const RouteRequest& request, const MarketView& view,
                     const MarketColumns& columns, const RouteOptions& options,
                     Wall::time_point now, const DataFlows& flows, const SiteFilter* filter,
                     Room& room)
    : request_(request),
      spec_(request.spec),
      options_(options),
      view_(view),
      columns_(columns),
      index_(columns_.index()),
      now_(now),
      flows_(flows),
      filter_(filter),
      room_(room),
      nodes_(nodes_wanted(request.spec)),
      by_time_(request.spec.objective != Objective::cheapest),
      limit_{kMoneyMax, kMoneyMax} {
  if (spec_.objective == Objective::balanced && spec_.value_per_hour.micros > 0) {
    second_worth_ =
        bounded((static_cast<Wide>(spec_.value_per_hour.micros) << 20) / 3'600, UINT64_MAX);
  }
}

std::optional<Chosen> PriceWalk::choose(std::int64_t tolerance_ppm) {
  find_costs();
  walk(true);
  if (!best_ || tolerance_ppm <= 0) return best_;
  highest_ = highest_value_within(best_->draft.value, tolerance_ppm);
  limit_ = {static_cast<std::uint64_t>(*highest_), UINT64_MAX};
  best_hash_ = tie_hash(request_.tie_key, best_->draft);
  walk(false);
  return best_;
}

Nearest PriceWalk::nearest(std::size_t count) {
  nearest_count_ = count;
  find_costs();
  walk(true);
  if (found_.ways.size() > count) cut();
  std::ranges::sort(found_.ways, [&](const Chosen& a, const Chosen& b) {
    return better(a.draft, b.draft, request_.tie_key);
  });
  return std::move(found_);
}

std::vector<Chosen> PriceWalk::at(std::span<const std::uint32_t> pools) {
  const auto& contract_pools = columns_.contract_pools(request_.tenant);
  std::vector<Chosen> result;
  for (const std::uint32_t pool : pools) {
    best_.reset();
    limit_ = {kMoneyMax, kMoneyMax};
    if (std::ranges::find(contract_pools, pool) != contract_pools.end()) consider_contract(pool);
    consider_pool(pool, 0);
    if (best_) result.push_back(*best_);
  }
  return result;
}

void PriceWalk::cut() {
  const auto end = found_.ways.begin() + static_cast<std::ptrdiff_t>(nearest_count_);
  std::nth_element(
      found_.ways.begin(), end - 1, found_.ways.end(),
      [&](const Chosen& a, const Chosen& b) { return better(a.draft, b.draft, request_.tie_key); });
  found_.ways.erase(end, found_.ways.end());
  found_.complete = false;
  const Draft& last = found_.ways.back().draft;
  limit_ = {static_cast<std::uint64_t>(last.value),
            static_cast<std::uint64_t>(last.cost.total.micros)};
}

PriceWalk::Scale PriceWalk::scale(const Way& way, const ShapeMatch& match) const {
  const bool slow = by_time_ && way.workload != MarketColumns::none;
  return {way,
          match,
          price_lane(way),
          slow ? MarketColumns::lane_slowness(way.workload) : MarketColumns::none,
          way.node_hours * match.weight,
          hour_lane(way),
          way.node_second * match.billed_seconds * match.weight};
}

template <class Slowness, class Pace>
Bound PriceWalk::bound(const Scale& scale, std::uint64_t cost, Slowness slowness, Pace pace) const {
  if (!by_time_) return {cost, cost};
  std::uint64_t seconds = scale.way.run_seconds + flows_.least_seconds(pace);
  if (scale.slowness_lane != MarketColumns::none) {
    seconds += static_cast<std::uint64_t>(Wide{scale.way.work_seconds} * slowness() >> 32);
  }
  seconds = std::min(seconds, limits::seconds_forever);
  if (spec_.objective == Objective::fastest) return {seconds, cost};
  return {bounded(cost + (Wide{second_worth_} * seconds >> 20), kMoneyMax), cost};
}

void PriceWalk::find_costs() {
  std::size_t count = 0;
  for (const Way& way : room_.ways) count += way.matches->shapes.size();
  room_.costs.resize(count);
  std::uint64_t* cost = room_.costs.data();
  for (const Way& way : room_.ways) {
    const std::uint64_t* const prices = index_.group_leasts(price_lane(way));
    for (const ShapeMatch& match : way.matches->shapes) {
      const std::uint64_t price = prices[match.shape];
      // The highest of all costs is above every limit.
      *cost++ =
          price == PriceIndex::absent ? UINT64_MAX : cost_of(way.node_hours * match.weight, price);
    }
  }
}

void PriceWalk::consider_contracts() {
  for (const std::uint32_t pool : columns_.contract_pools(request_.tenant)) {
    consider_contract(pool);
  }
}

void PriceWalk::consider_contract(std::uint32_t pool) {
  const PoolRow& row = columns_.pool(pool);
  if (!row.quoted || row.preemptible_only || !columns_.site(row.site).serves) return;
  if (filter_ != nullptr && filter_->pools[pool] == 0) return;
  for (const Way& way : room_.ways) {
    if (way.preemptible) continue;
    const std::uint32_t place = way.matches->places[row.shape];
    if (place == MarketColumns::none) continue;
    consider(scale(way, way.matches->shapes[place]), pool, 0);
  }
}

void PriceWalk::consider_holders() {
  room_.holders.clear();
  for (const Input& each : spec_.inputs) {
    if (!each.holding.none()) view_.add_holders(each.holding, room_.holders);
  }
  std::ranges::sort(room_.holders);
  const auto again = std::ranges::unique(room_.holders);
  room_.holders.erase(again.begin(), again.end());
  for (const std::uint32_t number : room_.holders) {
    for (const std::uint32_t pool : columns_.site(number).pools) consider_pool(pool, 0);
  }
}

void PriceWalk::consider_nearest() {
  for (const std::uint32_t number : flows_.nearest_sites()) {
    const std::uint64_t flows =
        flows_.least_cost([=](const PathRow& row) { return least_price(row.paths[number]); });
    for (const std::uint32_t pool : columns_.site(number).pools) consider_pool(pool, flows);
  }
}

void PriceWalk::consider_pool(std::uint32_t pool, std::uint64_t flows) {
  const PoolRow& row = columns_.pool(pool);
  if (!row.listed || (filter_ != nullptr && filter_->pools[pool] == 0)) return;
  for (const Way& way : room_.ways) {
    const std::uint32_t place = way.matches->places[row.shape];
    if (place == MarketColumns::none) continue;
    const Scale scaled = scale(way, way.matches->shapes[place]);
    const std::uint64_t price = index_.key(scaled.price_lane, pool);
    if (price == PriceIndex::absent) continue;
    if (!by_time_ && cost_of(scaled.cost, price) + flows > limit_.value) continue;
    consider(scaled, pool, flows);
  }
}

void PriceWalk::walk(bool cheapest_first) {
  consider_contracts();
  consider_holders();
  consider_nearest();
  const std::vector<std::uint64_t>& costs = room_.costs;
  std::size_t first = costs.size();
  // With an objective that counts seconds, costs alone rule nothing out.
  const std::uint64_t elsewhere = flows_.cost_elsewhere();
  const auto out = [&](std::uint64_t cost) {
    return cost == UINT64_MAX || (!by_time_ && cost + elsewhere > limit_.value);
  };
  if (cheapest_first && !costs.empty()) {
    first = static_cast<std::size_t>(std::ranges::min_element(costs) - costs.begin());
    std::size_t index = first;
    std::size_t way = 0;
    while (index >= room_.ways[way].matches->shapes.size()) {
      index -= room_.ways[way++].matches->shapes.size();
    }
    if (!out(costs[first])) {
      open(room_.ways[way], room_.ways[way].matches->shapes[index], costs[first]);
    }
  }
  std::size_t at = 0;
  for (const Way& way : room_.ways) {
    for (const ShapeMatch& match : way.matches->shapes) {
      if (!out(costs[at]) && at != first) open(way, match, costs[at]);
      ++at;
    }
  }
}

void PriceWalk::open(const Way& way, const ShapeMatch& match, std::uint64_t cost) {
  const std::uint32_t shape = match.shape;
  const Scale scaled = scale(way, match);
  // The nearest sites have been considered.
  const std::uint64_t flows =
      std::max(flows_.least_cost([=](const PathRow& row) { return row.group_prices[shape]; }),
               flows_.cost_elsewhere());
  const Bound least = bound(
      scaled, cost + flows, [&] { return index_.group_least(scaled.slowness_lane, shape); },
      [=](const PathRow& row) { return row.group_paces[shape]; });
  if (!can_win(least)) return;

  const std::vector<std::uint32_t>& blocks = index_.blocks(shape);
  if (blocks.size() == 1) {
    open_block(scaled, blocks.front(), flows);
    return;
  }
  room_.blocks.clear();
  for (const std::uint32_t block : blocks) {
    const std::uint64_t price = index_.block_least(scaled.price_lane, block);
    if (price == PriceIndex::absent) continue;
    if (filter_ != nullptr && filter_->blocks[block] == 0) continue;
    std::uint64_t compute = cost_of(scaled.cost, price);
    if (scaled.shortest_cost != 0) {
      compute = std::max(
          compute, cost_of(scaled.shortest_cost, index_.block_least(scaled.hour_lane, block)));
    }
    if (!by_time_ && compute + flows > limit_.value) continue;
    const std::uint64_t block_flows = std::max(
        flows, flows_.least_cost([=](const PathRow& row) { return row.block_prices[block]; }));
    const Bound each = bound(
        scaled, compute + block_flows,
        [&] { return index_.block_least(scaled.slowness_lane, block); },
        [=](const PathRow& row) { return row.block_paces[block]; });
    if (!can_win(each)) continue;
    Room::Open& opened = room_.blocks.emplace_back();
    opened.bound = each;
    opened.flows = block_flows;
    opened.block = block;
    if (before(each, room_.blocks.front().bound)) std::swap(opened, room_.blocks.front());
  }
  for (const Room::Open& each : room_.blocks) {
    if (can_win(each.bound)) open_block(scaled, each.block, each.flows);
  }
}

void PriceWalk::open_block(const Scale& scaled, std::uint32_t number, std::uint64_t flows) {
  const PriceIndex::Block& block = index_.block(number);
  const std::uint64_t* const prices = index_.keys(scaled.price_lane, number);
  const std::uint64_t* const hours = index_.keys(scaled.hour_lane, number);
  const std::uint32_t* const units_free = index_.units_free(number);
  const std::uint32_t* const units_free_node = index_.units_free_node(number);
  const std::uint64_t needed = std::uint64_t{nodes_} * scaled.match.units;
  const std::uint32_t passing = filter_ == nullptr ? UINT32_MAX : filter_->blocks[number];

  std::array<Bound, PriceIndex::block_pools> bounds;
  std::array<std::uint64_t, PriceIndex::block_pools> pool_flows;
  std::array<std::uint32_t, PriceIndex::block_pools> pools;
  std::size_t count = 0;
  std::size_t least = 0;
  for (std::uint32_t place = 0; place < block.count; ++place) {
    if (prices[place] == PriceIndex::absent) continue;
    std::uint64_t compute = cost_of(scaled.cost, prices[place]);
    if (!by_time_ && compute + flows > limit_.value) continue;
    if (scaled.shortest_cost != 0) {
      compute = std::max(compute, cost_of(scaled.shortest_cost, hours[place]));
      if (!by_time_ && compute + flows > limit_.value) continue;
    }
    if ((passing >> place & 1U) == 0 || units_free[place] < needed) continue;
    if (nodes_ == 1 && units_free_node[place] < scaled.match.units) continue;
    const std::uint32_t pool = block.pools[place];
    const std::uint32_t site = columns_.pool(pool).site;
    pool_flows[count] =
        flows_.least_cost([=](const PathRow& row) { return least_price(row.paths[site]); });
    bounds[count] = bound(
        scaled, compute + pool_flows[count],
        [&] { return index_.keys(scaled.slowness_lane, number)[place]; },
        [=](const PathRow& row) { return least_pace(row.paths[site]); });
    if (!can_win(bounds[count])) continue;
    if (before(bounds[count], bounds[least])) least = count;
    pools[count++] = pool;
  }
  if (count == 0) return;
  consider(scaled, pools[least], pool_flows[least]);
  for (std::size_t index = 0; index < count; ++index) {
    if (index != least && can_win(bounds[index])) {
      consider(scaled, pools[index], pool_flows[index]);
    }
  }
}

void PriceWalk::consider(const Scale& scaled, std::uint32_t number, std::uint64_t flows) {
  const Way& way = scaled.way;
  const PoolRow& row = columns_.pool(number);
  const Constraints& constraints = spec_.constraints;

  // What it costs first: that is where most pools that come so far fall behind.
  std::uint64_t run = way.run_seconds;
  if (way.workload != MarketColumns::none) {
    const auto worked = run_seconds_worked(spec_.variants[way.variant].work_seconds,
                                           columns_.performance(way.workload, number));
    if (!worked) return;
    run = *worked;
  }
  const std::uint64_t rerun = way.preemptible ? rerun_seconds(run, row.interruptions_ppm_hour) : 0;
  const auto rate =
      job_rate(row.unit_price, row.node_hour, nodes_, scaled.match.units, row.price_ppm,
               way.preemptible ? row.preemptible_ppm : ppm_one, scaled.match.conversion);
  ContractShare share;
  if (row.contracted) {
    share = contract_share(*columns_.site(row.site).view, columns_.pool_record(number).id,
                           request_.tenant, view_, now_);
  }
  if (way.preemptible) share = share.without_own();
  const std::uint64_t needed = std::uint64_t{nodes_} * scaled.match.units;
  const Covered covered{std::min(needed, share.units_own), needed};
  if (rate_miss(constraints, rate_due(rate, covered))) return;
  Draft draft;
  draft.billed_seconds = billed_seconds(run + rerun, row.increment_seconds, row.minimum_seconds);
  if (!by_time_) {
    const auto compute =
        cost_ceil(*rate, std::chrono::seconds{static_cast<std::int64_t>(draft.billed_seconds)});
    if (!compute) return;
    const Money paid = share_floor(*compute, covered.units, covered.of);
    if (static_cast<std::uint64_t>(compute->micros - paid.micros) + flows > limit_.value) return;
  }
  Transfer transfer;
  if (!flows_.at(columns_, row.site, transfer, DataFlows::Sources::untold)) return;
  const std::optional<CostBreakdown> cost = job_cost(*rate, draft.billed_seconds, row.fixed_fee,
                                                     scaled.match.conversion, transfer, covered);
  if (budget_miss(constraints, cost)) return;
  draft.cost = *cost;
  draft.finish = finish_estimate(row.wait_seconds, transfer.stage_in_seconds, run + rerun,
                                 transfer.stage_out_seconds);
  draft.value = objective_value(spec_, draft);
  if (static_cast<std::uint64_t>(draft.value) > limit_.value) return;

  const SiteRow& site = columns_.site(row.site);
  const Debited debited{row.debited_units, row.debited_nodes};
  if (nodes_ > row.nodes) return;
  if (capacity_miss(offered_by(columns_, number), nodes_, scaled.match.units, debited,
                    options_.spare_units, {share.units_own, share.units_others})) {
    return;
  }
  if (energy_miss(site.energy_left_wh,
                  energy_wh(row.unit_watts, nodes_, scaled.match.units, run + rerun))) {
    return;
  }
  if (!site.holds(now_)) return;
  if (std::ranges::find(room_.excluded, row.site) != room_.excluded.end()) return;
  if (std::max(run, spec_.run_seconds_max) > site.run_seconds_max) return;
  if (site.lists_tenants && policy_miss(spec_, request_.tenant, site.view->record.policy, run)) {
    return;
  }
  if (wait_miss(constraints, row.wait_seconds)) return;
  if (deadline_miss(spec_, run, draft.finish.total_seconds, now_)) return;

  draft.site = site.view;
  draft.pool = &columns_.pool_record(number);
  draft.pool_index = row.index;
  draft.variant = way.variant;
  draft.preemptible = way.preemptible;
  draft.units = scaled.match.units;
  draft.units_free = row.units_free - std::min(row.units_free, row.debited_units) + share.units_own;
  draft.contract = share.contract;
  draft.contract_units = static_cast<std::uint32_t>(covered.units);
  draft.rate = *rate;
  take(draft, row.site);
}

void PriceWalk::take(const Draft& draft, std::uint32_t site) {
  if (nearest_count_ != 0) {
    found_.ways.push_back(Chosen{draft, site});
    if (found_.ways.size() >= 2 * nearest_count_) cut();
    return;
  }
  if (!highest_) {
    if (best_ && !better(draft, best_->draft, request_.tie_key)) return;
    best_ = Chosen{draft, site};
    limit_ = {static_cast<std::uint64_t>(draft.value),
              static_cast<std::uint64_t>(draft.cost.total.micros)};
    return;
  }
  const std::uint64_t hash = tie_hash(request_.tie_key, draft);
  if (hash != best_hash_ ? hash < best_hash_ : better(draft, best_->draft, request_.tie_key)) {
    best_ = Chosen{draft, site};
    best_hash_ = hash;
  }
}

}  // namespace tradewind
