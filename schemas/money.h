// Money is whole micro-units of the accounting currency (1,000,000 = one US dollar). No floating
// point, ever; each rounding is in a function's name.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

struct Money {
  std::int64_t micros = 0;
  friend constexpr auto operator<=>(const Money&, const Money&) = default;
  friend constexpr bool operator==(const Money&, const Money&) = default;
};

struct MoneyPerHour {
  std::int64_t micros = 0;
  friend constexpr auto operator<=>(const MoneyPerHour&, const MoneyPerHour&) = default;
  friend constexpr bool operator==(const MoneyPerHour&, const MoneyPerHour&) = default;
};

// Per gigabyte of 10^9 bytes, as clouds bill traffic.
struct MoneyPerGigabyte {
  std::int64_t micros = 0;
  friend constexpr auto operator<=>(const MoneyPerGigabyte&, const MoneyPerGigabyte&) = default;
  friend constexpr bool operator==(const MoneyPerGigabyte&, const MoneyPerGigabyte&) = default;
};

// Parts per million: 1,000,000 is "as it is", 1,500,000 half as much again.
inline constexpr std::int64_t ppm_one = 1'000'000;

// value * numerator / denominator, rounded up, for non-negative values and a positive denominator;
// nothing when the result does not fit. The product is exact (128 bits).
constexpr std::optional<std::int64_t> mul_div_ceil(std::int64_t value, std::int64_t numerator,
                                                   std::int64_t denominator) {
  if (value < 0 || numerator < 0 || denominator <= 0) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(value) * static_cast<Wide>(numerator);
  // Nearly always so, and many times faster.
  if (product <= static_cast<Wide>(INT64_MAX)) {
    const auto small = static_cast<std::uint64_t>(product);
    const auto divisor = static_cast<std::uint64_t>(denominator);
    return static_cast<std::int64_t>(small / divisor + (small % divisor != 0 ? 1 : 0));
  }
  const Wide quotient =
      (product + static_cast<Wide>(denominator) - 1) / static_cast<Wide>(denominator);
  if (quotient > static_cast<Wide>(INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(quotient);
}

// Sum; nothing on overflow.
constexpr std::optional<Money> add(Money a, Money b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.micros, b.micros, &sum)) return std::nullopt;
  return Money{sum};
}

// What `held` at `rate` costs, rounded up to a whole micro-unit; nothing when it does not fit or is
// negative.
constexpr std::optional<Money> cost_ceil(MoneyPerHour rate, std::chrono::seconds held) {
  const auto micros = mul_div_ceil(rate.micros, held.count(), 3600);
  return micros ? std::optional(Money{*micros}) : std::nullopt;
}
static_assert(cost_ceil({1}, std::chrono::seconds{1})->micros == 1,
              "a started second is never free");

// The share of `part` in `whole` of an amount, rounded down; `part` is at most `whole`, the amount
// not negative. Of a whole of 0: nothing.
constexpr Money share_floor(Money amount, std::uint64_t part, std::uint64_t whole) {
  if (whole == 0 || amount.micros <= 0) return {};
  __extension__ using Wide = unsigned __int128;
  return Money{static_cast<std::int64_t>(static_cast<Wide>(amount.micros) * part / whole)};
}

// What moving `bytes` at `price` costs, rounded up to a whole micro-unit.
constexpr std::optional<Money> transfer_cost_ceil(MoneyPerGigabyte price, std::int64_t bytes) {
  const auto micros = mul_div_ceil(price.micros, bytes, 1'000'000'000);
  return micros ? std::optional(Money{*micros}) : std::nullopt;
}

// rate * ppm / 1,000,000, rounded up.
constexpr std::optional<MoneyPerHour> scale_ceil(MoneyPerHour rate, std::int64_t ppm) {
  const auto micros = mul_div_ceil(rate.micros, ppm, ppm_one);
  return micros ? std::optional(MoneyPerHour{*micros}) : std::nullopt;
}

// "1.25" -> 1,250,000 micro-units. At most six decimals, no sign but '-', no exponent; fails naming
// `field`.
Result<std::int64_t> parse_micros(std::string_view field, std::string_view text);
// The exact decimal of micro-units, without needless zeros: "1.25", "0.000001", "-3".
std::string to_decimal(std::int64_t micros);

}  // namespace tradewind
