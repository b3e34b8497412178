// A hundred nodes in ten regions, whole runs from one seed.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/unit/gossip/simulated_federation.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using toy::FederationOptions;
using toy::SimulatedFederation;

constexpr auto period = 1s;

FederationOptions seeded(std::uint64_t seed) {
  std::cout << "seed " << seed << "\n";
  FederationOptions options;
  options.seed = seed;
  return options;
}

double seconds(Mono::duration span) {
  return std::chrono::duration<double>(span).count();
}

class GossipUnderLoss : public testing::TestWithParam<std::uint32_t> {};

TEST_P(GossipUnderLoss, NewsIsHeldByAllHundredNodesWithinTenRounds) {
  FederationOptions options = seeded(20'261 + GetParam());
  options.loss_percent = GetParam();
  SimulatedFederation federation(options);
  const auto first =
      federation.run_until(10 * period, [&federation] { return federation.all_hold_sheet(1, 1); });
  ASSERT_TRUE(first) << "from nothing known but oneself";
  for (const std::uint32_t site : {3U, 57U}) {
    const std::uint64_t version = federation.publish_news(site);
    const auto taken =
        federation.run_until(10 * period, [&] { return federation.all_hold_sheet(site, version); });
    ASSERT_TRUE(taken);
    std::cout << "loss " << GetParam() << " %: held by all after " << seconds(*taken) << " s\n";
  }
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Loss, GossipUnderLoss, testing::Values(1U, 25U));

// How long after the last publication all hold the newest of everything; nothing beyond ten rounds.
std::optional<Mono::duration> settle(SimulatedFederation& federation) {
  federation.set_publishing(false);
  const auto taken =
      federation.run_until(10 * period, [&federation] { return federation.converged(); });
  federation.set_publishing(true);
  return taken;
}

TEST(GossipSimulation, BothSidesOfACutFindEachOtherAgainThroughOneSeed) {
  FederationOptions options = seeded(7);
  options.sites = 40;
  SimulatedFederation federation(options);
  ASSERT_TRUE(settle(federation));
  federation.cut(5);
  federation.run(30s);
  EXPECT_FALSE(settle(federation)) << "each side's sheets have run out on the other";
  federation.run(5s);
  federation.heal();
  const auto taken = settle(federation);
  ASSERT_TRUE(taken);
  std::cout << "healed after " << seconds(*taken) << " s\n";
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

TEST(GossipSimulation, WhatCannotPassOneWayGoesRoundByOthersAndNobodyIsDeclaredDead) {
  FederationOptions options = seeded(17);
  options.sites = 40;
  options.regions = 4;
  SimulatedFederation federation(options);
  federation.drop(0, 1);  // one way only
  federation.drop(2, 3);  // and two regions that do not hear each other at all
  federation.drop(3, 2);
  for (int i = 0; i < 3; ++i) {
    federation.run(20s);  // longer than a sheet is valid
    EXPECT_TRUE(settle(federation));
  }
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

TEST(GossipSimulation, LossDelayDisorderAndCopiesOfMessagesChangeNothingButTheTimeItTakes) {
  FederationOptions options = seeded(19);
  options.sites = 40;
  options.loss_percent = 10;
  options.copies_percent = 30;
  options.jitter = 700ms;
  SimulatedFederation federation(options);
  federation.run(20s);
  EXPECT_TRUE(settle(federation));
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

TEST(GossipSimulation, MembersMayComeAndGoAndTheDepartedStayGone) {
  FederationOptions options = seeded(23);
  options.sites = 40;
  SimulatedFederation federation(options);
  federation.run(5s);
  std::vector<std::uint32_t> departed;
  // A tenth of the sites leaves, and as many come, each minute.
  for (std::uint32_t i = 0; i < 8; ++i) {
    departed.push_back(3 + 4 * i);
    federation.revoke(departed.back());
    federation.join();
    federation.run(15s);
  }
  EXPECT_TRUE(settle(federation)) << "who has come since is known to all";
  for (const std::uint32_t each : departed) EXPECT_TRUE(federation.all_know_revoked(each));
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

TEST(GossipSimulation, WhenAllRestartTogetherTheyMeetAgainThroughOneBrokerWithoutAStampede) {
  FederationOptions options = seeded(37);
  options.brokers = 1;
  SimulatedFederation federation(options);
  ASSERT_TRUE(settle(federation));
  federation.restart_all();
  const auto taken = settle(federation);
  ASSERT_TRUE(taken);
  std::cout << "whole again after " << seconds(*taken) << " s, the busiest sent "
            << federation.bytes_sent_most() / 1'000 << " kB\n";
  EXPECT_LT(federation.bytes_sent_most(),
            static_cast<double>(GossipOptions{}.bytes_per_second_max) * (1 + seconds(*taken)));
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

FederationOptions in_cells(std::uint64_t seed) {
  FederationOptions options = seeded(seed);
  options.sites = 60;
  options.brokers = 2;
  options.cell_sizes = CellSizes{.undivided_max = 30, .sites_max = 12};
  return options;
}

TEST(GossipSimulation, InCellsEachSiteHoldsItsCellAndEachBrokerAll) {
  SimulatedFederation federation(in_cells(29));
  federation.run(40s);
  EXPECT_TRUE(settle(federation));
  EXPECT_EQ(federation.foreign_sheets(), 0U) << "those from before the division have run out";
  for (const std::uint32_t site : {5U, 33U}) {
    const std::uint64_t version = federation.publish_news(site);
    EXPECT_TRUE(federation.run_until(10 * period,
                                     [&] { return federation.all_hold_sheet(site, version); }));
  }
  federation.revoke(41);
  EXPECT_TRUE(federation.run_until(10 * period, [&] { return federation.all_know_revoked(41); }))
      << "membership is everybody's";
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

TEST(GossipSimulation, WhenACellsRelaysFallSilentOthersTakeTheirPlace) {
  SimulatedFederation federation(in_cells(31));
  federation.run(20s);
  const std::uint32_t site = 5;
  int killed = 0;
  while (killed < 3) {
    const std::uint32_t relay = federation.relay_of(site);
    if (relay == site) break;  // it tells the brokers itself
    federation.kill(relay);
    ++killed;
  }
  EXPECT_GT(killed, 0);
  federation.run(20s);  // until their sheets have run out
  const std::uint64_t version = federation.publish_news(site);
  EXPECT_TRUE(
      federation.run_until(10 * period, [&] { return federation.all_hold_sheet(site, version); }));
  EXPECT_TRUE(settle(federation));
}

TEST(GossipSimulation, ARevocationReachesAllWithinTenRoundsAndNothingRevives) {
  FederationOptions options = seeded(11);
  options.sites = 60;
  SimulatedFederation federation(options);
  ASSERT_TRUE(settle(federation));
  federation.revoke(17);
  const auto known = [&federation] { return federation.all_know_revoked(17); };
  ASSERT_TRUE(federation.run_until(10 * period, known));
  federation.run(5s);
  EXPECT_TRUE(known());
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
}

TEST(GossipSimulation, ARelayThatReplaysForgesAndCorruptsGetsNothingIn) {
  FederationOptions options = seeded(13);
  options.sites = 40;
  options.byzantine = true;
  SimulatedFederation federation(options);
  federation.run(40s);
  EXPECT_TRUE(settle(federation));
  EXPECT_EQ(federation.violations(), std::vector<std::string>{});
  const auto drops = federation.drops();
  for (const DropReason tried :
       {DropReason::wrong_signature, DropReason::old, DropReason::expired, DropReason::malformed}) {
    EXPECT_GT(drops.count(tried), 0U) << "the run never tried " << to_string(tried);
  }
}

TEST(GossipSimulation, WithoutSignaturesTheSameRelayWouldBeCaughtByTheChecks) {
  FederationOptions options = seeded(13);
  options.sites = 10;
  options.byzantine = true;
  options.signatures_checked = false;
  SimulatedFederation federation(options);
  federation.run(10s);
  EXPECT_FALSE(federation.violations().empty()) << "the checks see nothing";
}

TEST(GossipSimulation, WhoTellsTwoAudiencesTwoStoriesIsFoundOutAndQuarantinedByAll) {
  for (const bool cells : {false, true}) {
    FederationOptions options = cells ? in_cells(41) : seeded(41);
    if (!cells) options.sites = 40;
    options.two_faced = true;
    SimulatedFederation federation(options);
    EXPECT_TRUE(federation.run_until(60s, [&] { return federation.all_quarantine(1); }));
    EXPECT_EQ(federation.slandered(1), 0U);
    EXPECT_EQ(federation.violations(), std::vector<std::string>{});
  }
}

TEST(GossipSimulation, TheSameSeedGivesTheSameTrace) {
  const auto hash_of = [](std::uint64_t seed) {
    FederationOptions options = seeded(seed);
    options.sites = 20;
    options.byzantine = true;
    SimulatedFederation federation(options);
    federation.run(6s);
    return federation.trace_hash();
  };
  EXPECT_EQ(hash_of(5), hash_of(5));
  EXPECT_NE(hash_of(5), hash_of(6));
}

}  // namespace
}  // namespace tradewind
