#include "gateway/admission/charge.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

HeldAttempt held() {
  HeldAttempt attempt;
  attempt.assignment.rate.micros = 3'600;  // one micro-unit a second
  attempt.increment_seconds = 60;
  attempt.minimum_seconds = 100;
  attempt.fixed_fee = Money{5};
  return attempt;
}

Money charge(std::uint64_t seconds, EndCode code, bool started) {
  EndReport report;
  report.code = code;
  report.started = started;
  report.usage.wall_seconds = seconds;
  return charge_of(held(), report);
}

TEST(Charge, RoundsUpToTheIncrementAndIsAtLeastTheMinimum) {
  EXPECT_EQ(charge(1, EndCode::succeeded, true), Money{105});
  EXPECT_EQ(charge(100, EndCode::succeeded, true), Money{125});
  EXPECT_EQ(charge(120, EndCode::failed, true), Money{125});
  EXPECT_EQ(charge(121, EndCode::time_limit, true), Money{185});
}

TEST(Charge, TakesTheFixedFeeOnlyWhenSomethingRan) {
  EXPECT_EQ(charge(120, EndCode::canceled, false), Money{120});
}

TEST(Charge, TakesNothingWhenTheSiteBrokeItOff) {
  EXPECT_EQ(charge(120, EndCode::engine_failed, true), Money{});
  EXPECT_EQ(charge(120, EndCode::interrupted, true), Money{});
}

TEST(Charge, FitsWhateverTheEngineClaims) {
  HeldAttempt dear = held();
  dear.assignment.rate = rate_max;
  EndReport report;
  report.usage.wall_seconds = UINT64_MAX;
  EXPECT_GT(charge_of(dear, report), Money{});
}

TEST(LeastRate, IsTheTariffTimesThePrice) {
  Pool pool;
  pool.unit = Resources{2, 1'024, 0, 1};
  pool.tariff.node_hour.micros = 10;
  pool.tariff.cpu_hour.micros = 100;
  pool.tariff.gib_hour.micros = 7;
  pool.tariff.accelerator_hour.micros = 1'000;
  pool.tariff.preemptible_ppm = 500'000;
  EXPECT_EQ(least_rate(pool, 2, 3, false, ppm_one, ppm_one).micros, 2 * (10 + 3 * 1'207));
  EXPECT_EQ(least_rate(pool, 2, 3, true, 2 * ppm_one, ppm_one).micros, 2 * (10 + 3 * 1'207));
  EXPECT_EQ(least_rate(pool, 2, 3, false, ppm_one, 1'080'000).micros, 7'842);
}

}  // namespace
}  // namespace tradewind
