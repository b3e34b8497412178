// The lifecycle's router over the market view: routing itself, the debits for what was dispatched
// and does not show in the sites' sheets yet, and the care taken where many brokers want the same.
// Pure; the core's thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "broker/core/grant_debits.h"
#include "broker/core/trust.h"
#include "broker/core/unrecorded.h"
#include "broker/jobs/lifecycle.h"
#include "broker/routing/chooser.h"
#include "broker/routing/relaxation.h"
#include "broker/routing/route.h"
#include "state/market/market_view.h"

namespace tradewind {

// A site is under load while a dispatch to it has come to nothing lately: its sheet promised more
// than others have left. Where the choice falls on such a site, it is made again with these, and
// holds if it then finds a place. The decision names them, so it can be replayed.
struct UnderLoad {
  std::int64_t tolerance_ppm = 50'000;
  std::uint32_t spare_units = 2;
  std::chrono::seconds span = limits::quote_validity_max;  // what "lately" is; 0: never under load
};

// How far from the cheapest place with just enough room a choice may be.
struct Margins {
  std::int64_t tolerance_ppm = 0;
  std::uint32_t spare_units = 0;
  friend auto operator<=>(const Margins&, const Margins&) = default;
};
inline Margins margins_of(const Decision& decision) {
  return {decision.tolerance_ppm, decision.spare_units};
}

class MarketRouter : public Router {
 public:
  explicit MarketRouter(const RouteOptions& options, UnderLoad under_load = {});

  // A verified record; a sheet that was signed after a grant shows it, so its debit ends here.
  void accept(const Record& record);
  // The same as it was signed, for the journal.
  void accept(const Record& record, SignedRecord signed_record);
  // The site has signed two stories, as gossip has checked: nothing is decided by its sheets any
  // more. The second is for the journal too.
  void quarantine(const SiteId& site);
  void quarantine(const SiteId& site, Equivocation proof);
  // The rate table that decisions rest on from now on.
  void set_rates(RateTable rates);
  const RateTable& rates() const { return chooser_.options().rates; }
  // What decide would choose, for a quote: nothing is placed. Always with the whole survey: the
  // runners-up, and why not for the other pools.
  Surveyed quote(const JobSpec& spec, const TenantId& tenant, std::size_t rejections_max,
                 Now now) const;
  // What would change that.
  Relaxations relaxations(const JobSpec& spec, const TenantId& tenant, Now now);
  // Of a job with a quote: all pools that decide would not give it, and why.
  std::vector<Rejection> rejections(const JobRecord& job, Now now) const;

  // What decide, clear and explain came to with this tolerance and margin, whatever those of the
  // options: for replays, which find them in the decision.
  std::optional<Decision> decide_with(Margins margins, const JobRecord& job,
                                      const std::vector<SiteId>& excluded, Now now);
  std::vector<JobPlaced> clear_with(Margins margins, const std::vector<JobToClear>& jobs, Now now);
  Decision explain_with(Margins margins, const JobRecord& job, const std::vector<SiteId>& excluded,
                        Now now);

  // With the survey only in a market so small that it costs next to nothing. A job with a quote is
  // placed for no more than its total.
  std::optional<Decision> decide(const JobRecord& job, const std::vector<SiteId>& excluded,
                                 Now now) override;
  Decision explain(const JobRecord& job, const std::vector<SiteId>& excluded, Now now) override;
  bool may_wait(const JobRecord& job, Now now) override;
  // Not of a job with a quote, nor of a tenant with a contract, nor where the job must be scanned,
  // nor in a market so large that a clearing would keep others waiting.
  bool may_clear(const JobRecord& job) override;
  // Only where the jobs want more of some pool than it has, each at its best place, and the flow
  // does better than one by one (broker/routing/clearing.h). Exact, whatever the tolerance, and
  // under load too; without the survey. Sites on trial, which take one attempt only, have no part.
  std::vector<JobPlaced> clear(const std::vector<JobToClear>& jobs, Now now) override;
  // Places are numbers of pools, kinds are numbers of shapes, sizes are units on one node.
  RouterChanges changes() override;
  JobLacks lacks(const JobRecord& job) override;
  Opening opening(std::uint32_t place) override;
  Suits suits(const JobRecord& job, const std::vector<SiteId>& excluded, std::uint32_t place,
              Now now) override;
  std::vector<decltype(Entry::body)> unrecorded() override;
  bool must_record() const override { return unrecorded_.full(); }
  void pass(Wall::time_point logged) override;
  std::int64_t price_ppm(const Candidate& chosen) const override;
  std::int64_t conversion_ppm(const Candidate& chosen) const override;
  std::uint64_t run_seconds_max(const Candidate& chosen) const override;
  void placed(const AttemptId& attempt, const Candidate& chosen) override;
  void settled(const AttemptId& attempt, const Candidate& chosen, bool granted) override;
  void ended(const AttemptId& attempt, const Candidate& chosen) override;
  void recorded(const JobRecord& job, const Entry& entry) override;

  // To be called before each batch: tells the time of what follows.
  void expire(Now now);
  const MarketView& view() const { return view_; }
  const Trust& trust() const { return trust_; }

 private:
  Chooser& chooser_with(Margins margins);
  // Whether the site is bound by its sheet now.
  bool is_bound(const SiteId& site) const;
  std::optional<Decision> choose(const RouteRequest& request, Chooser& chooser, Now now) const;
  // Whether these places can all be had together.
  bool have_room(const std::vector<JobToClear>& jobs) const;
  bool is_under_load(const SiteId& site, Mono::time_point now) const;
  // Brings the view up to what trust_ has come to.
  void show_trust();

  const std::chrono::seconds under_load_span_;
  MarketView view_;
  Chooser chooser_;
  Chooser chooser_under_load_;
  Chooser explorer_;  // at tolerance 0, for relaxations: leaves alone what decisions remember
  // For margins of neither of these.
  std::map<Margins, std::unique_ptr<Chooser>> choosers_;
  Unrecorded unrecorded_;
  GrantDebits grants_{view_};
  Trust trust_;
  Wall::time_point logged_{};
  std::map<SiteId, Mono::time_point> refused_;  // when a dispatch last came to nothing there
  bool rates_changed_ = false;                  // and `changes` has not told it
  Now now_{};
};

}  // namespace tradewind
