// A decision and the market that it names give the same bytes again.
#include "tests/unit/routing/replay.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

TEST(RoutingReplay, DecisionsComeOutTheSameFromTheBytesOfTheirRecords) {
  const auto bytes = replay::written(2'000);
  ASSERT_TRUE(bytes.has_value()) << describe(bytes.error());
  const auto count = replay::replayed(*bytes);
  ASSERT_TRUE(count.has_value()) << describe(count.error());
  EXPECT_EQ(*count, 2'000U);
}

TEST(RoutingReplay, NoticesADecisionThatWasAnother) {
  Bytes bytes = replay::written(20).value();
  for (std::size_t back = 1; back <= 64; ++back) {
    char& each = bytes[bytes.size() - back];  // of the last decision
    each ^= 1;
    EXPECT_FALSE(replay::replayed(bytes).has_value()) << back;
    each ^= 1;
  }
  EXPECT_TRUE(replay::replayed(bytes).has_value());
}

TEST(RoutingReplay, RefusesWhatIsCutShort) {
  const Bytes bytes = replay::written(3).value();
  EXPECT_FALSE(replay::replayed(BytesView(bytes).substr(0, bytes.size() - 1)).has_value());
  EXPECT_FALSE(replay::replayed("nonsense").has_value());
}

}  // namespace
}  // namespace tradewind
