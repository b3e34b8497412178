#include "state/gossip/flow_control.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

using namespace std::chrono_literals;

Mono::time_point mono(std::chrono::microseconds after) {
  return Mono::time_point(after);
}

TEST(ByteBucket, HoldsASecondsWorthAndFillsSteadily) {
  ByteBucket bucket(1'000);
  bucket.refill(mono(5s));
  EXPECT_EQ(bucket.available(), 1'000U);
  bucket.spend(600);
  EXPECT_EQ(bucket.available(), 400U);
  bucket.refill(mono(5'100ms));
  EXPECT_EQ(bucket.available(), 500U);
  bucket.refill(mono(1h));
  EXPECT_EQ(bucket.available(), 1'000U) << "never more";
}

TEST(ByteBucket, ADebtIsPaidBeforeItOpensAgain) {
  ByteBucket bucket(1'000);
  bucket.refill(mono(0s));
  bucket.spend(3'000);
  EXPECT_FALSE(bucket.open());
  bucket.refill(mono(2s));
  EXPECT_FALSE(bucket.open());
  bucket.refill(mono(2'001ms));
  EXPECT_TRUE(bucket.open());
}

TEST(ByteBucket, KnowsWhenItWillBeHalfFull) {
  ByteBucket bucket(1'000);
  bucket.refill(mono(10s));
  EXPECT_LE(bucket.half_full_at(), mono(10s));
  bucket.spend(1'500);
  const Mono::time_point half = bucket.half_full_at();
  bucket.refill(half - 2us);
  EXPECT_LT(bucket.available(), 500U);
  bucket.refill(half);
  EXPECT_GE(bucket.available(), 500U);
  EXPECT_LE(half, mono(11'000'001us));
}

TEST(ByteBucket, TimeThatStandsStillOrRunsForYearsIsNoTrouble) {
  ByteBucket bucket(SIZE_MAX);
  bucket.refill(mono(0s));
  bucket.spend(SIZE_MAX);
  bucket.refill(mono(0s));
  EXPECT_FALSE(bucket.open());
  bucket.refill(mono(std::chrono::hours(24 * 365 * 100)));
  EXPECT_TRUE(bucket.open());
}

TEST(PaceLimit, AllowsABurstThenOneAnInterval) {
  PaceLimit pace(1s, 3);
  EXPECT_EQ(pace.next(), Mono::time_point::min());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pace.allows(mono(0s)));
    pace.charge(mono(0s));
  }
  EXPECT_FALSE(pace.allows(mono(0s)));
  EXPECT_FALSE(pace.allows(mono(999ms)));
  EXPECT_EQ(pace.next(), mono(1s));
  EXPECT_TRUE(pace.allows(mono(1s)));
  pace.charge(mono(1s));
  EXPECT_FALSE(pace.allows(mono(1s)));
}

}  // namespace
}  // namespace tradewind
