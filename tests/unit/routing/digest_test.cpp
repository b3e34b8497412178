// The same bytes from every build of the project.
#include "tests/unit/routing/digest.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

TEST(RoutingDigest, DecisionsHaveTheSameBytesInEveryBuild) {
  EXPECT_EQ(digest::of_decisions(digest::cases), digest::golden)
      << std::hex << digest::of_decisions(digest::cases);
}

TEST(RoutingDigest, ClearingsHaveTheSameBytesInEveryBuild) {
  EXPECT_EQ(digest::of_clearings(digest::contests), digest::golden_clearings)
      << std::hex << digest::of_clearings(digest::contests);
}

}  // namespace
}  // namespace tradewind
