#include "gateway/pricing/price_curve.h"

#include <algorithm>

#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::int64_t a_ppm_max = limits::price_ppm_max - ppm_one;
constexpr std::uint32_t exponent_max = 16;
constexpr unsigned places = 32;
// A power starts below 2^(30 + 32) and never grows, so its product with units below 2^52 fits.
constexpr std::uint64_t units_max = 1ULL << 52U;
static_assert(a_ppm_max < (1LL << 30U) && 30 + places + 52 < 128);

}  // namespace

std::int64_t price_ppm(const PriceCurve& curve, std::uint64_t units_used,
                       std::uint64_t units_total) {
  const std::uint64_t total = std::min(units_total, units_max);
  const std::uint64_t used = std::min(units_used, total);
  if (used == 0) return ppm_one;
  const auto a_ppm =
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(curve.a_ppm, 0, a_ppm_max));
  Wide power = static_cast<Wide>(a_ppm) << places;
  const std::uint32_t exponent = std::clamp<std::uint32_t>(curve.exponent, 1, exponent_max);
  for (std::uint32_t i = 0; i < exponent; ++i) power = (power * used + total - 1) / total;
  const Wide rounded_up = (power + (Wide{1} << places) - 1) >> places;
  return ppm_one + static_cast<std::int64_t>(rounded_up);
}

}  // namespace tradewind
