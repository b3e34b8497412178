#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "tests/unit/engines/engine_fixture.h"

namespace tradewind {
namespace {

using test::attempt;
using testing::ElementsAre;
using testing::HasSubstr;

class ProcessEngineRun : public test::EngineFixture {
 protected:
  void SetUp() override { open(); }
};

TEST_F(ProcessEngineRun, RunsACommandOnItsInputsAndStoresItsOutputs) {
  scratch.write("in/data", "hello\n");
  Assignment assignment = shell("tr a-z A-Z < /data/in > /work/out; echo done");
  Input input;
  input.path = "/data/in";
  input.replicas = {{.url = "file://" + (scratch / "in/data").string(), .site = {}, .region = {}}};
  assignment.inputs = {input};
  assignment.outputs = {output("/work/out", "result")};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_TRUE(report.started);
  EXPECT_EQ(scratch.read("out/result"), "HELLO\n");
  ASSERT_EQ(report.outputs.size(), 1U);
  EXPECT_EQ(report.outputs[0].sha256, hex(sha256("HELLO\n")));
  EXPECT_EQ(report.outputs[0].path, "/work/out");
  ASSERT_EQ(report.inputs.size(), 1U);
  EXPECT_EQ(report.inputs[0].sha256, hex(sha256("hello\n")));
  ASSERT_EQ(report.executors.size(), 1U);
  EXPECT_EQ(report.executors[0].exit_code, 0);
  EXPECT_EQ(report.executors[0].stdout_tail, "done\n");
  EXPECT_GE(report.usage.wall_seconds, 1U);
  EXPECT_GE(report.usage.ended, report.usage.started);
  EXPECT_THAT(phases[attempt()], ElementsAre(AttemptPhase::staging, AttemptPhase::running,
                                             AttemptPhase::finishing, AttemptPhase::ended));
  EXPECT_THAT(report.system_log,
              testing::Contains(HasSubstr("staged /data/in 6 bytes from file:")));
  // Its files are gone; the log stays.
  EXPECT_FALSE(scratch.exists("attempts/j0000000000001.1/files"));
  const auto chunk = engine->read_log(attempt(), LogStream::out, 0, 1000);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->data, "done\n");
  EXPECT_TRUE(chunk->end);
}

TEST_F(ProcessEngineRun, TellsExitCodeAndErrorsOfAFailureAndStoresNothing) {
  Assignment assignment = shell("echo half > out; echo went wrong >&2; exit 7");
  assignment.outputs = {output("/work/out", "result")};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::failed);
  ASSERT_EQ(report.executors.size(), 1U);
  EXPECT_EQ(report.executors[0].exit_code, 7);
  EXPECT_EQ(report.executors[0].stderr_tail, "went wrong\n");
  EXPECT_THAT(report.detail, HasSubstr("7"));
  EXPECT_TRUE(report.outputs.empty());
  EXPECT_FALSE(scratch.exists("out/result"));
}

TEST_F(ProcessEngineRun, TellsOfSignalsAndOfCommandsThatCannotRun) {
  EXPECT_EQ(run(shell("kill -9 $$"), attempt(1)).executors.at(0).exit_code, 137);
  const EndReport none = run(command({"no-such-program"}), attempt(2));
  EXPECT_EQ(none.code, EndCode::failed);
  EXPECT_EQ(none.executors.at(0).exit_code, 127);
  EXPECT_THAT(none.executors.at(0).stderr_tail, HasSubstr("no-such-program"));
  Assignment plain = command({"/work/plain"});
  plain.inputs = {content("/work/plain", "echo hi")};
  EXPECT_EQ(run(plain, attempt(3)).executors.at(0).exit_code, 126);
}

TEST_F(ProcessEngineRun, GivesTheEnvironmentOfJobAndExecutorAndNothingElse) {
  ::setenv("TRADEWIND_TEST_SECRET", "secret", 1);
  Assignment assignment = shell("env; pwd");
  assignment.env = {{"TRADEWIND_ARRAY_INDEX", "7"}, {"BOTH", "job"}};
  assignment.executors[0].env = {{"BOTH", "executor"}, {"LINES", "a\nb c"}};
  assignment.nodes = 3;
  const EndReport report = run(assignment);
  ::unsetenv("TRADEWIND_TEST_SECRET");
  const std::string out = report.executors.at(0).stdout_tail;
  EXPECT_THAT(out, HasSubstr("TRADEWIND_ARRAY_INDEX=7\n"));
  EXPECT_THAT(out, HasSubstr("BOTH=executor\n"));
  EXPECT_THAT(out, HasSubstr("LINES=a\nb c\n"));
  EXPECT_THAT(out, HasSubstr("TRADEWIND_NODES=3\n"));
  EXPECT_THAT(out, HasSubstr("HOME=/work\n"));
  EXPECT_THAT(out, HasSubstr("TMPDIR=/tmp\n"));
  EXPECT_THAT(out, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(out, testing::EndsWith("/work\n"));
}

TEST_F(ProcessEngineRun, ConnectsStreamsToFiles) {
  Assignment assignment = command({"sort"});
  assignment.inputs = {content("/data/lines", "b\na\n")};
  assignment.executors[0].stdin_path = "/data/lines";
  assignment.executors[0].stdout_path = "/results/new/sorted";
  assignment.outputs = {output("/results/new/sorted", "sorted")};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_EQ(scratch.read("out/sorted"), "a\nb\n");
  EXPECT_EQ(log(attempt()), "a\nb\n");

  Assignment both = shell("echo one; echo two >&2; echo three");
  both.executors[0].stdout_path = both.executors[0].stderr_path = "/work/both";
  both.outputs = {output("/work/both", "both")};
  EXPECT_EQ(run(both, attempt(2)).code, EndCode::succeeded);
  EXPECT_EQ(scratch.read("out/both").size(), std::string("one\ntwo\nthree\n").size());
}

TEST_F(ProcessEngineRun, RunsExecutorsInTurnOnTheSameFiles) {
  Assignment assignment = shell("echo 1 >> /shared/x; echo first; exit 3");
  assignment.executors[0].ignore_error = true;
  assignment.executors.push_back(shell("echo 2 >> x; echo second").executors[0]);
  assignment.executors[1].workdir = "/shared";
  assignment.executors.push_back(shell("cat /shared/x; exit 5").executors[0]);
  assignment.executors.push_back(shell("echo never").executors[0]);
  assignment.volumes = {"/shared"};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::failed);
  ASSERT_EQ(report.executors.size(), 3U);
  EXPECT_EQ(report.executors[0].exit_code, 3);
  EXPECT_EQ(report.executors[1].exit_code, 0);
  EXPECT_EQ(report.executors[2].exit_code, 5);
  EXPECT_EQ(report.executors[2].stdout_tail, "1\n2\n");
  EXPECT_EQ(log(attempt()), "first\nsecond\n1\n2\n");
}

TEST_F(ProcessEngineRun, ReadsALogFromAnOffsetWhileTheJobRuns) {
  engine->start(attempt(),
                shell("echo first; while [ ! -e go ]; do sleep 0.05; done; echo second"));
  ASSERT_TRUE(until([&] { return log(attempt()) == "first\n"; }));
  auto chunk = engine->read_log(attempt(), LogStream::out, 0, 1000);
  ASSERT_TRUE(chunk);
  EXPECT_FALSE(chunk->end);
  std::ofstream(scratch / "attempts/j0000000000001.1/files/work/go").put('\n');
  end_of(attempt());
  chunk = engine->read_log(attempt(), LogStream::out, 6, 3);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->data, "sec");
  EXPECT_EQ(chunk->offset, 6U);
  EXPECT_FALSE(chunk->end);
  chunk = engine->read_log(attempt(), LogStream::out, 9, 1000);
  EXPECT_EQ(chunk->data, "ond\n");
  EXPECT_TRUE(chunk->end);
  const auto unknown = engine->read_log(attempt(9), LogStream::out, 0, 1000);
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(unknown->known);
}

TEST_F(ProcessEngineRun, KeepsABoundedLogAndLetsTheJobGoOn) {
  options.log_bytes_max = 1000;
  open();
  Assignment assignment = shell("head -c 300000 /dev/zero | tr '\\0' x; echo ok > out");
  assignment.outputs = {output("/work/out", "ok")};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_EQ(scratch.read("out/ok"), "ok\n");
  EXPECT_THAT(log(attempt()), HasSubstr("only the first 1000 bytes are kept"));
  EXPECT_LT(log(attempt()).size(), 1100U);
  EXPECT_EQ(report.executors.at(0).stdout_tail.size(), 16U * 1024);
}

TEST_F(ProcessEngineRun, EndsWhenTheCommandEndsWhateverItLeftInTheBackground) {
  const auto started = std::chrono::steady_clock::now();
  const std::string mark = "31.4159" + std::to_string(::getpid());
  const EndReport report = run(shell("sleep " + mark + " & setsid sleep " + mark + " & echo left"));
  EXPECT_EQ(report.code, EndCode::succeeded);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  EXPECT_EQ(test::processes_with(mark), 0);
}

TEST_F(ProcessEngineRun, SaysWhichInputOrOutputWentWrong) {
  Assignment assignment = shell("true");
  assignment.inputs = {content("/data/x", "hello"), content("/data/y", "hello")};
  assignment.inputs[1].sha256 = std::string(64, '0');
  EndReport report = run(assignment, attempt(1));
  EXPECT_EQ(report.code, EndCode::stage_in_failed);
  EXPECT_FALSE(report.started);
  EXPECT_THAT(report.detail, HasSubstr("inputs[1].sha256"));
  assignment = shell("true");
  assignment.outputs = {output("/work/out", "out")};
  report = run(assignment, attempt(2));
  EXPECT_EQ(report.code, EndCode::stage_out_failed);
  EXPECT_TRUE(report.started);
  EXPECT_THAT(report.detail, HasSubstr("outputs[0].path"));
}

TEST_F(ProcessEngineRun, KeepsOutputsWithoutAUrlUntilForgotten) {
  options.retention = std::chrono::seconds(0);
  open();
  Assignment assignment = shell("echo kept > out");
  assignment.outputs = {output("/work/out", "out")};
  assignment.outputs[0].url.clear();
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_EQ(report.outputs.at(0).sha256, hex(sha256("kept\n")));
  EXPECT_EQ(scratch.read("attempts/j0000000000001.1/kept/work/out"), "kept\n");
  engine->forget(attempt());
  EXPECT_TRUE(until([&] { return !scratch.exists("attempts/j0000000000001.1"); }));
}

TEST_F(ProcessEngineRun, StartsAnAttemptOnce) {
  const Assignment assignment = shell("echo once");
  engine->start(attempt(), assignment);
  engine->start(attempt(), assignment);
  end_of(attempt());
  engine->start(attempt(), assignment);
  io.restart();
  io.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(log(attempt()), "once\n");
  EXPECT_EQ(phases[attempt()].size(), 4U);
}

TEST_F(ProcessEngineRun, ReportsARecordedEndAgainAfterARestart) {
  const EndReport before = run(shell("echo done"), attempt(1));
  engine->start(attempt(2), shell("sleep 60"));
  ASSERT_TRUE(until([&] { return is_running(attempt(2)); }));
  engine.reset();
  phases.clear();
  reports.clear();
  open();
  EXPECT_THAT(engine->adopt({attempt(1), attempt(2), attempt(3)}), ElementsAre(attempt(1)));
  EXPECT_EQ(end_of(attempt(1)), before);
  EXPECT_EQ(log(attempt(1)), "done\n");
  // The one that was cut off is not started again, whoever asks.
  engine->start(attempt(2), shell("echo again"));
  EXPECT_FALSE(reports.contains(attempt(2)));
}

TEST_F(ProcessEngineRun, IsTheOnlyOneInItsDirectory) {
  auto second = make_process_engine(io, options, [](EngineEvent) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace tradewind
