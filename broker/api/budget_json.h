// Budgets as JSON; docs/api.md describes every member.
#pragma once

#include "broker/api/json.h"
#include "broker/core/service.h"

namespace tradewind {

json::object budget_to_json(const BudgetReport& report);
// Micro-units, as wanted and offered of a rejection are.
json::object budget_miss_to_json(const BudgetMiss& miss);

}  // namespace tradewind
