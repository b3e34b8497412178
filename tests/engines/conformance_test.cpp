// What every engine does, whatever runs behind it.
#include <gmock/gmock.h>

#include <algorithm>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "tests/engines/engine_under_test.h"

namespace tradewind {
namespace {

using test::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

class EngineConformance : public test::EngineUnderTest, public testing::WithParamInterface<Kind> {
 protected:
  EngineConformance() : EngineUnderTest(GetParam()) {
    // The sandbox itself has tests of its own; here jobs tell the outside what they do.
    options.node.sandbox = SandboxMode::none;
  }
  void SetUp() override { open(); }
};

INSTANTIATE_TEST_SUITE_P(Engines, EngineConformance,
                         testing::Values(Kind::process, Kind::slurm, Kind::slurm_commands,
                                         Kind::slurm_later, Kind::batch, Kind::tes,
                                         Kind::kubernetes),
                         [](const auto& each) { return test::name_of(each.param); });

TEST_P(EngineConformance, RunsAJobInItsSandboxWithInputsOutputsAndLogs) {
  close();
  options.node.sandbox = SandboxMode::bubblewrap;
  open();
  if (IsSkipped()) return;
  scratch.write("in/data", "hello\n");
  Assignment assignment = shell("tr a-z A-Z < /data/in > /work/out; echo done; echo noise >&2");
  Input input;
  input.path = "/data/in";
  input.replicas = {{.url = "file://" + (scratch / "in/data").string(), .site = {}, .region = {}}};
  Output output;
  output.path = "/work/out";
  output.url = "file://" + (scratch / "out/result").string();
  assignment.inputs = {input};
  assignment.outputs = {output};
  if (kind_ == Kind::kubernetes) {
    // It stages nothing, and says so before a grant.
    await_up();
    EXPECT_EQ(engine->check(assignment).error().field, "inputs[0].url");
    assignment.inputs.clear();
    EXPECT_EQ(engine->check(assignment).error().field, "outputs");
    return;
  }
  const EndReport report = run(attempt(), assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_TRUE(report.started);
  EXPECT_EQ(scratch.read("out/result"), "HELLO\n");
  ASSERT_EQ(report.outputs.size(), 1U);
  EXPECT_EQ(report.outputs[0].sha256, tells_digests() ? hex(sha256("HELLO\n")) : "");
  ASSERT_EQ(report.executors.size(), 1U);
  EXPECT_EQ(report.executors[0].exit_code, 0);
  EXPECT_EQ(report.executors[0].stderr_tail, "noise\n");
  EXPECT_GE(report.usage.wall_seconds, 1U);
  EXPECT_EQ(phases[attempt()].back(), AttemptPhase::ended);
  EXPECT_TRUE(std::ranges::is_sorted(phases[attempt()]));
  const auto chunk = engine->read_log(attempt(), LogStream::out, 2, 1000);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->data, "ne\n");
  EXPECT_TRUE(chunk->end);
}

TEST_P(EngineConformance, TellsExitCodeAndErrorsOfAFailure) {
  const EndReport report = run(attempt(), shell("echo went wrong >&2; exit 7"));
  EXPECT_EQ(report.code, EndCode::failed);
  ASSERT_EQ(report.executors.size(), 1U);
  EXPECT_EQ(report.executors[0].exit_code, 7);
  // Kubernetes keeps both streams as one.
  const bool one_stream = kind_ == Kind::kubernetes;
  EXPECT_EQ(one_stream ? report.executors[0].stdout_tail : report.executors[0].stderr_tail,
            "went wrong\n");
  EXPECT_EQ(log(attempt(), one_stream ? LogStream::out : LogStream::err), "went wrong\n");
}

TEST_P(EngineConformance, RunsAnAttemptOnceHoweverOftenItIsStarted) {
  start(attempt(), told("true"));
  engine->start(attempt(), told("true"));
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
  engine->start(attempt(), told("true"));
  EXPECT_EQ(run(attempt(2), shell("true")).code, EndCode::succeeded);
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(ended[attempt()], 1);
}

TEST_P(EngineConformance, StopsAJobThatRuns) {
  start(attempt(), told("sleep 50"));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  engine->stop(attempt(), EndCode::canceled);
  engine->stop(attempt(), EndCode::preempted);  // the first word counts
  EXPECT_EQ(end_of(attempt()).code, EndCode::canceled);
  EXPECT_EQ(ends(), 0);
}

TEST_P(EngineConformance, StopsAJobThatHasHardlyBegun) {
  start(attempt(), told("sleep 50"));
  engine->stop(attempt(), EndCode::canceled);
  EXPECT_EQ(end_of(attempt()).code, EndCode::canceled);
  EXPECT_EQ(ends(), 0);
}

TEST_P(EngineConformance, EndsAJobAtItsTimeLimit) {
  Assignment assignment = told("sleep 50");
  assignment.run_seconds_max = 3;
  EXPECT_EQ(run(attempt(), assignment).code, EndCode::time_limit);
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(ends(), 0);
}

TEST_P(EngineConformance, AJobLivesAsLongAsItsLeaseIsRenewed) {
  start(attempt(), told("sleep 7"));
  engine->set_lease(attempt(), system_now().mono + std::chrono::seconds(20));
  ASSERT_TRUE(until([&] { return is_running(attempt()); }));
  for (int renewal = 0; renewal < 7; ++renewal) {
    engine->set_lease(attempt(), system_now().mono + std::chrono::seconds(6));
    const auto next = system_now().mono + std::chrono::seconds(1);
    until([&] { return system_now().mono > next; });
  }
  engine->set_lease(attempt(), system_now().mono + std::chrono::seconds(20));
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
}

TEST_P(EngineConformance, AJobEndsWithItsLeaseThoughTheGatewayStandsStill) {
  start(attempt(), told("sleep 50"));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  engine->set_lease(attempt(), system_now().mono + std::chrono::seconds(1));
  EXPECT_EQ(end_of(attempt()).code, EndCode::lease_expired);
  EXPECT_EQ(ends(), 0);
}

TEST_P(EngineConformance, AfterARestartAnAttemptEndsOnceAndNeverRunsTwice) {
  const Assignment assignment = told(held());
  start(attempt(1), assignment);
  ASSERT_TRUE(until([&] { return is_running(attempt(1)) && starts() == 1; }));
  start(attempt(2), shell("exit 3"));
  EXPECT_EQ(end_of(attempt(2)).executors.at(0).exit_code, 3);
  close();
  ended.clear();
  reports.clear();
  open();
  const auto adopted = engine->adopt({attempt(1), attempt(2), attempt(3)});
  // What it can still tell of: an end always, a job where it outlives the gateway.
  EXPECT_TRUE(std::ranges::count(adopted, attempt(2)));
  EXPECT_FALSE(std::ranges::count(adopted, attempt(3)));
  EXPECT_EQ(end_of(attempt(2)).executors.at(0).exit_code, 3);
  let_go();
  if (std::ranges::count(adopted, attempt(1))) {
    engine->start(attempt(1), assignment);
    EXPECT_EQ(end_of(attempt(1)).code, EndCode::succeeded);
    EXPECT_EQ(ends(), 1);
  } else {
    const auto later = system_now().mono + std::chrono::seconds(3);
    until([&] { return system_now().mono > later; });
    EXPECT_EQ(ends(), 0);
  }
  EXPECT_EQ(starts(), 1);
}

TEST_P(EngineConformance, EndsManyAtOnceEachOnce) {
  constexpr std::uint32_t count = 40;
  await_up();
  for (std::uint32_t number = 1; number <= count; ++number) {
    start(attempt(number), told("true"));
  }
  ASSERT_TRUE(until([&] { return reports.size() == count; }));
  for (const auto& [id, report] : reports) {
    EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
    EXPECT_EQ(ended[id], 1);
  }
  EXPECT_EQ(starts(), static_cast<int>(count));
  EXPECT_EQ(ends(), static_cast<int>(count));
}

TEST_P(EngineConformance, RefusesWhatItCanNeverRun) {
  await_up();
  Assignment assignment = shell("true");
  assignment.pool = PoolId{"other"};
  const Status checked = engine->check(assignment);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().field, "pool");
}

}  // namespace
}  // namespace tradewind
