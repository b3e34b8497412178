// What an attempt costs its owner.
#pragma once

#include "schemas/dispatch.h"
#include "schemas/money.h"
#include "schemas/site.h"

namespace tradewind {

// rate * held seconds after increment and minimum, rounded up, less the share that contract units
// have in all, rounded down, plus the fixed fee when an executor ran; by the rate it was dispatched
// at and the terms it was granted under. Nothing when the site itself broke it off: engine_failed,
// interrupted.
Money charge_of(const HeldAttempt& held, const EndReport& report);

// The rate that a whole attempt must bear at the least by the tariff and the price factor:
// nodes * (node_hour + units * unit price) * price * conversion, rounded down at each step, so that
// it is never above what the router computed.
MoneyPerHour least_rate(const Pool& pool, std::uint32_t nodes, std::uint32_t units,
                        bool preemptible, std::int64_t price_ppm, std::int64_t conversion_ppm);

// Rates above this (micro-units per hour) are refused: a year of it still fits into Money.
inline constexpr MoneyPerHour rate_max{1'000'000'000'000'000};

}  // namespace tradewind
