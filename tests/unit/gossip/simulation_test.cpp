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
  federation.run(25s);
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
