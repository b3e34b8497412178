// What an operator lets a tenant spend, all its jobs together.
#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/money.h"
#include "schemas/result.h"

namespace tradewind {

// DO NOT CHANGE THESE VALUES: they are in the journal.
enum class BudgetPeriod : std::uint16_t {
  none = 0,   // for ever
  month = 1,  // a calendar month in UTC
};
inline constexpr std::uint16_t budget_periods_count = 2;
std::string_view to_string(BudgetPeriod period);
Result<BudgetPeriod> parse_budget_period(std::string_view field, std::string_view text);

struct Budget {
  Money limit{};  // of a period, in the accounting currency; 0 or more
  BudgetPeriod period = BudgetPeriod::month;
  // Greater with each change in this journal: the sequence of the entry that set it.
  std::uint64_t version = 0;
  friend bool operator==(const Budget&, const Budget&) = default;
};

}  // namespace tradewind
