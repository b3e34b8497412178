#include "broker/routing/chooser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/routing/adequacy.h"
#include "broker/routing/choice.h"
#include "broker/routing/data_flows.h"
#include "broker/routing/finish.h"
#include "broker/routing/limits.h"
#include "broker/routing/need_table.h"
#include "broker/routing/path_table.h"
#include "broker/routing/price_walk.h"
#include "broker/routing/site_filter.h"
#include "broker/routing/transfer.h"
#include "schemas/assert.h"

namespace tradewind {

struct Chooser::Memory {
  Memory(const MarketView& view, const RouteOptions& options)
      : needs(options), paths(view), filters(view) {}

  // Whether all ways of the job can be walked by the index.
  bool find_ways(const JobSpec& spec, const MarketColumns& columns);
  // Ends what is borrowed from the tables.
  void trim() {
    needs.trim();
    paths.trim();
    filters.trim();
  }

  NeedTable needs;
  PathTable paths;
  FilterTable filters;
  DataFlows flows;
  PriceWalk::Room room;
};

bool Chooser::Memory::find_ways(const JobSpec& spec, const MarketColumns& columns) {
  room.ways.clear();
  for (std::uint32_t index = 0; index < spec.variants.size(); ++index) {
    const Variant& variant = spec.variants[index];
    std::uint32_t workload = MarketColumns::none;
    if (!run_seconds_stated(spec, variant)) {
      workload = columns.workload(variant.workload_class);
      if (workload == MarketColumns::none) {
        if (columns.workloads_left_out()) return false;
        continue;  // no pool states it
      }
    }
    Way way = way_of(spec, index, workload, needs.matches(spec, variant, columns));
    room.ways.push_back(way);
    if (!spec.constraints.preemptible_allowed) continue;
    way.preemptible = true;
    room.ways.push_back(way);
  }
  return true;
}

Chooser::Chooser(const MarketView& view, RouteOptions options)
    : view_(view),
      options_(std::move(options)),
      memory_(std::make_unique<Memory>(view, options_)) {}

Chooser::~Chooser() = default;

void Chooser::set_rates(RateTable rates) {
  options_.rates = std::move(rates);
  memory_->needs.forget();
}

bool Chooser::prepare(const RouteRequest& request) {
  TRADEWIND_ASSERT(!request.spec.variants.empty());
  memory_->trim();
  return take_up(request);
}

bool Chooser::take_up(const RouteRequest& request) {
  Memory& memory = *memory_;
  if (!memory.find_ways(request.spec, view_.columns()) ||
      !memory.flows.plan(request.spec, memory.paths)) {
    return false;
  }
  memory.room.excluded.clear();
  for (const SiteId& each : request.excluded) {
    if (const auto site = view_.number(each)) memory.room.excluded.push_back(*site);
  }
  return true;
}

std::optional<Decision> Chooser::choose(const RouteRequest& request, Wall::time_point now) {
  if (!prepare(request)) {
    Decision scanned = route(request, view_, options_, now);
    return scanned.chosen ? std::optional(std::move(scanned)) : std::nullopt;
  }
  const std::optional<Chosen> chosen =
      walk(request, view_.columns(), now).choose(options_.tolerance_ppm);
  return chosen ? std::optional(decision(request, *chosen, now)) : std::nullopt;
}

Decision Chooser::decision(const RouteRequest& request, const Chosen& chosen,
                           Wall::time_point now) const {
  Decision result = placed(chosen.draft, request.spec, options_, now);
  result.excluded = request.excluded;
  Transfer transfer;
  memory_->flows.at(view_.columns(), chosen.site, transfer, DataFlows::Sources::told);
  result.chosen->replicas = std::move(transfer.replicas);
  result.chosen->held = std::move(transfer.held);
  return result;
}

PriceWalk Chooser::walk(const RouteRequest& request, const MarketColumns& columns,
                        Wall::time_point now) {
  return {request,
          view_,
          columns,
          options_,
          now,
          memory_->flows,
          memory_->filters.filter(request.spec),
          memory_->room};
}

std::vector<Chosen> Chooser::scan(const RouteRequest& request, const MarketColumns& columns,
                                  Wall::time_point now) const {
  const std::uint32_t nodes = nodes_wanted(request.spec);
  std::vector<Chosen> found;
  for (Draft& draft : survey(request, view_, options_, JobData(request.spec, view_), now).drafts) {
    const std::uint32_t site = *view_.number(draft.site->record.site);
    const std::uint32_t pool = columns.site(site).pools[draft.pool_index];
    const PoolRow& row = columns.pool(pool);
    if (capacity_miss(offered_by(columns, pool), nodes, draft.units,
                      Debited{row.debited_units, row.debited_nodes}, options_.spare_units, {})) {
      continue;
    }
    draft.units_free = row.units_free - row.debited_units;
    found.push_back(Chosen{std::move(draft), site});
  }
  std::ranges::sort(found, [&](const Chosen& a, const Chosen& b) {
    return better(a.draft, b.draft, request.tie_key);
  });
  return found;
}

std::optional<Chosen> Chooser::best(const RouteRequest& request, const MarketColumns& columns,
                                    Wall::time_point now) {
  if (prepare(request)) return walk(request, columns, now).choose(0);
  const std::vector<Chosen> all = scan(request, columns, now);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

Nearest Chooser::nearest(const RouteRequest& request, const MarketColumns& columns,
                         Wall::time_point now, std::size_t count) {
  if (prepare(request)) return walk(request, columns, now).nearest(count);
  Nearest found{scan(request, columns, now), true};
  if (found.ways.size() > count) {
    found.ways.erase(found.ways.begin() + static_cast<std::ptrdiff_t>(count), found.ways.end());
    found.complete = false;
  }
  return found;
}

std::vector<Chosen> Chooser::at(const RouteRequest& request, const MarketColumns& columns,
                                Wall::time_point now, std::span<const std::uint32_t> pools) {
  if (prepare(request)) return walk(request, columns, now).at(pools);
  std::vector<Chosen> found = scan(request, columns, now);
  std::erase_if(found, [&](const Chosen& each) {
    return std::ranges::find(pools, pool_of(columns, each)) == pools.end();
  });
  return found;
}

Decision Chooser::take(const RouteRequest& request, std::uint32_t pool, Wall::time_point now) {
  const std::vector<Chosen> found = at(request, view_.columns(), now, {&pool, 1});
  TRADEWIND_ASSERT(found.size() == 1);
  // Not planned where it lies at more places than are indexed: then the scan has looked at it.
  const bool planned = memory_->flows.plan(request.spec, memory_->paths);
  Decision result = planned ? decision(request, found.front(), now)
                            : placed(found.front().draft, request.spec, options_, now);
  if (!planned) {
    const JobData data(request.spec, view_);
    Transfer transfer = data.at(found.front().draft.site->record).value();
    result.chosen->replicas = std::move(transfer.replicas);
    result.chosen->held = std::move(transfer.held);
    result.excluded = request.excluded;
  }
  result.tolerance_ppm = 0;
  return result;
}

bool Chooser::is_indexed(const RouteRequest& request) {
  return prepare(request);
}

Fit Chooser::fit(const RouteRequest& request, std::uint32_t pool, Wall::time_point now) {
  const MarketColumns& columns = view_.columns();
  if (pool >= columns.pools_count()) return Fit::inadequate_for_all;
  const PoolRow& row = columns.pool(pool);
  // A contract of the tenant's own may hold room for it.
  const auto& own = columns.contract_pools(request.tenant);
  const bool has_contract = std::ranges::find(own, pool) != own.end();
  if (!row.listed && !has_contract) return Fit::inadequate_for_all;
  const SiteRow& site = columns.site(row.site);
  if (!site.holds(now)) return Fit::inadequate_for_all;
  Memory& memory = *memory_;
  memory.trim();
  const ShapeMatch* match = nullptr;
  for (const Variant& each : request.spec.variants) {
    const ShapeMatches& matches = memory.needs.matches(request.spec, each, columns);
    const std::uint32_t place = matches.places[row.shape];
    if (place != MarketColumns::none) match = &matches.shapes[place];
  }
  if (match == nullptr || (!has_contract && !has_room(request.spec, pool, match->units))) {
    return Fit::inadequate_for_all;
  }
  // One site is asked sooner than a filter of all is made.
  if (!may_lie_at(request.spec, site.view->record, row.index, view_)) {
    return Fit::inadequate_for_all;
  }
  if (!take_up(request)) {
    return route(request, view_, options_, now).chosen ? Fit::adequate : Fit::inadequate;
  }
  PriceWalk walk(request, view_, columns, options_, now, memory.flows, nullptr, memory.room);
  return walk.at({&pool, 1}).empty() ? Fit::inadequate : Fit::adequate;
}

bool Chooser::has_room(const JobSpec& spec, std::uint32_t number, std::uint32_t units) const {
  const MarketColumns& columns = view_.columns();
  const PoolRow& row = columns.pool(number);
  const std::uint32_t nodes = nodes_wanted(spec);
  return nodes <= row.nodes &&
         !capacity_miss(offered_by(columns, number), nodes, units,
                        Debited{row.debited_units, row.debited_nodes}, options_.spare_units, {});
}

std::vector<FittingShape> Chooser::fitting_shapes(const JobSpec& spec) {
  memory_->trim();
  std::vector<FittingShape> fitting;
  for (const Variant& variant : spec.variants) {
    for (const ShapeMatch& each : memory_->needs.matches(spec, variant, view_.columns()).shapes) {
      // What a variant takes does not depend on the variant.
      const bool known =
          std::ranges::find(fitting, each.shape, &FittingShape::shape) != fitting.end();
      if (!known) fitting.push_back({each.shape, each.units});
    }
  }
  return fitting;
}

bool Chooser::may_wait(const RouteRequest& request, Wall::time_point now) {
  const JobSpec& spec = request.spec;
  const MarketColumns& columns = view_.columns();
  memory_->trim();
  const SiteFilter* const filter = memory_->filters.filter(spec);
  const auto& own = columns.contract_pools(request.tenant);  // may have room all the same
  std::size_t left = limits::pools_glanced_at_max;
  for (const Variant& variant : spec.variants) {
    for (const ShapeMatch& match : memory_->needs.matches(spec, variant, columns).shapes) {
      for (const std::uint32_t number : columns.index().blocks(match.shape)) {
        const PriceIndex::Block& block = columns.index().block(number);
        for (std::uint32_t place = 0; place < block.count; ++place) {
          if (filter != nullptr && (filter->blocks[number] >> place & 1U) == 0) continue;
          if (left-- == 0) return false;
          if (std::ranges::find(own, block.pools[place]) != own.end()) continue;
          const PoolRow& row = columns.pool(block.pools[place]);
          const SiteRow& site = columns.site(row.site);
          const auto run = run_seconds(spec, variant, columns.pool_record(block.pools[place]));
          if (row.preemptible_only &&
              !(spec.constraints.preemptible_allowed && row.preemptible_ppm > 0)) {
            continue;
          }
          if (nodes_wanted(spec) > row.nodes || !run ||
              policy_miss(spec, request.tenant, site.view->record.policy, run)) {
            continue;
          }
          // All that does not pass and is asked before these is met.
          if (!row.listed || !site.holds(now) || !has_room(spec, block.pools[place], match.units))
            return true;
        }
      }
    }
  }
  return false;
}

}  // namespace tradewind
