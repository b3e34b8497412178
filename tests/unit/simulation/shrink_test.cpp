#include "tests/simulation/shrink.h"

#include <gtest/gtest.h>

#include "shop_stage.h"

namespace tradewind::simulation {
namespace {

const std::function<bool()> kAlways = [] { return true; };

// The shop sells thirty things, opens now and then, and sells one when its door has closed.
Failure busy_day() {
  Failure failure{{"seed=7", "clerks=5"}, {}, 600 * kSecond, "at 400 s: I2: sold while closed"};
  Micros now = 0;
  for (int i = 0; i < 30; ++i) {
    now += 12'345'678;
    failure.commands.push_back({now, i % 3 == 0 ? "open" : "sell milk to=somebody"});
  }
  failure.commands.push_back({now + 100'234'567, "sell bread to=anybody"});
  return failure;
}

TEST(Shrink, KeepsWhatTheViolationNeeds) {
  EXPECT_EQ(shrink(busy_day(), ShopStage::make, kAlways).commands,
            (std::vector<TimedCommand>{{0, "sell"}}));
}

TEST(Shrink, EndsTheStoryWhereTheViolationIs) {
  EXPECT_EQ(shrink(busy_day(), ShopStage::make, kAlways).end, 0);
}

TEST(Shrink, DropsOptionsThatItDoesNotNeed) {
  EXPECT_EQ(shrink(busy_day(), ShopStage::make, kAlways).options, std::vector<std::string>{});
}

TEST(Shrink, TheSameInvariantIsViolated) {
  Failure failure = busy_day();
  failure.commands.insert(failure.commands.begin() + 1, {12'345'678, "sell heavy stones"});
  failure.violation = "I3: too heavy";
  const Failure less = shrink(failure, ShopStage::make, kAlways);
  ASSERT_EQ(less.commands.size(), 1u);
  EXPECT_EQ(less.commands[0].command, "sell heavy");
  EXPECT_EQ(less.violation, "I3: too heavy");
}

TEST(Shrink, WhatDoesNotFailAgainIsGivenBack) {
  Failure failure = busy_day();
  failure.options.push_back("careful");
  const Failure less = shrink(failure, ShopStage::make, kAlways);
  EXPECT_EQ(less.commands, failure.commands);
  EXPECT_EQ(less.options, failure.options);
}

TEST(Shrink, EndsWhenItIsTold) {
  int runs = 0;
  const Failure less = shrink(busy_day(), ShopStage::make, [&] { return ++runs <= 4; });
  EXPECT_GT(less.commands.size(), 1u);
  EXPECT_LT(less.commands.size(), 31u);
}

TEST(Shrink, AScenarioSaysWhatFailed) {
  const Failure failure{{"seed=7", "clerks=2"},
                        {{0, "open"}, {61 * kSecond, "sell bread"}, {61 * kSecond, "close"}},
                        120 * kSecond,
                        "at 61 s: I2: sold while closed"};
  EXPECT_EQ(to_scenario("Seed 7.", failure),
            "# Seed 7.\n"
            "# It violated at 61 s: I2: sold while closed\n"
            "federation seed=7 clerks=2\n"
            "show\n"
            "\n"
            "open\n"
            "advance 61s\n"
            "sell bread\n"
            "close\n"
            "advance 59s\n"
            "finish\n"
            "----\n");
  const auto ran = run_scenario("7.txt", to_scenario("Seed 7.", failure), ShopStage::make);
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->differences,
            "7.txt:13: - was expected, + was told\n"
            "  + violated: at 61 s: I2: sold while closed\n");
}

TEST(Shrink, AnInvariantIsKnownByItsNumber) {
  EXPECT_EQ(invariant_of("at 17 ms: I12: In the end"), "I12");
  EXPECT_EQ(invariant_of("I2: x"), "I2");
  EXPECT_EQ(invariant_of("In vain"), "");
}

}  // namespace
}  // namespace tradewind::simulation
