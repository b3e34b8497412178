// What the currencies of tariffs are worth in the accounting currency, in which every decision
// counts. An operator sets the table as a whole, and it is an entry of the journal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

struct RateTable {
  std::uint64_t version = 0;  // rises with each change; 0: none was ever set
  std::string accounting_currency = "USD";
  // By currency: what one unit of it is worth, in micro-units of the accounting currency. Parts per
  // million, that is, of one to one. Never the accounting currency itself, which is always 1.
  std::map<std::string, std::int64_t> rates_ppm;
  friend bool operator==(const RateTable&, const RateTable&) = default;
};

// Whether the text has the form of an ISO 4217 code: three capital letters.
bool is_currency(std::string_view text);
// Ok when all is within bounds: currencies by their form, at most limits::rates_max of them, each
// rate 1 to limits::rate_ppm_max. Errors name "accounting_currency", "rates" or "rates.CUR".
Status check_rates(const RateTable& table);
// The rate of a tariff's currency; nothing when the table has none. A rate below 1 counts as none.
std::optional<std::int64_t> conversion_ppm(const RateTable& table, const std::string& currency);

}  // namespace tradewind
