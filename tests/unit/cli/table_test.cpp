#include "broker/cli/table.h"

#include <gtest/gtest.h>

#include "broker/cli/terminal.h"
#include "broker/cli/watch.h"

namespace tradewind::cli {
namespace {

Table sample() {
  Table table({{"JOB"}, {"STATE"}, {"WHY"}, {"COST", true}});
  table.add({"j1", "succeeded", "", "$1.00"});
  table.add({"j2", "failed", "the command 'train' ended with the exit code 3", "$12.50"});
  return table;
}

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a?[2J??");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J \xc3\xa9\xc2\xa9\xc2"),
            "?2J \xc3\xa9\xc2\xa9\xc2");
}

TEST(Table, PadsColumnsAndLeavesNothingBehind) {
  EXPECT_EQ(sample().render(Style{}),
            "JOB  STATE      WHY                                               COST\n"
            "j1   succeeded                                                   $1.00\n"
            "j2   failed     the command 'train' ended with the exit code 3  $12.50\n");
}

TEST(Table, CutsTheWidestTextToTheTerminal) {
  EXPECT_EQ(sample().render(Style{.width = 40}),
            "JOB  STATE      WHY                 COST\n"
            "j1   succeeded                     $1.00\n"
            "j2   failed     the command 'tr…  $12.50\n");
}

TEST(Table, CutsLinesThatAreTooLongEvenSo) {
  const std::string text = sample().render(Style{.width = 12});
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    std::size_t columns = 0;
    for (std::size_t i = begin; i < end; ++i) columns += (text[i] & 0xC0) != 0x80 ? 1 : 0;
    EXPECT_LE(columns, 12U) << text;
  }
}

TEST(Table, ColoursOnlyWhenAsked) {
  EXPECT_EQ(sample().render(Style{}).find('\033'), std::string::npos);
  const std::string text = sample().render(Style{.colour = true});
  EXPECT_NE(text.find("\033[32msucceeded\033[0m"), std::string::npos);
  EXPECT_NE(text.find("\033[31mfailed\033[0m"), std::string::npos);
}

TEST(Table, ControlCharactersNeverReachTheTerminal) {
  Table table({{"NAME"}});
  table.add({"a\033[2Jb\n"});
  EXPECT_EQ(table.render(Style{}), "NAME\na?[2Jb?\n");
}

TEST(Table, TellsWhichRowsHaveChanged) {
  const auto table = [](const char* state, const char* age, bool second) {
    Table out({{"SITE"}, {"POOL"}, {"STATE"}, {.title = "AGE", .right = true, .passing = true}});
    out.add({"alpha", "cpu", state, age});
    if (second) out.add({"beta", "cpu", "valid", age});
    return out;
  };
  EXPECT_EQ(table("valid", "2s", true).changes_since(table("valid", "1s", true)), "");
  EXPECT_EQ(table("none", "2s", true).changes_since(table("valid", "1s", true)),
            "alpha  cpu   none    2s\n");
  EXPECT_EQ(table("valid", "2s", false).changes_since(table("valid", "1s", true)),
            "gone  beta  cpu\n");
}

TEST(Sparkline, ShowsHeightsAndGaps) {
  EXPECT_EQ(sparkline({0, 7, -1, 3}), "▁█ ▄");
  EXPECT_EQ(sparkline({5, 5}), "▁▁");
  EXPECT_EQ(sparkline({0, INT64_MAX}), "▁█");
  EXPECT_EQ(sparkline({}), "");
}

TEST(Progress, SaysHowFarItIs) {
  EXPECT_EQ(progress_line("jobs sent", 1'200, 5'000, std::chrono::seconds(65)),
            "jobs sent: 1200 of 5000 (24 %), 1m05s");
  EXPECT_EQ(progress_line("jobs found", 7, 0, std::chrono::seconds(3)), "jobs found: 7, 3s");
}

TEST(Watch, FitsOnTheScreen) {
  EXPECT_EQ(fit_to_height("a\nb\nc\n", 4), "a\nb\nc\n");
  EXPECT_EQ(fit_to_height("a\nb\nc\nd\n", 4), "a\nb\n… 2 more lines\n");
  EXPECT_EQ(fit_to_height("a\nb\n", 0), "a\nb\n");
}

}  // namespace
}  // namespace tradewind::cli
