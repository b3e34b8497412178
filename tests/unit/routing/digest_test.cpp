// The same bytes from every build of the project.
#include "tests/unit/routing/digest.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

TEST(RoutingDigest, DecisionsHaveTheSameBytesInEveryBuild) {
  EXPECT_EQ(digest::of_decisions(digest::cases), digest::golden)
      << std::hex << digest::of_decisions(digest::cases);
}

}  // namespace
}  // namespace tradewind
