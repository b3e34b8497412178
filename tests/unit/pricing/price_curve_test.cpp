#include "gateway/pricing/price_curve.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>

#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

__extension__ using Wide = unsigned __int128;

PriceCurve any_curve() {
  return PriceCurve{
      .a_ppm = *rc::gen::inRange<std::int64_t>(0, limits::price_ppm_max - ppm_one + 1),
      .exponent = *rc::gen::inRange<std::uint32_t>(1, 17)};
}

// As the formula says it, in whole numbers: only for powers that fit into 128 bits.
std::int64_t exact_ceiling(const PriceCurve& curve, std::uint64_t used, std::uint64_t total) {
  Wide numerator = static_cast<Wide>(curve.a_ppm);
  Wide denominator = 1;
  for (std::uint32_t i = 0; i < curve.exponent; ++i) {
    numerator *= used;
    denominator *= total;
  }
  return ppm_one + static_cast<std::int64_t>((numerator + denominator - 1) / denominator);
}

TEST(PriceCurve, TheDefaultCurveQuadruplesThePriceOfAFullPool) {
  EXPECT_EQ(price_ppm(PriceCurve{}, 0, 100), 1'000'000);
  EXPECT_EQ(price_ppm(PriceCurve{}, 50, 100), 1'011'719);  // 3 * 0.5^8 = 0.01171875
  EXPECT_EQ(price_ppm(PriceCurve{}, 100, 100), 4'000'000);
}

TEST(PriceCurve, IsFlatWithoutAFactorAndOnAPoolWithoutUnits) {
  EXPECT_EQ(price_ppm(PriceCurve{.a_ppm = 0, .exponent = 8}, 7, 9), ppm_one);
  EXPECT_EQ(price_ppm(PriceCurve{}, 7, 0), ppm_one);
}

TEST(PriceCurve, CountsMoreUsedThanThereIsAsAll) {
  EXPECT_EQ(price_ppm(PriceCurve{}, 101, 100), 4'000'000);
  EXPECT_EQ(price_ppm(PriceCurve{}, UINT64_MAX, UINT64_MAX), 4'000'000);
}

TEST(PriceCurve, ClampsACurveOutOfRangeInsteadOfOverflowing) {
  EXPECT_EQ(price_ppm(PriceCurve{.a_ppm = -5, .exponent = 8}, 100, 100), ppm_one);
  EXPECT_EQ(price_ppm(PriceCurve{.a_ppm = INT64_MAX, .exponent = 8}, 1, 1), limits::price_ppm_max);
  EXPECT_EQ(price_ppm(PriceCurve{.a_ppm = 4'000'000, .exponent = 0}, 1, 2), 3'000'000);
  EXPECT_EQ(price_ppm(PriceCurve{.a_ppm = 4'000'000, .exponent = UINT32_MAX}, 1, 2),
            price_ppm(PriceCurve{.a_ppm = 4'000'000, .exponent = 16}, 1, 2));
}

TEST(PriceCurve, NeverFallsWhenMoreIsUsed) {
  EXPECT_TRUE(rc::check([] {
    const PriceCurve curve = any_curve();
    const auto total = *rc::gen::inRange<std::uint64_t>(1, UINT32_MAX);
    const auto one = *rc::gen::inRange<std::uint64_t>(0, total + 1);
    const auto other = *rc::gen::inRange<std::uint64_t>(0, total + 1);
    RC_ASSERT(price_ppm(curve, std::min(one, other), total) <=
              price_ppm(curve, std::max(one, other), total));
  }));
}

TEST(PriceCurve, StaysBetweenTheTariffAndItsFullFactorAndMeetsBothEnds) {
  EXPECT_TRUE(rc::check([] {
    const PriceCurve curve = any_curve();
    const auto total = *rc::gen::inRange<std::uint64_t>(1, 1ULL << 60U);
    const auto used = *rc::gen::inRange<std::uint64_t>(0, total + 1);
    const std::int64_t price = price_ppm(curve, used, total);
    RC_ASSERT(price >= ppm_one);
    RC_ASSERT(price <= ppm_one + curve.a_ppm);
    RC_ASSERT(price_ppm(curve, 0, total) == ppm_one);
    RC_ASSERT(price_ppm(curve, total, total) == ppm_one + curve.a_ppm);
  }));
}

TEST(PriceCurve, IsTheExactCeilingOrOnePpmAboveIt) {
  EXPECT_TRUE(rc::check([] {
    // 30 bits of factor and 8 * 10 bits of units fit into 128.
    const PriceCurve curve{
        .a_ppm = *rc::gen::inRange<std::int64_t>(0, limits::price_ppm_max - ppm_one + 1),
        .exponent = *rc::gen::inRange<std::uint32_t>(1, 9)};
    const auto total = *rc::gen::inRange<std::uint64_t>(1, 1'024);
    const auto used = *rc::gen::inRange<std::uint64_t>(0, total + 1);
    const std::int64_t over = price_ppm(curve, used, total) - exact_ceiling(curve, used, total);
    RC_ASSERT(over == 0 || over == 1);
  }));
}

}  // namespace
}  // namespace tradewind
