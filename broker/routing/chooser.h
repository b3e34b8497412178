// The choice of route(), found by touching only what can win: the pools of the shapes that fit are
// visited in the order of a lower bound on what they would come to, and those that cannot beat the
// best found so far are left alone. docs/routing.md tells how. Pure; integers only; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "broker/routing/route.h"
#include "broker/routing/survey.h"
#include "schemas/decision.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

enum class Fit {
  adequate,
  // Not for this job.
  inadequate,
  // Nor for any other that wants as much on as many nodes, with the same variants but for their
  // times, for the same tenant, under the same constraints on place, label, carbon, latency and
  // data residency: the pool has no room for them, or is not theirs to use.
  inadequate_for_all,
};

struct FittingShape {
  std::uint32_t shape = 0;  // its number in the columns
  std::uint32_t units = 0;  // that the job takes there on a node
};

class PriceWalk;

class Chooser {
 public:
  // The view must outlive the chooser and stay where it is; it may change between calls.
  Chooser(const MarketView& view, RouteOptions options);
  ~Chooser();
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;

  const MarketView& view() const { return view_; }
  const RouteOptions& options() const { return options_; }
  // What is decided from now on rests on these rates.
  void set_rates(RateTable rates);

  // Where route() places the job, its decision without the survey: the same chosen way, records,
  // tolerance and margin, but no runners-up, no rejections, and no pools considered or adequate.
  // Nothing where route() does not place it. What is remembered from call to call shows in the time
  // that a call takes, never in its result.
  std::optional<Decision> choose(const RouteRequest& request, Wall::time_point now);

  // Whether the index covers the job; else each choice is a scan.
  bool is_indexed(const RouteRequest& request);
  // Whether this pool alone, by its number in the columns, is adequate now.
  Fit fit(const RouteRequest& request, std::uint32_t pool, Wall::time_point now);
  // The shapes of pools that fit some variant; at pools of no other shape can the job ever be
  // placed, unless the market gets further shapes.
  std::vector<FittingShape> fitting_shapes(const JobSpec& spec);
  // A glance at some of the pools that fit: true when route() would find that a passing reason
  // keeps the job from one of them. False tells nothing.
  bool may_wait(const RouteRequest& request, Wall::time_point now);

  // For a clearing, whatever the tolerance. `columns` are those of the view, or a copy with further
  // debits. What the ways borrow is valid until the view changes.
  //
  // The best adequate way, if there is any; the first `count` (at least 1) of them; the best one at
  // each of some pools, where it is adequate.
  std::optional<Chosen> best(const RouteRequest& request, const MarketColumns& columns,
                             Wall::time_point now);
  Nearest nearest(const RouteRequest& request, const MarketColumns& columns, Wall::time_point now,
                  std::size_t count);
  std::vector<Chosen> at(const RouteRequest& request, const MarketColumns& columns,
                         Wall::time_point now, std::span<const std::uint32_t> pools);
  // The decision for the best way at a pool where the job is adequate now; with no survey.
  Decision take(const RouteRequest& request, std::uint32_t pool, Wall::time_point now);

 private:
  // Whether the job can be walked by the index; then all is ready for it.
  bool prepare(const RouteRequest& request);
  PriceWalk walk(const RouteRequest& request, const MarketColumns& columns, Wall::time_point now);
  // Of a job for which all is ready.
  Decision decision(const RouteRequest& request, const Chosen& chosen, Wall::time_point now) const;
  // All adequate pools of a job that cannot, in order.
  std::vector<Chosen> scan(const RouteRequest& request, const MarketColumns& columns,
                           Wall::time_point now) const;

  struct Memory;

  // Takes up the job, so that a walk can be made for it. False: the index does not cover it.
  bool take_up(const RouteRequest& request);
  // Whether the pool has so many units free on each node that the job wants.
  bool has_room(const JobSpec& spec, std::uint32_t pool, std::uint32_t units) const;

  const MarketView& view_;
  RouteOptions options_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace tradewind
