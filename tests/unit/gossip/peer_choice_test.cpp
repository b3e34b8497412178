#include "state/gossip/peer_choice.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "state/gossip/round_trip.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

NodeId node(int i) {
  return NodeId{"site/s" + std::to_string(i)};
}

class Choosing : public testing::Test {
 protected:
  std::vector<NodeId> choose(std::uint64_t round, std::uint32_t fanout) {
    return choice_.choose(
        round, fanout, [this](const NodeId& each) { return near_.count(each) == 1; },
        [this](const NodeId& each) { return silent_.count(each) == 1; }, random_);
  }

  PeerChoice choice_{node(0)};
  Random random_{42};
  std::set<NodeId> near_;
  std::set<NodeId> silent_;
};

TEST_F(Choosing, GivesThatManyDifferentPeersAndNeverOneself) {
  choice_.set({node(0), node(1), node(2), node(3), node(3)}, {node(0)});
  for (std::uint64_t round = 1; round <= 200; ++round) {
    const auto chosen = choose(round, 2);
    const std::set<NodeId> different(chosen.begin(), chosen.end());
    ASSERT_EQ(chosen.size(), 2U);
    ASSERT_EQ(different.size(), 2U);
    ASSERT_EQ(different.count(node(0)), 0U);
  }
  EXPECT_EQ(choose(1, 9).size(), 3U) << "all, when there are fewer";
}

TEST_F(Choosing, TakesTheOwnRegionHalfOfTheTime) {
  std::vector<NodeId> reachable;
  for (int i = 1; i <= 100; ++i) reachable.push_back(node(i));
  near_ = {node(1), node(2)};
  choice_.set(reachable, {});
  int own_region = 0;
  for (std::uint64_t round = 1; round <= 1'000; ++round) {
    own_region += near_.count(choose(round, 2).front()) == 1 ? 1 : 0;
  }
  EXPECT_GT(own_region, 450);
  EXPECT_LT(own_region, 580) << "half, and a few of those from anywhere";
}

TEST_F(Choosing, TriesASeedOrASilentOneEveryTenthRound) {
  choice_.set({node(1), node(2), node(3)}, {node(9)});
  silent_ = {node(3)};
  std::map<std::size_t, int> sizes;
  std::set<NodeId> extra;
  for (std::uint64_t round = 1; round <= 400; ++round) {
    const auto chosen = choose(round, 1);
    ++sizes[chosen.size()];
    if (chosen.size() == 2) {
      EXPECT_EQ(round % 10, 0U);
      extra.insert(chosen.back());
    }
  }
  EXPECT_GT(sizes[2], 20);
  EXPECT_EQ(extra, (std::set<NodeId>{node(3), node(9)}));
}

TEST_F(Choosing, WithNobodyReachableEveryRoundTriesASeed) {
  choice_.set({}, {node(8), node(9)});
  for (std::uint64_t round = 1; round <= 9; ++round) EXPECT_EQ(choose(round, 2).size(), 1U);
  choice_.set({}, {});
  EXPECT_TRUE(choose(1, 2).empty());
}

TEST(RoundTrips, AreTheMedianOfTheLastFive) {
  RoundTrips trips;
  EXPECT_EQ(trips.of(node(1)), std::nullopt);
  const std::vector<std::chrono::milliseconds> taken = {900ms, 10ms, 30ms, 20ms, 50ms, 40ms};
  Mono::time_point now{};
  std::uint64_t exchange = 0;
  for (const auto each : taken) {
    trips.sent(++exchange, node(1), now);
    EXPECT_TRUE(trips.answered(exchange, node(1), now + each));
    now += 1s;
  }
  EXPECT_EQ(trips.of(node(1)), 30ms) << "of 10, 30, 20, 50, 40";
}

TEST(RoundTrips, CountOnlyTheFirstAnswerOfThePeerThatWasAsked) {
  RoundTrips trips;
  trips.sent(1, node(1), Mono::time_point{});
  EXPECT_FALSE(trips.answered(1, node(2), Mono::time_point(1ms)));
  EXPECT_FALSE(trips.answered(2, node(1), Mono::time_point(1ms)));
  EXPECT_TRUE(trips.answered(1, node(1), Mono::time_point(5ms)));
  EXPECT_FALSE(trips.answered(1, node(1), Mono::time_point(9ms)));
  EXPECT_EQ(trips.of(node(1)), 5ms);
}

TEST(RoundTrips, AnAnswerAfterTenSecondsTellsNothing) {
  RoundTrips trips;
  trips.sent(1, node(1), Mono::time_point{});
  EXPECT_FALSE(trips.answered(1, node(1), Mono::time_point(10s + 1us)));
  EXPECT_EQ(trips.of(node(1)), std::nullopt);
}

}  // namespace
}  // namespace tradewind
