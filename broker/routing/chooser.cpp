#include "broker/routing/chooser.h"

#include <optional>
#include <utility>

#include "broker/routing/data_flows.h"
#include "broker/routing/finish.h"
#include "broker/routing/limits.h"
#include "broker/routing/need_table.h"
#include "broker/routing/path_table.h"
#include "broker/routing/price_walk.h"
#include "broker/routing/site_filter.h"
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

Decision Chooser::choose(const RouteRequest& request, Wall::time_point now) {
  if (auto found = find(request, now)) return std::move(*found);
  // Rare, and to tell why a job must wait takes a look at every pool anyway.
  return route(request, view_, options_, now);
}

std::optional<Decision> Chooser::find(const RouteRequest& request, Wall::time_point now) {
  TRADEWIND_ASSERT(!request.spec.variants.empty());
  const MarketColumns& columns = view_.columns();
  Memory& memory = *memory_;
  memory.needs.trim();
  memory.paths.trim();
  memory.filters.trim();
  if (!memory.find_ways(request.spec, columns) || !memory.flows.plan(request.spec, memory.paths)) {
    Decision scanned = route(request, view_, options_, now);
    if (!scanned.chosen) return std::nullopt;
    return scanned;
  }
  memory.room.excluded.clear();
  for (const SiteId& each : request.excluded) {
    if (const auto site = view_.number(each)) memory.room.excluded.push_back(*site);
  }
  PriceWalk walk(request, view_, options_, now, memory.flows, memory.filters.filter(request.spec),
                 memory.room);
  const std::optional<Chosen> chosen = walk.choose();
  if (!chosen) return std::nullopt;

  Decision decision = placed(chosen->draft, request.spec, options_, now);
  Transfer transfer;
  decision.chosen->replicas.reserve(request.spec.inputs.size());
  memory.flows.at(columns, chosen->site, transfer, &decision.chosen->replicas);
  return decision;
}

}  // namespace tradewind
