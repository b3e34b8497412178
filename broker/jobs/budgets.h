// What tenants may spend, what they have spent, and what their attempts that are not over hold of
// it. An attempt holds the most that an honest site charges for it, from its decision to its end;
// its charge then counts as spent. Nothing is decided that brings spent and held over the limit, so
// that jobs that run at the same time cannot overspend together.
//
// Pure; integers only; one thread. Time is that of the journal's entries, so that the journal alone
// tells when a month is over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/budget.h"
#include "schemas/decision.h"
#include "schemas/ids.h"
#include "schemas/job.h"
#include "schemas/time.h"

namespace tradewind {

// What an attempt at this place holds: compute for as long as it may run, rounded up to a multiple
// of what the decision bills, less what a contract pays, and the fixed fee. Transfers are no part
// of it: sites do not charge for them. INT64_MAX when it does not fit.
//
// A charge may be more by what its site takes to stop an attempt at its time limit, and where the
// pool is preemptible by less than one billing increment.
Money hold_of(const JobSpec& spec, const Candidate& chosen);

// What of a budget ended attempts have used, since when.
struct BudgetSpent {
  Wall::time_point since{};
  Money spent{};
  friend bool operator==(const BudgetSpent&, const BudgetSpent&) = default;
};

struct BudgetStanding {
  Budget budget;
  BudgetSpent spent;
  Money held{};
  std::optional<Wall::time_point> ends{};  // of the month; nothing where there is no period
  friend bool operator==(const BudgetStanding&, const BudgetStanding&) = default;
};

// Why an attempt is not dispatched.
struct BudgetMiss {
  Budget budget;
  Money spent{};
  Money held{};
  Money needed{};  // what the attempt would hold
  // Whether it never fits while the limit is this one.
  bool is_over_limit() const { return needed > budget.limit; }
  friend bool operator==(const BudgetMiss&, const BudgetMiss&) = default;
};
// "it needs 12.5 USD of its tenant's budget; of 500 USD for the month, 480 USD is spent and 10 USD
// is held by attempts that are not over". Without a currency: the numbers only.
std::string explain(const BudgetMiss& miss, std::string_view currency);

class Budgets {
 public:
  // Of the journal, before anything else.
  void recover(const TenantId& tenant, const Budget& budget, const BudgetSpent& spent);

  // Sets the budget, or removes it. What was spent stays while the period does; else it begins
  // anew, at that time.
  void set(const TenantId& tenant, const std::optional<Budget>& budget, Wall::time_point at);
  // To be called with the time of what follows. Whether a month is over that some budget is for.
  bool pass(Wall::time_point logged);
  // An attempt holds so much; later it holds it no more. 0 or more.
  void hold(const TenantId& tenant, Money amount);
  void release(const TenantId& tenant, Money amount);
  // An attempt has ended.
  void charge(const TenantId& tenant, Money charge);

  // Whether so much more may be held. Nothing always may.
  bool covers(const TenantId& tenant, Money needed) const { return !miss(tenant, needed); }
  std::optional<BudgetMiss> miss(const TenantId& tenant, Money needed) const;
  // What is left; below 0 when the limit was lowered. INT64_MAX: there is no budget.
  std::int64_t room(const TenantId& tenant) const;

  std::optional<BudgetStanding> find(const TenantId& tenant) const;
  // By tenant, after `after`.
  std::vector<std::pair<TenantId, BudgetStanding>> list(const TenantId& after,
                                                        std::size_t limit) const;
  std::size_t count() const { return accounts_.size(); }

  // What is to be kept beside the entries of since the last call; nothing: its budget was removed.
  std::map<TenantId, std::optional<BudgetSpent>> take_changed();

 private:
  __extension__ using Wide = __int128;
  struct Account {
    Budget budget;
    Wall::time_point since{};
    Wide spent = 0;
  };
  Wide held(const TenantId& tenant) const;
  BudgetStanding standing(const TenantId& tenant, const Account& account) const;

  std::map<TenantId, Account> accounts_;
  std::map<TenantId, Wide> held_;  // of whoever holds anything, with a budget or without
  Wall::time_point month_{};       // its first moment
  Wall::time_point month_ends_{};
  std::set<TenantId> changed_;
};

}  // namespace tradewind
