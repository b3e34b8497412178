#include "schemas/resources.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "schemas/site.h"

namespace tradewind {
namespace {

TEST(RoundTrip, ACodeTellsATimeWithinTwoAndAHalfPercentAndNothingBeyondItsRange) {
  using std::chrono::microseconds;
  for (std::int64_t us = 100; us <= 10'000'000; us += us / 97 + 1) {
    const std::int64_t told = round_trip_of(round_trip_code(microseconds(us))).count();
    ASSERT_LE(std::abs(told - us) * 1'000, us * 25 + 1'000) << us;
  }
  for (std::int64_t us : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{100}}) {
    EXPECT_EQ(round_trip_code(microseconds(us)), 1);
  }
  EXPECT_EQ(round_trip_code(microseconds(10'000'000)), 255);
  EXPECT_EQ(round_trip_code(microseconds(INT64_MAX)), 255);
  for (std::uint32_t code = 1; code <= 255; ++code) {
    ASSERT_EQ(round_trip_code(round_trip_of(static_cast<std::uint8_t>(code))), code);
  }
}

TEST(Resources, CoversOnlyWhatEveryComponentHolds) {
  const Resources node{8, 1'024, 100, 1};
  EXPECT_TRUE(node.covers(node));
  EXPECT_TRUE(node.covers({}));
  EXPECT_FALSE(node.covers({9, 0, 0, 0}));
  EXPECT_FALSE(node.covers({0, 1'025, 0, 0}));
  EXPECT_FALSE(node.covers({0, 0, 101, 0}));
  EXPECT_FALSE(node.covers({0, 0, 0, 2}));
}

TEST(Resources, TheScarcestComponentDecidesHowManyUnitsAreNeeded) {
  const Resources unit{2, 4'096, 10'000, 1};
  EXPECT_EQ(units_for({1, 1, 1, 0}, unit), 1U);
  EXPECT_EQ(units_for({3, 1, 0, 0}, unit), 2U);
  EXPECT_EQ(units_for({1, 12'289, 0, 0}, unit), 4U);
  EXPECT_EQ(units_for({1, 1, 0, 8}, unit), 8U);
  EXPECT_EQ(units_for({}, unit), 1U);  // a job holds at least one
}

TEST(Resources, WhatAUnitHasNoneOfCannotBeHad) {
  const Resources unit{1, 1'024, 0, 0};
  EXPECT_EQ(units_for({1, 0, 0, 1}, unit), std::nullopt);
  EXPECT_EQ(units_for({1, 0, 1, 0}, unit), std::nullopt);
  EXPECT_EQ(units_for({1, 0, 0, 0}, {}), std::nullopt);
}

TEST(Resources, UnitsThatCannotBeCountedAreNone) {
  EXPECT_EQ(units_for({0, UINT64_MAX, 0, 0}, {1, 1, 0, 0}), std::nullopt);
  EXPECT_EQ(units_for({0, UINT32_MAX, 0, 0}, {1, 1, 0, 0}), UINT32_MAX);
  EXPECT_EQ(units_for({0, UINT64_MAX, 0, 0}, {1, UINT64_MAX, 0, 0}), 1U);
}

Pool pool(Resources node, Resources unit) {
  Pool pool;
  pool.node = node;
  pool.unit = unit;
  return pool;
}

TEST(Pool, ANodeHoldsAsManyUnitsAsItsScarcestComponentAllows) {
  EXPECT_EQ(units_per_node(pool({64, 262'144, 1'000'000, 8}, {8, 32'768, 100'000, 1})), 8U);
  EXPECT_EQ(units_per_node(pool({64, 65'536, 0, 0}, {8, 32'768, 0, 0})), 2U);
  EXPECT_EQ(units_per_node(pool({64, 1'024, 0, 0}, {8, 2'048, 0, 0})), 0U);
  EXPECT_EQ(units_per_node(pool({64, 1'024, 0, 0}, {})), 0U);
}

TEST(Pool, AUnitCostsTheSumOfItsPartsRoundedUp) {
  Pool priced = pool({64, 262'144, 0, 8}, {8, 1'536, 0, 2});
  priced.tariff.node_hour = {1'000'000};  // the node's share is not the unit's
  priced.tariff.cpu_hour = {40'000};
  priced.tariff.gib_hour = {5'001};
  priced.tariff.accelerator_hour = {2'000'000};
  EXPECT_EQ(unit_price(priced), MoneyPerHour{320'000 + 7'502 + 4'000'000});
}

TEST(Pool, APriceBeyondAllBoundsStaysAPrice) {
  Pool priced = pool({}, {UINT32_MAX, UINT32_MAX, 0, UINT32_MAX});
  priced.tariff.cpu_hour = priced.tariff.gib_hour = priced.tariff.accelerator_hour = {INT64_MAX};
  EXPECT_GT(unit_price(priced).micros, 0);
}

}  // namespace
}  // namespace tradewind
