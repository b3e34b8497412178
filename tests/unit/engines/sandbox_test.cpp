#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/engines/engine_fixture.h"
#include "tests/unit/staging/http_server.h"

namespace tradewind {
namespace {

using test::attempt;
using testing::HasSubstr;

class ProcessEngineSandbox : public test::EngineFixture {
 protected:
  void SetUp() override { open(); }
  std::string out_of(const Assignment& assignment, std::uint32_t number = 1) {
    const EndReport report = run(assignment, attempt(number));
    if (report.executors.empty()) return report.detail;
    return report.executors.back().stdout_tail + report.executors.back().stderr_tail;
  }
};

TEST_F(ProcessEngineSandbox, HidesTheMachine) {
  scratch.write("secret", "secret");
  const std::string out = out_of(shell(
      "ls /; ls /etc; cat " + (scratch / "secret").string() +
      "; cat /etc/shadow; ls /root /home;"
      "touch /usr/x || echo read-only; ls /proc | grep -c '^[0-9]'; ls /proc/self/fd; id -u"));
  EXPECT_THAT(out, testing::Not(HasSubstr("secret\n")));
  EXPECT_THAT(out, testing::Not(HasSubstr("shadow\n")));
  EXPECT_THAT(out, HasSubstr("read-only"));
  EXPECT_THAT(out, HasSubstr("/root': No such file"));
}

TEST_F(ProcessEngineSandbox, ShowsOnlyTheJobsOwnProcesses) {
  const std::string out = out_of(shell("ls -d /proc/[0-9]* | wc -l; kill -0 " +
                                       std::to_string(::getpid()) + " || echo alone"));
  EXPECT_LT(std::stoi(out), 8);
  EXPECT_THAT(out, HasSubstr("alone"));
}

TEST_F(ProcessEngineSandbox, PassesOnNoDescriptorButTheStreams) {
  // 3 is the directory that ls itself reads.
  EXPECT_EQ(out_of(command({"ls", "/proc/self/fd"})), "0\n1\n2\n3\n");
}

TEST_F(ProcessEngineSandbox, HasNoCapabilities) {
  EXPECT_THAT(out_of(shell("grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status")),
              testing::AllOf(HasSubstr("0000000000000000"), HasSubstr("NoNewPrivs:\t1")));
}

TEST_F(ProcessEngineSandbox, HasNoNetworkUnlessTheJobAsks) {
  const test::HttpServer server(
      [](const test::HttpRequest&) { return test::HttpReply{200, {}, "reached", {}, false}; });
  Assignment assignment = command({"curl", "-sS", "--max-time", "5", server.url("/")});
  EXPECT_THAT(out_of(assignment, 1), testing::Not(HasSubstr("reached")));
  assignment.network = true;
  EXPECT_THAT(out_of(assignment, 2), HasSubstr("reached"));
}

TEST_F(ProcessEngineSandbox, GivesEachAttemptATmpOfItsOwn) {
  const Assignment assignment = shell("cat /tmp/mark; mkdir /tmp/conda && echo mine > /tmp/mark");
  EXPECT_THAT(out_of(assignment, 1), HasSubstr("No such file"));
  EXPECT_THAT(out_of(assignment, 2), HasSubstr("No such file"));
}

TEST_F(ProcessEngineSandbox, PutsPathsWhereTheJobNamesThem) {
  Assignment assignment = shell(
      "cat /opt/tool/config /top.txt /tmp/in; echo out > /mnt/new/deep/out;"
      "ls -d /mnt/new/vol; pwd");
  assignment.inputs = {content("/opt/tool/config", "1\n"), content("/top.txt", "2\n"),
                       content("/tmp/in", "3\n")};
  assignment.outputs = {output("/mnt/new/deep/out", "deep")};
  assignment.volumes = {"/mnt/new/vol"};
  assignment.executors[0].workdir = "/home/user/run";
  EXPECT_EQ(out_of(assignment), "1\n2\n3\n/mnt/new/vol\n/home/user/run\n");
  EXPECT_EQ(scratch.read("out/deep"), "out\n");
}

TEST_F(ProcessEngineSandbox, FollowsNoLinkOutOfItsFiles) {
  scratch.write("secret", "secret");
  const std::string secret = (scratch / "secret").string();
  // The first executor lays traps; the second one's streams and the outputs go over them.
  Assignment assignment = shell("ln -s " + secret + " /work/out; ln -s " + secret +
                                " /data/log; mkfifo /data/pipe; ln -s /data/inside /work/fine");
  assignment.executors.push_back(
      shell("echo overwritten; echo inside > /data/inside").executors[0]);
  assignment.executors[1].stdout_path = "/data/log";
  assignment.executors[1].ignore_error = true;
  assignment.executors.push_back(shell("echo x").executors[0]);
  assignment.executors[2].stderr_path = "/data/pipe";
  assignment.executors[2].ignore_error = true;
  assignment.executors.push_back(shell("echo inside > /data/inside").executors[0]);
  assignment.outputs = {output("/work/fine", "fine")};
  EndReport report = run(assignment, attempt(1));
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_EQ(scratch.read("out/fine"), "inside\n");
  EXPECT_EQ(scratch.read("secret"), "secret");
  assignment.outputs = {output("/work/out", "stolen")};
  report = run(assignment, attempt(2));
  EXPECT_EQ(report.code, EndCode::stage_out_failed);
  EXPECT_FALSE(scratch.exists("out/stolen"));
  EXPECT_EQ(scratch.read("secret"), "secret");
}

TEST_F(ProcessEngineSandbox, MountsNothingOverALinkThatAnExecutorLeft) {
  scratch.write("victim/file", "untouched");
  // Every top-level name of the job is replaced as far as it lets itself be.
  Assignment assignment = shell("rmdir /bin /etc /usr; rm -rf /lib /run /etc 2>/dev/null; ln -s " +
                                (scratch / "victim").string() + " /run; ln -s / /data/root; true");
  assignment.volumes = {"/data"};
  assignment.executors.push_back(shell("test -x /bin/sh && echo sound").executors[0]);
  EXPECT_THAT(out_of(assignment), HasSubstr("sound"));
  EXPECT_EQ(scratch.read("victim/file"), "untouched");
}

TEST_F(ProcessEngineSandbox, ShowsWhatTheSiteBindsReadOnly) {
  options.read_only_binds = {"/etc/os-release"};
  open();
  EXPECT_THAT(out_of(shell("cat /etc/os-release; echo x > /etc/os-release || echo refused")),
              testing::AllOf(HasSubstr("NAME="), HasSubstr("refused")));
  // Not where a job has its own files: an executor could lead the mount elsewhere.
  engine.reset();
  options.read_only_binds = {scratch / "in"};
  const auto made = make_process_engine(io, options, [](EngineEvent) {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().field, "read_only_binds");
}

TEST_F(ProcessEngineSandbox, WithoutItAJobFindsItsFilesByTradewindRoot) {
  options.sandbox = SandboxMode::none;
  open();
  Assignment assignment = shell("cat \"$TRADEWIND_ROOT/data/in\" > out; pwd >&2");
  assignment.inputs = {content("/data/in", "hello\n")};
  assignment.outputs = {output("/work/out", "plain")};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  EXPECT_EQ(scratch.read("out/plain"), "hello\n");
  EXPECT_THAT(report.executors.at(0).stderr_tail, testing::EndsWith("/files/work\n"));
  Assignment own = command({"/work/run.sh"});
  own.inputs = {content("/work/run.sh", "#!/bin/sh\necho own\n", true)};
  EXPECT_EQ(out_of(own, 2), "own\n");
  const std::string mark = "62.7" + std::to_string(::getpid());
  engine->start(attempt(3), shell("sleep " + mark + " & sleep " + mark));
  ASSERT_TRUE(until([&] { return test::processes_with(mark) >= 3; }));
  engine->stop(attempt(3), EndCode::canceled);
  EXPECT_EQ(end_of(attempt(3)).code, EndCode::canceled);
  EXPECT_EQ(test::processes_with(mark), 0);
}

TEST_F(ProcessEngineSandbox, SaysWhatToDoWhereThereIsNone) {
  engine.reset();
  options.bubblewrap = "/no/such/bwrap";
  auto made = make_process_engine(io, options, [](EngineEvent) {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::unavailable);
  EXPECT_THAT(made.error().remedy, HasSubstr("sandbox = \"none\""));
  options.bubblewrap = "/bin/false";
  made = make_process_engine(io, options, [](EngineEvent) {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().remedy, HasSubstr("sandbox = \"none\""));
}

}  // namespace
}  // namespace tradewind
