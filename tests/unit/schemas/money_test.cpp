#include "schemas/money.h"

#include <gtest/gtest.h>

#include <random>

namespace tradewind {
namespace {

using std::chrono::seconds;

TEST(Money, ReadsDecimalsExactly) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"0", 0},
      {"1", 1'000'000},
      {"1.25", 1'250'000},
      {"0.000001", 1},
      {"-3", -3'000'000},
      {"-0.5", -500'000},
      {"007", 7'000'000},
      {"9223372036854.775807", INT64_MAX},
      {"1.000000", 1'000'000},
  };
  for (const auto& [text, micros] : cases) EXPECT_EQ(parse_micros("price", text), micros) << text;
}

TEST(Money, RefusesWhatIsNoDecimal) {
  for (const char* text :
       {"", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1e6", "0x10", "1,5", "--1", "1.2.3", "NaN",
        "inf", "1.0000001", "9223372036854.775808", "9223372036855", "99999999999999999999999"}) {
    const auto result = parse_micros("tariff.node_hour", text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
    EXPECT_EQ(result.error().field, "tariff.node_hour");
    EXPECT_FALSE(result.error().remedy.empty());
  }
}

TEST(Money, WritesTheShortestExactDecimal) {
  EXPECT_EQ(to_decimal(0), "0");
  EXPECT_EQ(to_decimal(1'250'000), "1.25");
  EXPECT_EQ(to_decimal(1), "0.000001");
  EXPECT_EQ(to_decimal(-3'000'000), "-3");
  EXPECT_EQ(to_decimal(-1), "-0.000001");
  EXPECT_EQ(to_decimal(INT64_MAX), "9223372036854.775807");
  EXPECT_EQ(to_decimal(INT64_MIN), "-9223372036854.775808");
}

TEST(Money, ReadsBackWhatItWrites) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto micros =
        static_cast<std::int64_t>(random() >> (random() % 63)) * (i % 2 == 0 ? 1 : -1);
    if (micros == INT64_MIN) continue;
    ASSERT_EQ(parse_micros("price", to_decimal(micros)), micros);
  }
}

TEST(Money, MultipliesWithoutLosingBitsAndRoundsUp) {
  EXPECT_EQ(mul_div_ceil(7, 3, 2), 11);
  EXPECT_EQ(mul_div_ceil(6, 3, 2), 9);
  EXPECT_EQ(mul_div_ceil(0, 5, 7), 0);
  EXPECT_EQ(mul_div_ceil(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
  EXPECT_EQ(mul_div_ceil(INT64_MAX, 1, 1), INT64_MAX);
  EXPECT_EQ(mul_div_ceil(1, 1, INT64_MAX), 1);
}

TEST(Money, TellsWhenAProductDoesNotFitOrHasNoMeaning) {
  EXPECT_EQ(mul_div_ceil(INT64_MAX, 2, 1), std::nullopt);
  EXPECT_EQ(mul_div_ceil(INT64_MAX, INT64_MAX, INT64_MAX - 1), std::nullopt);
  EXPECT_EQ(mul_div_ceil(-1, 1, 1), std::nullopt);
  EXPECT_EQ(mul_div_ceil(1, -1, 1), std::nullopt);
  EXPECT_EQ(mul_div_ceil(1, 1, 0), std::nullopt);
  EXPECT_EQ(mul_div_ceil(1, 1, -1), std::nullopt);
}

TEST(Money, AStartedSecondIsNeverFree) {
  EXPECT_EQ(cost_ceil({1}, seconds(1)), Money{1});
  EXPECT_EQ(cost_ceil({3'600}, seconds(1)), Money{1});
  EXPECT_EQ(cost_ceil({3'601}, seconds(1)), Money{2});
  EXPECT_EQ(cost_ceil({1'000'000}, seconds(0)), Money{0});
  EXPECT_EQ(cost_ceil({1'000'000}, seconds(5'400)), Money{1'500'000});
}

TEST(Money, CostsThatDoNotFitAreNoCosts) {
  EXPECT_EQ(cost_ceil({INT64_MAX}, seconds(3'600)), Money{INT64_MAX});
  EXPECT_EQ(cost_ceil({INT64_MAX}, seconds(3'601)), std::nullopt);
  EXPECT_EQ(cost_ceil({-1}, seconds(1)), std::nullopt);
  EXPECT_EQ(cost_ceil({1}, seconds(-1)), std::nullopt);
}

TEST(Money, SumsThatDoNotFitAreNoSums) {
  EXPECT_EQ(add(Money{1}, Money{2}), Money{3});
  EXPECT_EQ(add(Money{INT64_MAX}, Money{1}), std::nullopt);
  EXPECT_EQ(add(Money{INT64_MIN}, Money{-1}), std::nullopt);
}

TEST(Money, TrafficIsBilledByTheGigabyteOfTenToTheNinth) {
  EXPECT_EQ(transfer_cost_ceil({90'000}, 1'000'000'000), Money{90'000});
  EXPECT_EQ(transfer_cost_ceil({90'000}, 1), Money{1});
  EXPECT_EQ(transfer_cost_ceil({90'000}, 0), Money{0});
  EXPECT_EQ(transfer_cost_ceil({INT64_MAX}, 2'000'000'000), std::nullopt);
}

TEST(Money, ScalesRatesUpwards) {
  EXPECT_EQ(scale_ceil({100}, ppm_one), MoneyPerHour{100});
  EXPECT_EQ(scale_ceil({100}, 1'500'000), MoneyPerHour{150});
  EXPECT_EQ(scale_ceil({1}, 1), MoneyPerHour{1});
  EXPECT_EQ(scale_ceil({INT64_MAX}, 2 * ppm_one), std::nullopt);
}

}  // namespace
}  // namespace tradewind
