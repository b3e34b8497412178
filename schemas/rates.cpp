#include "schemas/rates.h"

#include <algorithm>

#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

Status no_currency(std::string field, std::string_view text) {
  return fail(ErrorCode::invalid, std::move(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no currency",
              "give the three capital letters of ISO 4217, such as EUR");
}

}  // namespace

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Status check_rates(const RateTable& table) {
  if (!is_currency(table.accounting_currency)) {
    return no_currency("accounting_currency", table.accounting_currency);
  }
  if (table.rates_ppm.size() > limits::rates_max) {
    return fail(ErrorCode::too_large, "rates",
                "has " + std::to_string(table.rates_ppm.size()) + " currencies",
                "give at most " + std::to_string(limits::rates_max));
  }
  for (const auto& [currency, rate] : table.rates_ppm) {
    if (!is_currency(currency)) return no_currency("rates", currency);
    if (currency == table.accounting_currency) {
      return fail(ErrorCode::invalid, "rates." + currency,
                  "is the accounting currency, which is always 1", "leave it out");
    }
    if (rate < 1 || rate > limits::rate_ppm_max) {
      return fail(ErrorCode::invalid, "rates." + currency, to_decimal(rate) + " is out of range",
                  "give 0.000001 to " + to_decimal(limits::rate_ppm_max));
    }
  }
  return ok();
}

std::optional<std::int64_t> conversion_ppm(const RateTable& table, const std::string& currency) {
  if (currency == table.accounting_currency) return ppm_one;
  const auto rate = table.rates_ppm.find(currency);
  if (rate == table.rates_ppm.end() || rate->second <= 0) return std::nullopt;
  return rate->second;
}

}  // namespace tradewind
