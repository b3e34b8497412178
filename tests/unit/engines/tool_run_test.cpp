// A tool may hang, flood or fail: what it wrote is had, or an error that names it, and it is gone.
#include "gateway/engines/tool_run.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>

#include <string>

#include "gateway/staging/unique_fd.h"
#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds patience{60'000};

Result<std::string> run_shell(const std::string& script, milliseconds time_max = patience) {
  return run_tool({"/bin/sh", "-c", script}, time_max, 100'000);
}

// What a tool and all that it starts hold open, and so tells that they are gone.
class Held {
 public:
  Held() {
    EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0);
    end_ = UniqueFd(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  std::string path() const { return directory_.path() / "held"; }
  bool by_nobody() const {
    pollfd gone{end_.get(), 0, 0};
    return ::poll(&gone, 1, 10'000) == 1;
  }

 private:
  TemporaryDirectory directory_;
  UniqueFd end_;
};

TEST(ToolRun, GivesAllThatWasWritten) {
  const auto text = run_shell("printf a; exec 2>&-; printf b");
  ASSERT_TRUE(text) << describe(text.error());
  EXPECT_EQ(*text, "ab");
}

TEST(ToolRun, AToolThatHangsIsEndedWithAllThatItStarted) {
  const Held held;
  const auto text = run_shell("exec 9>" + held.path() + "; /bin/sleep 1000 & exec /bin/sleep 1000",
                              milliseconds(5'000));
  ASSERT_FALSE(text);
  EXPECT_THAT(describe(text.error()), HasSubstr("sh: has not ended within 5000 ms"));
  EXPECT_TRUE(held.by_nobody()) << "one of them lives";
}

TEST(ToolRun, OneThatEndsIsNotWaitedForBecauseOfItsChildren) {
  const Held held;
  const auto text = run_shell("exec 9>" + held.path() + "; printf done; /bin/sleep 1000 &");
  ASSERT_TRUE(text) << describe(text.error());
  EXPECT_EQ(*text, "done");
  EXPECT_TRUE(held.by_nobody()) << "a child lives";
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
