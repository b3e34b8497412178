#include "broker/core/grant_debits.h"

#include <iterator>

namespace tradewind {

void GrantDebits::refresh(const SiteId& site) {
  const auto found = sites_.find(site);
  if (found != sites_.end()) move_boundary(site, found->second);
}

void GrantDebits::granted(GrantedUnits units, Wall::time_point at) {
  const AttemptId attempt = units.attempt;
  const SiteId id = units.site;
  Site& site = sites_[id];
  const auto grant = site.grants.insert(site.grants.end(), Grant{std::move(units), at});
  if (site.debited == site.grants.end()) site.debited = grant;
  attempts_[attempt] = grant;
  order_.emplace_back(at, attempt);
  move_boundary(id, site);
}

void GrantDebits::ended(const AttemptId& attempt) {
  const auto found = attempts_.find(attempt);
  // Where no sheet has shown it, the newest one is right again without it.
  if (found != attempts_.end()) forget(sites_.find(found->second->units.site), found->second);
}

void GrantDebits::pass(Wall::time_point logged) {
  for (; !order_.empty() && logged - order_.front().first >= debit_max; order_.pop_front()) {
    ended(order_.front().second);
  }
}

void GrantDebits::debit(Grant& grant) {
  grant.debited = true;
  const GrantedUnits& units = grant.units;
  view_.debit(units.site, units.pool, units.units, units.nodes);
  view_.debit_contract(units.site, units.contract, units.contract_units);
}

void GrantDebits::credit(Grant& grant) {
  grant.debited = false;
  const GrantedUnits& units = grant.units;
  view_.credit(units.site, units.pool, units.units, units.nodes);
  view_.credit_contract(units.site, units.contract, units.contract_units);
}

void GrantDebits::forget(std::map<SiteId, Site>::iterator site, Grants::iterator grant) {
  Site& at = site->second;
  if (grant->debited) credit(*grant);
  if (at.debited == grant) at.debited = std::next(grant);
  attempts_.erase(grant->units.attempt);
  at.grants.erase(grant);
  if (at.grants.empty()) sites_.erase(site);
}

bool GrantDebits::is_shown(const SiteId& site, const Grant& grant) const {
  const SiteView* const view = view_.find(site);
  return view != nullptr && view->sheet && view->sheet_header.issued >= grant.at;
}

void GrantDebits::move_boundary(const SiteId& id, Site& site) {
  for (; site.debited != site.grants.end() && is_shown(id, *site.debited); ++site.debited) {
    credit(*site.debited);
  }
  while (site.debited != site.grants.begin() && !is_shown(id, *std::prev(site.debited))) {
    --site.debited;
    debit(*site.debited);
  }
}

}  // namespace tradewind
