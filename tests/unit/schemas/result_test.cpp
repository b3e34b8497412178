#include "schemas/result.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

TEST(Result, DescribeLeavesOutWhatIsEmpty) {
  EXPECT_EQ(describe({ErrorCode::invalid, "cpus", "-1 is no number", "give 1"}),
            "cpus: -1 is no number; give 1");
  EXPECT_EQ(describe({ErrorCode::invalid, "", "no file", ""}), "no file");
}

TEST(Result, DescribeKeepsTextOfAllLanguagesWithItsLinesAndTabs) {
  const std::string message = "Zürich, 東京, 🛰:\n\tdown";
  EXPECT_EQ(describe({ErrorCode::unavailable, "site", message, ""}), "site: " + message);
}

TEST(Result, DescribeSpellsOutWhatTerminalsObeyAndWhatIsNoText) {
  EXPECT_EQ(describe({ErrorCode::corrupt, "store", "no file MANIFEST-00\xb0\x30\x31", ""}),
            "store: no file MANIFEST-00\\xb001");
  EXPECT_EQ(describe({ErrorCode::corrupt, "", "\x1b[2J\r\x7f\u009b", ""}),
            "\\x1b[2J\\x0d\\x7f\\xc2\\x9b");
  EXPECT_EQ(describe({ErrorCode::corrupt, "", std::string("a\0b", 3), ""}), "a\\x00b");
  EXPECT_EQ(describe({ErrorCode::corrupt, "", "cut short: \xe6\x9d", ""}), "cut short: \\xe6\\x9d");
}

}  // namespace
}  // namespace tradewind
