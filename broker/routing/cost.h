// What a job costs at a pool. Pure; whole micro-units, each rounding upwards; amounts that do not
// fit are nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/routing/transfer.h"
#include "schemas/decision.h"
#include "schemas/money.h"
#include "schemas/site.h"

namespace tradewind {

// What one hour of the whole job costs at the quoted price: nodes * (node_hour + units *
// unit_price), times the quote's factor, times the preemptible share when `preemptible`, times the
// conversion, rounded up after each factor. Nothing when it does not fit, or a price or factor is
// negative.
std::optional<MoneyPerHour> job_rate(const Pool& pool, std::uint32_t nodes, std::uint32_t units,
                                     std::int64_t price_ppm, bool preemptible,
                                     std::int64_t conversion);

// The same from the parts; `share_ppm` is the preemptible share, or ppm_one on demand.
std::optional<MoneyPerHour> job_rate(MoneyPerHour unit_price, MoneyPerHour node_hour,
                                     std::uint32_t nodes, std::uint32_t units,
                                     std::int64_t price_ppm, std::int64_t share_ppm,
                                     std::int64_t conversion);

// What of a job's units a contract covers.
struct Covered {
  std::uint64_t units = 0;
  std::uint64_t of = 0;  // nodes * units
};
// What is left to pay of a rate: less the contract's share, rounded down. Nothing of nothing.
std::optional<MoneyPerHour> rate_due(std::optional<MoneyPerHour> rate, Covered covered);

// Adds the parts up and takes off what the contract paid: its share of compute, rounded down.
// Nothing when the sum before that, or a part, does not fit.
std::optional<CostBreakdown> job_cost(MoneyPerHour rate, std::uint64_t billed_seconds,
                                      Money fixed_fee, std::int64_t conversion,
                                      const Transfer& transfer, Covered covered);

}  // namespace tradewind
