#include "broker/routing/chooser.h"

#include <algorithm>
#include <optional>
#include <utility>

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

bool Chooser::prepare(const RouteRequest& request) {
  TRADEWIND_ASSERT(!request.spec.variants.empty());
  Memory& memory = *memory_;
  memory.needs.trim();
  memory.paths.trim();
  memory.filters.trim();
  if (!memory.find_ways(request.spec, view_.columns())) return false;
  if (!memory.flows.plan(request.spec, memory.paths)) return false;
  memory.room.excluded.clear();
  for (const SiteId& each : request.excluded) {
    if (const auto site = view_.number(each)) memory.room.excluded.push_back(*site);
  }
  return true;
}

Decision Chooser::choose(const RouteRequest& request, Wall::time_point now) {
  if (!prepare(request)) return route(request, view_, options_, now);
  const std::optional<Chosen> chosen =
      walk(request, view_.columns(), now).choose(options_.tolerance_ppm);
  // Rare, and to tell why a job must wait takes a look at every pool anyway.
  if (!chosen) return route(request, view_, options_, now);

  return decision(request, *chosen, now);
}

Decision Chooser::decision(const RouteRequest& request, const Chosen& chosen,
                           Wall::time_point now) const {
  Decision result = placed(chosen.draft, request.spec, options_, now);
  Transfer transfer;
  result.chosen->replicas.reserve(request.spec.inputs.size());
  memory_->flows.at(view_.columns(), chosen.site, transfer, &result.chosen->replicas);
  return result;
}

PriceWalk Chooser::walk(const RouteRequest& request, const MarketColumns& columns,
                        Wall::time_point now) {
  return {request,      columns,        options_,
          now,          memory_->flows, memory_->filters.filter(request.spec),
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
                      Debited{row.debited_units, row.debited_nodes}, options_.spare_units)) {
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
    result.chosen->replicas = data.at(found.front().draft.site->record).value().replicas;
  }
  result.tolerance_ppm = 0;
  return result;
}

}  // namespace tradewind
