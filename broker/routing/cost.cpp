#include "broker/routing/cost.h"

#include <chrono>

namespace tradewind {

std::optional<MoneyPerHour> job_rate(const Pool& pool, std::uint32_t nodes, std::uint32_t units,
                                     std::int64_t price_ppm, bool preemptible,
                                     std::int64_t conversion) {
  return job_rate(unit_price(pool), pool.tariff.node_hour, nodes, units, price_ppm,
                  preemptible ? pool.tariff.preemptible_ppm : ppm_one, conversion);
}

std::optional<MoneyPerHour> job_rate(MoneyPerHour unit_price, MoneyPerHour node_hour,
                                     std::uint32_t nodes, std::uint32_t units,
                                     std::int64_t price_ppm, std::int64_t share_ppm,
                                     std::int64_t conversion) {
  const std::int64_t unit = unit_price.micros;
  const std::int64_t node = node_hour.micros;
  std::int64_t base = 0;
  if (unit < 0 || node < 0 || __builtin_mul_overflow(unit, std::int64_t{units}, &base) ||
      __builtin_add_overflow(base, node, &base) ||
      __builtin_mul_overflow(base, std::int64_t{nodes}, &base)) {
    return std::nullopt;
  }
  std::optional<MoneyPerHour> rate = scale_ceil(MoneyPerHour{base}, price_ppm);
  if (rate) rate = scale_ceil(*rate, share_ppm);
  if (rate) rate = scale_ceil(*rate, conversion);
  return rate;
}

std::optional<MoneyPerHour> rate_due(std::optional<MoneyPerHour> rate, Covered covered) {
  if (rate) rate->micros -= share_floor(Money{rate->micros}, covered.units, covered.of).micros;
  return rate;
}

std::optional<CostBreakdown> job_cost(MoneyPerHour rate, std::uint64_t billed_seconds,
                                      Money fixed_fee, std::int64_t conversion,
                                      const Transfer& transfer, Covered covered) {
  const auto compute =
      cost_ceil(rate, std::chrono::seconds{static_cast<std::int64_t>(billed_seconds)});
  const auto fixed = mul_div_ceil(fixed_fee.micros, conversion, ppm_one);
  if (!compute || !fixed) return std::nullopt;

  CostBreakdown cost;
  cost.compute = *compute;
  cost.fixed = Money{*fixed};
  cost.data_in = transfer.data_in;
  cost.data_out = transfer.data_out;
  std::optional<Money> total = add(cost.compute, cost.fixed);
  if (total) total = add(*total, cost.data_in);
  if (total) total = add(*total, cost.data_out);
  // INT64_MAX is how a part says that it does not fit.
  if (!total || total->micros == INT64_MAX) return std::nullopt;
  cost.contract_paid = share_floor(cost.compute, covered.units, covered.of);
  cost.total = Money{total->micros - cost.contract_paid.micros};
  return cost;
}

}  // namespace tradewind
