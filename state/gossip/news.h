// Which changes matter enough to hurry: one rule for sites that publish and for nodes that relay.
#pragma once

#include <cstdint>

#include "schemas/record.h"
#include "schemas/site.h"

namespace tradewind {

// What the sheet says of the pool; null for nothing.
const PoolQuote* find_pool(const QuoteSheet& sheet, const PoolId& pool);

// A change by at least 5 % of what it was, or to or from zero.
bool change_matters(std::uint64_t before, std::uint64_t after);

// Whether free units or price of any pool, or idle units of any contract, changed so, or a pool or
// contract came or went.
bool quote_change_matters(const QuoteSheet& before, const QuoteSheet& after);

// Whether any pool has fewer free units than before, any contract fewer idle ones, or one is gone:
// those who still believe the old sheet over-promise.
bool capacity_fell(const QuoteSheet& before, const QuoteSheet& after);

}  // namespace tradewind
