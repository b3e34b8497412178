// The debits of attempts that a site has granted, until its sheets show them. What is debited
// depends on the newest sheet and on the journal's entries about grants and ends, and not on the
// order in which those came: the log has each sheet later than the broker saw it, and must make the
// same decisions. Hence a grant stays known for a while after a sheet has shown it; a sheet that
// was signed earlier than the one before it, as after a clock was set back, brings its debit back.
// Pure; the core's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <utility>

#include "schemas/ids.h"
#include "schemas/time.h"
#include "state/market/market_view.h"

namespace tradewind {

struct GrantedUnits {
  AttemptId attempt;
  SiteId site;
  PoolId pool;
  std::uint32_t units = 0;  // without those of the contract
  std::uint32_t nodes = 0;
  ContractId contract;
  std::uint32_t contract_units = 0;
};

class GrantDebits {
 public:
  // A debit lasts so long at most: without a newer sheet the quotes have run out by then anyway.
  static constexpr std::chrono::seconds debit_max{15};

  // `view` must outlive it.
  explicit GrantDebits(MarketView& view) : view_(view) {}

  // The newest sheet of the site, or the site record that lets it count, may be another one now.
  void refresh(const SiteId& site);
  // Whose debit is in the view. `at` is the time of the grant's entry and never decreases.
  void granted(GrantedUnits units, Wall::time_point at);
  void ended(const AttemptId& attempt);
  // Entries from now on bear at least this time.
  void pass(Wall::time_point logged);

 private:
  struct Grant {
    GrantedUnits units;
    Wall::time_point at{};
    bool debited = true;
  };
  using Grants = std::list<Grant>;  // of one site, by `at`
  struct Site {
    Grants grants;
    Grants::iterator debited = grants.end();  // from there on; a sheet has shown those before it
    Site() = default;
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
  };
  void debit(Grant& grant);
  void credit(Grant& grant);
  void forget(std::map<SiteId, Site>::iterator site, Grants::iterator grant);
  // Whether the site's newest sheet shows it: it was signed after the grant was known here. Clocks
  // may differ; then a debit ends early, which a refusal corrects, or late, which holds back a
  // little.
  bool is_shown(const SiteId& site, const Grant& grant) const;
  void move_boundary(const SiteId& id, Site& site);

  MarketView& view_;
  std::map<SiteId, Site> sites_;
  std::map<AttemptId, Grants::iterator> attempts_;
  std::deque<std::pair<Wall::time_point, AttemptId>> order_;  // when, and which runs out
};

}  // namespace tradewind
