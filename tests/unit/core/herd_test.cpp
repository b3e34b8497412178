// Twenty brokers, two hundred sites, 85 % of all slots taken, and every sheet seen 3.6 s late.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/bench/herd_model.h"

namespace tradewind {
namespace {

TEST(AHerdOfBrokers, FindsPlacesForNearlyAllJobsInFewTries) {
  const herd::Policy policy{"as delivered"};
  const herd::Found found =
      herd::Herd(policy, std::chrono::milliseconds(3'600), std::chrono::seconds(60), 1).run();
  ASSERT_GT(found.passes, 1'000U);
  EXPECT_LE(found.tries, 3 * found.passes);
  EXPECT_LE(100 * found.unplaced, 2 * found.passes);
  EXPECT_GE(found.least_trust_ppm, 500'000) << "of honest sites, seen late";
}

}  // namespace
}  // namespace tradewind
