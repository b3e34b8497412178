#include "state/gossip/peer_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "schemas/limits.h"
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
    const auto is_in = [](const std::set<NodeId>& nodes) {
      return [&nodes](const NodeId& each) { return nodes.count(each) == 1; };
    };
    PeerChoice::Traits traits;
    traits.mate = [this](const NodeId& each) { return strangers_.count(each) == 0; };
    traits.near = is_in(near_);
    traits.spine = is_in(spine_);
    traits.silent = is_in(silent_);
    traits.seeds = seeds_wanted_;
    return choice_.choose(round, fanout, traits, random_);
  }

  PeerChoice choice_{node(0)};
  Random random_{42};
  std::set<NodeId> strangers_;  // of another cell
  std::set<NodeId> near_;
  std::set<NodeId> spine_;
  std::set<NodeId> silent_;
  bool seeds_wanted_ = true;
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

TEST_F(Choosing, KeepsToItsCellAndTellsOneOfTheSpineBesides) {
  std::vector<NodeId> reachable;
  for (int i = 1; i <= 200; ++i) reachable.push_back(node(i));
  for (int i = 4; i <= 200; ++i) strangers_.insert(node(i));
  spine_ = {node(199), node(200)};
  choice_.set(reachable, {});
  std::set<NodeId> seen;
  for (std::uint64_t round = 1; round <= 9; ++round) {
    const auto chosen = choose(round, 2);
    ASSERT_EQ(chosen.size(), 3U);
    seen.insert(chosen.begin(), chosen.end());
  }
  EXPECT_EQ(seen, (std::set<NodeId>{node(1), node(2), node(3), node(199), node(200)}));
}

TEST_F(Choosing, WithNobodyReachableEveryRoundTriesASeed) {
  choice_.set({node(1)}, {node(8)});
  seeds_wanted_ = false;
  for (std::uint64_t round = 1; round <= 20; ++round) {
    EXPECT_EQ(choose(round, 1), std::vector<NodeId>{node(1)}) << "only then, where told so";
  }
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

TEST(RoundTrips, AClockThatStandsOrRunsBackwardsMakesNoTimeThatCannotBe) {
  RoundTrips trips;
  trips.sent(1, node(1), Mono::time_point(5s));
  EXPECT_FALSE(trips.answered(1, node(1), Mono::time_point(4s)));
  trips.sent(2, node(1), Mono::time_point(6s));
  EXPECT_TRUE(trips.answered(2, node(1), Mono::time_point(6s)));
  const auto taken = trips.of(node(1));
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, 0us);
}

TEST(RoundTripRow, TellsTheNearestRegionsSortedByName) {
  std::map<RegionId, std::chrono::microseconds> measured;
  for (int i = 0; i < 100; ++i) measured[RegionId{"r" + std::to_string(i)}] = 1ms * (100 - i);
  const std::vector<RoundTrip> row = round_trip_row(measured);
  ASSERT_EQ(row.size(), limits::measured_regions_max);
  for (std::size_t i = 1; i < row.size(); ++i) EXPECT_LT(row[i - 1].region, row[i].region);
  const auto holds = [&row](const char* region) {
    return std::any_of(row.begin(), row.end(),
                       [&](const RoundTrip& each) { return each.region.value == region; });
  };
  EXPECT_TRUE(holds("r99"));
  EXPECT_FALSE(holds("r0")) << "the farthest";
}

TEST(RoundTripRow, IsNewsWhenARegionIsNewOrATimeChangedByAQuarter) {
  const auto row = [](std::chrono::microseconds time) {
    return round_trip_row({{RegionId{"here"}, 300us}, {RegionId{"there"}, time}});
  };
  EXPECT_TRUE(row_change_matters({}, row(100ms)));
  EXPECT_FALSE(row_change_matters(row(100ms), row(100ms)));
  EXPECT_FALSE(row_change_matters(row(100ms), row(115ms)));
  EXPECT_TRUE(row_change_matters(row(100ms), row(140ms)));
  EXPECT_TRUE(row_change_matters(row(100ms), row(70ms)));
  EXPECT_FALSE(row_change_matters(row(300us), row(900us))) << "within a millisecond";
}

}  // namespace
}  // namespace tradewind
