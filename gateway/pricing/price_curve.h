// Price by congestion: what keeps every broker from choosing the same cheapest site at once. Pure;
// integers only.
#pragma once

#include <cstdint>

#include "schemas/site.h"

namespace tradewind {

// The factor on a pool's tariff while `units_used` of `units_total` are taken, in ppm:
// 1,000,000 + a_ppm * (units_used / units_total) ^ exponent.
//
// The power is taken in steps of 128 bits with 32 binary places, each step and the end rounded up:
// never below the exact value, and above its ceiling by at most 1 ppm. Never falls when
// `units_used` rises; 1,000,000 with nothing used and 1,000,000 + a_ppm with all used, exactly.
// More used than there is counts as all; a pool without units has none used. A curve outside
// a_ppm 0 to limits::price_ppm_max - 10^6 and exponent 1 to 16 counts as the nearest within, and
// units beyond 2^52 (a record holds at most 2^32 of them) as that many.
std::int64_t price_ppm(const PriceCurve& curve, std::uint64_t units_used,
                       std::uint64_t units_total);

}  // namespace tradewind
