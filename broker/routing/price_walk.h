// The search behind Chooser: one job's walk through the price index. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/routing/data_flows.h"
#include "broker/routing/need_table.h"
#include "broker/routing/route.h"
#include "broker/routing/site_filter.h"
#include "broker/routing/survey.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

// One way of running the job: a variant, on demand or preemptible.
struct Way {
  std::uint32_t variant = 0;
  bool preemptible = false;
  // Of the stated work; MarketColumns::none when the run time does not depend on the pool.
  std::uint32_t workload = MarketColumns::none;
  std::uint64_t run_seconds = 0;  // when it does not
  // For lower bounds: the work that counts in one; and the hours on all nodes * 2^22, at which
  // even the greatest weight of the matches stays within bounds. Work counts at 1,000,000 ppm.
  std::uint64_t work_seconds = 0;
  std::uint64_t node_hours = 0;
  // A second on all nodes, likewise; 0 where the run is so long that what is billed for the
  // shortest run bounds nothing.
  std::uint64_t node_second = 0;
  const ShapeMatches* matches = nullptr;
};

// One variant on demand, with its bounds.
Way way_of(const JobSpec& spec, std::uint32_t variant, std::uint32_t workload,
           const ShapeMatches& matches);

// What a pool comes to at least; see Draft::value.
struct Bound {
  std::uint64_t value = 0;
  std::uint64_t cost = 0;
};

class PriceWalk {
 public:
  // Room that is used again from walk to walk.
  struct Room {
    struct Open {
      Bound bound;
      std::uint64_t flows = 0;  // of the bound's cost, what data costs
      std::uint32_t block = 0;
    };
    std::vector<Way> ways;
    // For each match of each way, in order: what it costs at least without data.
    std::vector<std::uint64_t> costs;
    std::vector<Open> blocks;
    std::vector<std::uint32_t> excluded;  // numbers of sites
    std::vector<std::uint32_t> holders;   // likewise, each once
  };

  // `columns` are the view's or a copy with other debits; `filter` may be null. All is borrowed.
  PriceWalk(const RouteRequest& request, const MarketView& view, const MarketColumns& columns,
            const RouteOptions& options, Wall::time_point now, const DataFlows& flows,
            const SiteFilter* filter, Room& room);

  // A walk does one of these, once. What route() chooses; nothing when no pool is adequate.
  std::optional<Chosen> choose(std::int64_t tolerance_ppm);
  // The first `count` of all adequate ways. `count` is at least 1.
  Nearest nearest(std::size_t count);
  // The best way at each of these pools that is adequate.
  std::vector<Chosen> at(std::span<const std::uint32_t> pools);

 private:
  // How a way at pools of one shape is bounded.
  struct Scale {
    const Way& way;
    const ShapeMatch& match;
    std::uint32_t price_lane;
    std::uint32_t slowness_lane;  // MarketColumns::none where it does not count
    std::uint64_t cost;           // for each micro-unit of the price lane's keys, * 2^32
    // The same of the hour's price, for the shortest run; 0 where it bounds nothing.
    std::uint32_t hour_lane;
    std::uint64_t shortest_cost;
  };

  Scale scale(const Way& way, const ShapeMatch& match) const;
  // The bound of a cost, where `slowness`, and `pace` of a row of paths, tell of the time. Both are
  // asked only where it counts.
  template <class Slowness, class Pace>
  Bound bound(const Scale& scale, std::uint64_t cost, Slowness slowness, Pace pace) const;
  bool can_win(const Bound& bound) const {
    return bound.value < limit_.value || (bound.value == limit_.value && bound.cost <= limit_.cost);
  }
  void find_costs();
  // Considers the pools at which the tenant has a contract: what it pays lowers their costs below
  // every bound, and its units may be all that they have free.
  void consider_contracts();
  void consider_contract(std::uint32_t pool);
  // Considers the pools of the sites that hold some of the job's data: it costs and takes less
  // there than any bound of the flows.
  void consider_holders();
  // Considers the pools of the sites nearest to the job's data.
  void consider_nearest();
  // Considers all ways at the pool, where data costs at least `flows`.
  void consider_pool(std::uint32_t pool, std::uint64_t flows);
  // Opens what can win: the cheapest match first if `cheapest_first`, then in order.
  void walk(bool cheapest_first);
  void open(const Way& way, const ShapeMatch& match, std::uint64_t cost);
  // `flows`: what data costs at least at any pool of the block.
  void open_block(const Scale& scale, std::uint32_t block, std::uint64_t flows);
  // Holds the pool, where data costs at least `flows`, against every predicate and, if it is
  // adequate and better, keeps it.
  void consider(const Scale& scale, std::uint32_t pool, std::uint64_t flows);
  void take(const Draft& draft, std::uint32_t site);
  // Cuts `found_` down to the first nearest_count_ and narrows the limit to them.
  void cut();

  const RouteRequest& request_;
  const JobSpec& spec_;
  const RouteOptions& options_;
  const MarketView& view_;
  const MarketColumns& columns_;
  const PriceIndex& index_;
  const Wall::time_point now_;
  const DataFlows& flows_;
  const SiteFilter* const filter_;
  Room& room_;
  const std::uint32_t nodes_;
  const bool by_time_;              // whether the objective counts seconds
  std::uint64_t second_worth_ = 0;  // micro-units * 2^20, rounded down; Objective::balanced

  std::optional<Chosen> best_;
  // What a bound must not be above to be looked at.
  Bound limit_;
  // With a tolerance, once the best is known: the highest value that may be chosen.
  std::optional<std::int64_t> highest_;
  std::uint64_t best_hash_ = 0;

  // When the nearest are wanted: how many, those found so far, and whether all.
  std::size_t nearest_count_ = 0;
  Nearest found_;
};

}  // namespace tradewind
