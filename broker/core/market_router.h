// The lifecycle's router over the market view: routing itself, and the debits for what was
// dispatched and does not show in the sites' sheets yet. Pure; the core's thread.
#pragma once

#include <list>
#include <map>

#include "broker/jobs/lifecycle.h"
#include "broker/routing/chooser.h"
#include "broker/routing/route.h"
#include "state/market/market_view.h"

namespace tradewind {

class MarketRouter final : public Router {
 public:
  explicit MarketRouter(RouteOptions options) : chooser_(view_, std::move(options)) {}

  // A verified record; a sheet that was signed after a grant shows it, so its debit ends here.
  void accept(const Record& record);
  // The rate table that decisions rest on from now on.
  void set_rates(RateTable rates) { chooser_.set_rates(std::move(rates)); }
  const RateTable& rates() const { return chooser_.options().rates; }
  // What decide would choose, for a quote: nothing is placed. Always with the whole survey: the
  // runners-up, and why not for the other pools.
  Decision quote(const JobSpec& spec, const TenantId& tenant, Now now) const;

  // With the survey only in a market so small that it costs next to nothing, and where the job is
  // not placed.
  Decision decide(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) override;
  std::int64_t price_ppm(const Candidate& chosen) const override;
  std::int64_t conversion_ppm(const Candidate& chosen) const override;
  std::uint64_t run_seconds_max(const Candidate& chosen) const override;
  void placed(const AttemptId& attempt, const Candidate& chosen) override;
  void settled(const AttemptId& attempt, const Candidate& chosen, bool granted) override;
  void ended(const AttemptId& attempt, const Candidate& chosen) override;

  // To be called before each batch: tells the time of what follows, and ends debits of grants that
  // no newer sheet has shown for long (the site is silent, its sheet has run out by itself).
  void expire(Now now);
  const MarketView& view() const { return view_; }

 private:
  struct Granted {
    AttemptId attempt;
    SiteId site;
    PoolId pool;
    std::uint32_t units = 0;  // without those of the contract
    std::uint32_t nodes = 0;
    ContractId contract;
    std::uint32_t contract_units = 0;
    Wall::time_point wall{};  // when the grant came
    Mono::time_point at{};
  };
  void credit(const Granted& granted);

  MarketView view_;
  Chooser chooser_;
  std::map<SiteId, std::list<Granted>> granted_;
  Now now_{};
};

}  // namespace tradewind
