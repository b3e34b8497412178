#include "schemas/budget.h"

#include <string>

namespace tradewind {

std::string_view to_string(BudgetPeriod period) {
  return period == BudgetPeriod::month ? "month" : "none";
}

Result<BudgetPeriod> parse_budget_period(std::string_view field, std::string_view text) {
  for (const BudgetPeriod each : {BudgetPeriod::none, BudgetPeriod::month}) {
    if (to_string(each) == text) return each;
  }
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no period of a budget",
              "use month or none");
}

}  // namespace tradewind
