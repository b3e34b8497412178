#include "tests/simulation/scenario.h"

#include <gtest/gtest.h>

#include "shop_stage.h"

namespace tradewind::simulation {
namespace {

constexpr std::string_view kStory =
    "# The door closes by itself.\n"
    "federation clerks=1\n"
    "open\n"
    "----\n"
    "door.opens\n"
    "\n"
    "# Nobody has closed it.\n"
    "advance 1m\n"
    "----\n"
    "door.closes\n"
    "\n"
    "finish\n"
    "----\n"
    "holiday\n";

Result<ScenarioRun> run(std::string_view text) {
  return run_scenario("shop.txt", text, ShopStage::make);
}

std::string error(std::string_view text) {
  const auto ran = run(text);
  return ran ? "" : describe(ran.error());
}

TEST(Scenario, AStoryThatComesTrueHasNoDifferences) {
  const auto ran = run(kStory);
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->differences, "");
  EXPECT_EQ(ran->text, kStory);
}

TEST(Scenario, WhatWasNotExpectedIsToldWithItsLine) {
  const auto ran =
      run("federation\nopen\nsell bread\nclose\n----\ndoor.opens\nsold  milk\ndoor.closes\n\n"
          "finish\n----\nholiday\n");
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->differences,
            "shop.txt:6: - was expected, + was told\n"
            "    door.opens\n"
            "  - sold  milk\n"
            "  + sold  bread\n"
            "    door.closes\n");
}

TEST(Scenario, RewritingKeepsAllButTheExpectedLines) {
  std::string text(kStory);
  text.replace(text.find("door.closes"), 11, "anything\nat all");
  const auto ran = run(text);
  ASSERT_TRUE(ran.has_value());
  EXPECT_NE(ran->differences, "");
  EXPECT_EQ(ran->text, kStory);
}

TEST(Scenario, OnlyEventsThatAreShownAreTold) {
  const auto ran =
      run("federation\nopen\nshow sold\nclose\nopen\nsell milk\n----\n\n"
          "show door.*\nsell bread\nclose\n----\n\n"
          "show\nfinish\n----\n");
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->text,
            "federation\nopen\nshow sold\nclose\nopen\nsell milk\n----\ndoor.opens\nsold  milk\n\n"
            "show door.*\nsell bread\nclose\n----\ndoor.closes\n\n"
            "show\nfinish\n----\n");
}

TEST(Scenario, ArrivalsAndLossesAreShownByTheirEvent) {
  const auto ran =
      run("federation\nopen\nshow at:parcel lost:*\nsay at shop parcel from town\n"
          "say at shop letter from town\nsay lost letter town -> shop\nsay parcel town -> shop\n"
          "show\nfinish\n----\n");
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->differences,
            "shop.txt:11: - was expected, + was told\n"
            "  + door.opens\n"
            "  + at shop parcel from town\n"
            "  + lost letter town -> shop\n");
}

TEST(Scenario, AViolationIsToldWhateverIsShownAndEndsTheStory) {
  const auto ran = run("federation\nshow\nsell milk\nopen\n----\n\nopen\nfinish\n----\n");
  ASSERT_TRUE(ran.has_value());
  EXPECT_EQ(ran->differences,
            "shop.txt:6: - was expected, + was told\n"
            "  + violated: at 0 s: I2: sold while closed\n");
}

TEST(Scenario, WhatIsNotUnderstoodIsNamedWithItsLine) {
  EXPECT_EQ(error("# No federation.\nopen\nfinish\n----\n"),
            "shop.txt:2: \"open\" comes before `federation`; begin with the federation and its "
            "options");
  EXPECT_EQ(error("federation doors=2\nfinish\n----\n"), "shop.txt:1: \"doors=2\" is no option");
  EXPECT_EQ(error("federation\nfederation\nfinish\n----\n"),
            "shop.txt:2: a second federation; write another file");
  EXPECT_EQ(error("federation\n\nclsoe\nfinish\n----\n"), "shop.txt:3: \"clsoe\" is no command");
  EXPECT_EQ(error("federation\nadvance 20\nfinish\n----\n"),
            "shop.txt:2: \"20\" is no span of time; write 250ms, 20s or 5m");
  EXPECT_EQ(error("federation\nadvance -1s\nfinish\n----\n"),
            "shop.txt:2: \"-1s\" is no span of time; write 250ms, 20s or 5m");
  EXPECT_EQ(error("federation\nfinish\nopen\n----\n"),
            "shop.txt:3: \"open\" comes after `finish`; let `finish` be the last command");
}

TEST(Scenario, AStoryHasAnEnd) {
  EXPECT_EQ(error("federation\nopen\n----\n"),
            "shop.txt:3: the story has no end; let `finish` be its last command");
  EXPECT_EQ(error("federation\nopen\nfinish\n"),
            "shop.txt:3: nothing follows the commands; end each block with ---- and what it tells");
  EXPECT_NE(error(""), "");
}

}  // namespace
}  // namespace tradewind::simulation
