// The choice of route(), found by touching only what can win: the pools of the shapes that fit are
// visited in the order of a lower bound on what they would come to, and those that cannot beat the
// best found so far are left alone. docs/routing.md tells how. Pure; integers only; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "broker/routing/route.h"
#include "schemas/decision.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

class Chooser {
 public:
  // The view must outlive the chooser and stay where it is; it may change between calls.
  Chooser(const MarketView& view, RouteOptions options);
  ~Chooser();
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;

  const RouteOptions& options() const { return options_; }

  // Where route() places the job, its decision without the survey: the same outcome, chosen way,
  // records, tolerance and margin, but no runners-up, no rejections, and no pools considered or
  // adequate. Where route() does not place it, exactly the decision of route(). What is remembered
  // from call to call shows in the time that a call takes, never in its result.
  Decision choose(const RouteRequest& request, Wall::time_point now);
  // The same where the job is placed, and nothing where it is not.
  std::optional<Decision> find(const RouteRequest& request, Wall::time_point now);

 private:
  struct Memory;

  const MarketView& view_;
  const RouteOptions options_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace tradewind
