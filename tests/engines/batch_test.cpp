// What is a queue's own, on a Grid Engine: how it fails, and what the engine makes of that.
#include <gmock/gmock.h>

#include <filesystem>

#include <fmt/format.h>

#include "gateway/engines/node_exchange.h"
#include "tests/engines/engine_under_test.h"

namespace tradewind {
namespace {

using test::Kind;
using test::PrivateGridEngine;
using testing::HasSubstr;
using testing::Not;

class BatchEngineTest : public test::EngineUnderTest {
 protected:
  BatchEngineTest() : EngineUnderTest(Kind::batch) { options.node.sandbox = SandboxMode::none; }
  void SetUp() override {
    if (const std::string missing = PrivateGridEngine::missing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    commands = PrivateGridEngine::commands();
    open();
  }
  bool is_down() {
    const Status checked = engine->check(shell("true"));
    return engine->capacity(PoolId{"pool"}) == EngineCapacity{} && !checked &&
           checked.error().code == ErrorCode::unavailable;
  }
  // Lines of the queue's own list that are of this test's jobs.
  int listed() const {
    const std::string list = PrivateGridEngine::run("qstat -xml");
    const std::string name = attempt().job.value;
    int count = 0;
    for (auto at = list.find(name); at != std::string::npos; at = list.find(name, at + 1)) ++count;
    return count;
  }
  // In place of one of the queue's commands, with the real one's path and the arguments.
  void replace(std::vector<std::string>& command, const std::string& name,
               const std::string& script) {
    scratch.write(name, fmt::format("#!/bin/sh\nreal={}\n{}\n", command.front(), script));
    std::filesystem::permissions(scratch / name, std::filesystem::perms(0755));
    command.front() = (scratch / name).string();
  }
  // The first submission fails, and then scratch / "once" is there.
  void fail_once() {
    replace(commands->submit.command, "qsub",
            fmt::format("mkdir {} && exit 1; exec \"$real\" \"$@\"", (scratch / "once").string()));
  }
};

TEST_F(BatchEngineTest, WhileTheQueueIsAwayItTakesNothingAndRunningJobsEndAsIfNothingWere) {
  start(attempt(), told(held()));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  PrivateGridEngine::tell("kill", "sge_qmaster");
  ASSERT_TRUE(until([&] { return is_down(); }));
  let_go();
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
  // Granted just before: it waits for the queue.
  engine->start(attempt(2), told("true"));
  PrivateGridEngine::tell("start", "sge_qmaster");
  // It would find its master again within half a minute.
  PrivateGridEngine::tell("kill", "sge_execd");
  PrivateGridEngine::tell("start", "sge_execd");
  EXPECT_EQ(end_of(attempt(2)).code, EndCode::succeeded);
  EXPECT_FALSE(is_down());
  EXPECT_EQ(starts(), 2);
}

TEST_F(BatchEngineTest, AJobThatWasTakenThoughItsSubmissionFailedIsNotSubmittedAgain) {
  close();
  replace(commands->submit.command, "qsub",
          fmt::format("echo x >> {}; \"$real\" \"$@\" > /dev/null; echo timeout >&2; exit 1",
                      (scratch / "submissions").string()));
  open();
  start(attempt(), told("sleep 2"));
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(scratch.read("submissions"), "x\n");
}

TEST_F(BatchEngineTest, AJobThatWasNotTakenIsSubmittedAgainAndRunsOnce) {
  close();
  fail_once();
  open();
  EXPECT_EQ(run(attempt(), told("true")).code, EndCode::succeeded);
  EXPECT_EQ(starts(), 1);
}

TEST_F(BatchEngineTest, ARenewalBeforeAJobIsSubmittedAgainReachesItsNode) {
  using namespace std::chrono_literals;
  close();
  fail_once();
  open();
  await_up();
  const Now begun = system_now();
  engine->start(attempt(), shell("sleep 50"));
  engine->set_lease(attempt(), begun.mono + 30s);
  ASSERT_TRUE(until([&] { return scratch.exists("once"); }));
  // Not worth writing before the first has 20 s left.
  engine->set_lease(attempt(), begun.mono + 50s);
  ASSERT_TRUE(until([&] { return is_running(attempt()); }));
  const NodeExchange exchange(options.exchange_directory);
  const std::string name = attempt().job.value + ".1";
  EXPECT_TRUE(until([&] {
    const auto orders = exchange.read_orders(name);
    return orders && orders->lease_end > begun.wall + 40s;
  }));
  engine->stop(attempt(), EndCode::canceled);
  EXPECT_EQ(end_of(attempt()).code, EndCode::canceled);
}

TEST_F(BatchEngineTest, AJobThatTheQueueRefusesEndsAtOnceWithTheReason) {
  close();
  commands->pool_options[PoolId{"pool"}] = {"-q", "nowhere"};
  open();
  const EndReport report = run(attempt(), told("true"));
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_THAT(report.detail, HasSubstr("nowhere"));
  EXPECT_FALSE(report.started);
  EXPECT_EQ(starts(), 0);
}

TEST_F(BatchEngineTest, AJobThatTheQueueHoldsIsTakenBackAndNeverRuns) {
  close();
  commands->options = {"-h"};
  open();
  const EndReport report = run(attempt(), told("true"));
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_THAT(report.detail, HasSubstr("\"hqw\""));
  EXPECT_FALSE(report.started);
  EXPECT_TRUE(until([&] { return listed() == 0; }));
  EXPECT_EQ(starts(), 0);
}

TEST_F(BatchEngineTest, AJobThatWaitsIsStoppedAtOnceAndLeavesTheQueue) {
  close();
  commands->options = {"-a", "203001010000"};
  open();
  start(attempt(), told("true"));
  ASSERT_TRUE(until([&] { return listed() == 1; }));
  engine->stop(attempt(), EndCode::canceled);
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::canceled);
  EXPECT_EQ(report.usage.wall_seconds, 0U);
  EXPECT_TRUE(until([&] { return listed() == 0; }));
  EXPECT_EQ(starts(), 0);
}

TEST_F(BatchEngineTest, AJobThatTheCentreKillsEndsInterruptedByTheQueuesOwnAccount) {
  start(attempt(), told("sleep 50"));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  PrivateGridEngine::run("qdel -u root");
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::interrupted);
  EXPECT_THAT(report.detail, HasSubstr("exit code 137"));
  EXPECT_TRUE(report.started);
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(ends(), 0);
}

TEST_F(BatchEngineTest, ListsThatAreCutShortEndNoJob) {
  start(attempt(), told(held()));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  close();
  replace(commands->status.command, "qstat", "\"$real\" \"$@\" | head -3");
  open();
  ASSERT_EQ(engine->adopt({attempt()}).size(), 1U);
  ASSERT_TRUE(until([&] {
    const Status checked = engine->check(shell("true"));
    return !checked && checked.error().message.find("whole") != std::string::npos;
  }));
  let_go();
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
}

}  // namespace
}  // namespace tradewind
