// A tool may hang, flood or fail: what it wrote is had, or an error that names it, and it is gone.
#include "gateway/discovery/tool_run.h"

#include <gmock/gmock.h>

#include <string>

namespace tradewind {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds patience{60'000};

Result<std::string> run_shell(const std::string& script, milliseconds time_max = patience) {
  return run_tool({"/bin/sh", "-c", script}, time_max, 100'000);
}

TEST(ToolRun, GivesAllThatWasWritten) {
  const auto text = run_shell("printf a; exec 2>&-; printf b");
  ASSERT_TRUE(text) << describe(text.error());
  EXPECT_EQ(*text, "ab");
}

TEST(ToolRun, AToolThatHangsIsEndedWithAllThatItStarted) {
  const auto text = run_shell("/bin/sleep 1000 & exec /bin/sleep 1000", milliseconds(50));
  ASSERT_FALSE(text);
  EXPECT_THAT(describe(text.error()), HasSubstr("sh: has not ended within 50 ms"));
}

TEST(ToolRun, OneThatEndsIsNotWaitedForBecauseOfItsChildren) {
  const auto text = run_shell("printf done; /bin/sleep 1000 &");
  ASSERT_TRUE(text) << describe(text.error());
  EXPECT_EQ(*text, "done");
}

TEST(ToolRun, AFloodIsCutOff) {
  const auto text = run_shell("while :; do echo flood; done");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::too_large);
}

TEST(ToolRun, AFailureShowsTheFirstWordsAndNothingThatATerminalWouldObey) {
  const auto text = run_shell("printf 'no \\033[2J driver\\nmore\\n'; exit 9");
  ASSERT_FALSE(text);
  EXPECT_THAT(describe(text.error()), HasSubstr("ended with code 9: \"no ?[2J driver\""));
  EXPECT_THAT(describe(run_shell("kill -9 $$").error()), HasSubstr("signal 9"));
}

TEST(ToolRun, OnlyProgramsInAbsoluteFoldersAreFound) {
  EXPECT_EQ(find_tool("sh", "/nowhere:/bin"), "/bin/sh");
  EXPECT_EQ(find_tool("sh", "bin:./bin:"), std::nullopt);
  EXPECT_EQ(find_tool("passwd", "/etc"), std::nullopt);
}

}  // namespace
}  // namespace tradewind
