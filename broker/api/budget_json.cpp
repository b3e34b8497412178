#include "broker/api/budget_json.h"

#include <string>

#include "schemas/time.h"

namespace tradewind {

json::object budget_to_json(const BudgetReport& report) {
  const BudgetStanding& standing = report.standing;
  json::object out{{"tenant", report.tenant.value},
                   {"limit", to_decimal(standing.budget.limit.micros)},
                   {"period", json::string(to_string(standing.budget.period))},
                   {"version", standing.budget.version},
                   {"since", to_rfc3339(standing.spent.since)},
                   {"spent", to_decimal(standing.spent.spent.micros)},
                   {"held", to_decimal(standing.held.micros)},
                   {"jobs_waiting", report.jobs_waiting}};
  if (standing.ends) out["ends"] = to_rfc3339(*standing.ends);
  return out;
}

json::object budget_miss_to_json(const BudgetMiss& miss) {
  return {{"limit", miss.budget.limit.micros},
          {"period", json::string(to_string(miss.budget.period))},
          {"spent", miss.spent.micros},
          {"held", miss.held.micros},
          {"needed", miss.needed.micros}};
}

}  // namespace tradewind
