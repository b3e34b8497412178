#include "broker/jobs/budgets.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/jobs/assignment.h"
#include "schemas/assert.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

std::chrono::year_month month_of(Wall::time_point at) {
  const std::chrono::sys_days day(std::chrono::floor<std::chrono::days>(at.time_since_epoch()));
  const std::chrono::year_month_day date(day);
  return date.year() / date.month();
}

Wall::time_point begin_of(std::chrono::year_month month) {
  return Wall::time_point(std::chrono::sys_days(month / 1).time_since_epoch());
}

template <class Wide>
Money clamped(Wide amount) {
  return Money{
      static_cast<std::int64_t>(std::clamp<Wide>(amount, Wide{INT64_MIN}, Wide{INT64_MAX}))};
}

}  // namespace

Money hold_of(const JobSpec& spec, const Candidate& chosen) {
  const std::uint64_t limit = std::min(run_limit(spec, chosen, 0), limits::seconds_max);
  const std::uint64_t billed =
      std::clamp<std::uint64_t>(chosen.billed_seconds, 1, limits::seconds_max);
  const std::uint64_t seconds = (limit + billed - 1) / billed * billed;
  const auto compute =
      cost_ceil(chosen.rate, std::chrono::seconds(static_cast<std::int64_t>(seconds)));
  if (!compute) return Money{INT64_MAX};
  const Money paid =
      share_floor(*compute, chosen.contract_units, std::uint64_t{chosen.nodes} * chosen.units);
  return add(Money{compute->micros - paid.micros}, chosen.cost.fixed).value_or(Money{INT64_MAX});
}

std::string explain(const BudgetMiss& miss, std::string_view currency) {
  const auto money = [currency](Money amount) {
    std::string text = to_decimal(amount.micros);
    if (!currency.empty()) text += ' ' + std::string(currency);
    return text;
  };
  const std::string limit = money(miss.budget.limit) +
                            (miss.budget.period == BudgetPeriod::month ? " for the month" : "");
  const std::string needs = "it needs " + money(miss.needed) + " of its tenant's budget";
  if (miss.is_over_limit()) {
    return needs + ", which is more than all of it, " + limit +
           "; only a raised budget covers that";
  }
  return needs + "; of " + limit + ", " + money(miss.spent) + " is spent and " + money(miss.held) +
         " is held by attempts that are not over";
}

void Budgets::recover(const TenantId& tenant, const Budget& budget, const BudgetSpent& spent) {
  accounts_[tenant] = Account{budget, spent.since, Wide{spent.spent.micros}};
}

void Budgets::set(const TenantId& tenant, const std::optional<Budget>& budget,
                  Wall::time_point at) {
  changed_.insert(tenant);
  if (!budget) {
    accounts_.erase(tenant);
    return;
  }
  const auto [account, is_new] = accounts_.try_emplace(tenant);
  if (is_new || account->second.budget.period != budget->period) {
    account->second.since = at;
    account->second.spent = 0;
  }
  account->second.budget = *budget;
}

bool Budgets::pass(Wall::time_point logged) {
  if (logged < month_ends_) return false;
  const std::chrono::year_month month = month_of(logged);
  month_ = begin_of(month);
  month_ends_ = begin_of(month + std::chrono::months(1));
  bool is_over = false;
  for (auto& [tenant, account] : accounts_) {
    if (account.budget.period != BudgetPeriod::month || account.since >= month_) continue;
    account.since = month_;
    account.spent = 0;
    changed_.insert(tenant);
    is_over = true;
  }
  return is_over;
}

void Budgets::hold(const TenantId& tenant, Money amount) {
  TRADEWIND_ASSERT(amount.micros >= 0);
  if (amount.micros > 0) held_[tenant] += amount.micros;
}

void Budgets::release(const TenantId& tenant, Money amount) {
  if (amount.micros == 0) return;
  const auto found = held_.find(tenant);
  TRADEWIND_ASSERT(found != held_.end() && found->second >= amount.micros);
  found->second -= amount.micros;
  if (found->second == 0) held_.erase(found);
}

void Budgets::charge(const TenantId& tenant, Money charge) {
  const auto found = accounts_.find(tenant);
  if (found == accounts_.end() || charge.micros == 0) return;
  found->second.spent += charge.micros;
  changed_.insert(tenant);
}

Budgets::Wide Budgets::held(const TenantId& tenant) const {
  const auto found = held_.find(tenant);
  return found == held_.end() ? Wide{0} : found->second;
}

std::int64_t Budgets::room(const TenantId& tenant) const {
  const auto found = accounts_.find(tenant);
  if (found == accounts_.end()) return INT64_MAX;
  const Account& account = found->second;
  return clamped(Wide{account.budget.limit.micros} - account.spent - held(tenant)).micros;
}

std::optional<BudgetMiss> Budgets::miss(const TenantId& tenant, Money needed) const {
  const auto found = accounts_.find(tenant);
  if (found == accounts_.end() || needed.micros == 0) return std::nullopt;
  const Account& account = found->second;
  const Wide held = this->held(tenant);
  if (account.spent + held + needed.micros <= account.budget.limit.micros) return std::nullopt;
  return BudgetMiss{account.budget, clamped(account.spent), clamped(held), needed};
}

BudgetStanding Budgets::standing(const TenantId& tenant, const Account& account) const {
  BudgetStanding standing{
      account.budget, {account.since, clamped(account.spent)}, clamped(held(tenant)), std::nullopt};
  if (account.budget.period == BudgetPeriod::month) standing.ends = month_ends_;
  return standing;
}

std::optional<BudgetStanding> Budgets::find(const TenantId& tenant) const {
  const auto found = accounts_.find(tenant);
  if (found == accounts_.end()) return std::nullopt;
  return standing(tenant, found->second);
}

std::vector<std::pair<TenantId, BudgetStanding>> Budgets::list(const TenantId& after,
                                                               std::size_t limit) const {
  std::vector<std::pair<TenantId, BudgetStanding>> listed;
  for (auto each = accounts_.upper_bound(after); each != accounts_.end() && listed.size() < limit;
       ++each) {
    listed.emplace_back(each->first, standing(each->first, each->second));
  }
  return listed;
}

std::map<TenantId, std::optional<BudgetSpent>> Budgets::take_changed() {
  std::map<TenantId, std::optional<BudgetSpent>> taken;
  for (const TenantId& tenant : std::exchange(changed_, {})) {
    const auto found = accounts_.find(tenant);
    taken[tenant] =
        found == accounts_.end()
            ? std::nullopt
            : std::optional(BudgetSpent{found->second.since, clamped(found->second.spent)});
  }
  return taken;
}

}  // namespace tradewind
