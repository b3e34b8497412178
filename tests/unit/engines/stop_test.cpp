#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tests/unit/engines/engine_fixture.h"
#include "tests/unit/staging/http_server.h"

namespace tradewind {
namespace {

using std::chrono::steady_clock;
using test::attempt;
using test::processes_with;
using testing::HasSubstr;

class ProcessEngineStop : public test::EngineFixture {
 protected:
  void SetUp() override { open(); }
  // Unlike any other of this machine.
  std::string seconds() const { return "61." + std::to_string(::getpid()); }
};

TEST_F(ProcessEngineStop, KillsTheWholeTree) {
  engine->start(attempt(), shell("trap '' TERM; (setsid sh -c \"trap '' TERM; sleep " + seconds() +
                                 "; :\" &) ; sleep " + seconds() + "; :"));
  ASSERT_TRUE(until([&] { return processes_with("sleep") > 0 && processes_with(seconds()) >= 4; }));
  engine->stop(attempt(), EndCode::canceled);
  engine->stop(attempt(), EndCode::preempted);  // the first word counts
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::canceled);
  EXPECT_TRUE(report.started);
  EXPECT_TRUE(report.outputs.empty());
  EXPECT_EQ(processes_with(seconds()), 0);
}

TEST_F(ProcessEngineStop, LetsAJobEndByItselfWithinTheGrace) {
  options.stop_grace = std::chrono::seconds(20);
  open();
  engine->start(attempt(), shell("trap 'echo saved; exit 0' TERM; echo ready; "
                                 "while :; do sleep 0.05; done"));
  ASSERT_TRUE(until([&] { return log(attempt()) == "ready\n"; }));
  const auto started = steady_clock::now();
  engine->stop(attempt(), EndCode::lease_expired);
  EXPECT_EQ(end_of(attempt()).code, EndCode::lease_expired);
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds(10));
  EXPECT_EQ(log(attempt()), "ready\nsaved\n");
}

TEST_F(ProcessEngineStop, EndsAtTheTimeLimit) {
  Assignment assignment = shell("echo begun; sleep " + seconds());
  assignment.run_seconds_max = 1;
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::time_limit);
  EXPECT_THAT(report.detail, HasSubstr("1 s"));
  EXPECT_EQ(report.executors.at(0).stdout_tail, "begun\n");
  EXPECT_EQ(processes_with(seconds()), 0);
}

TEST_F(ProcessEngineStop, CutsStagingShort) {
  const test::HttpServer server([](const test::HttpRequest&) {
    return test::HttpReply{200, {}, std::string(100'000, 'x'), 50'000, true};
  });
  Assignment assignment = shell("true");
  Input input;
  input.path = "/data/x";
  input.replicas = {{.url = server.url("/x"), .site = {}, .region = {}}};
  assignment.inputs = {input};
  engine->start(attempt(), assignment);
  ASSERT_TRUE(until([&] { return !server.requests().empty(); }));
  engine->stop(attempt(), EndCode::canceled);
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::canceled);
  EXPECT_FALSE(report.started);
}

TEST_F(ProcessEngineStop, StopsBeforeAnythingBegan) {
  engine->start(attempt(), shell("echo never"));
  engine->stop(attempt(), EndCode::canceled);
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::canceled);
  EXPECT_FALSE(report.started);
  EXPECT_EQ(log(attempt()), "");
  engine->stop(attempt(), EndCode::canceled);   // ended
  engine->stop(attempt(7), EndCode::canceled);  // unknown
}

TEST_F(ProcessEngineStop, KillsWhatRunsWhenTheEngineGoes) {
  engine->start(attempt(), shell("sleep " + seconds() + " & sleep " + seconds()));
  ASSERT_TRUE(until([&] { return processes_with(seconds()) >= 3; }));
  engine.reset();
  EXPECT_TRUE(until([&] { return processes_with(seconds()) == 0; }));
}

// A gateway of its own that is killed without a chance to clean up.
TEST_F(ProcessEngineStop, LeavesNoProcessBehindWhenTheGatewayIsKilled) {
  engine.reset();
  options.attempts_directory = scratch / "other";
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Assignment assignment = shell("setsid sleep " + seconds() + " & sleep " + seconds());
  const pid_t gateway = ::fork();
  if (gateway == 0) {
    boost::asio::io_context loop;
    auto made = make_process_engine(loop, options, [](EngineEvent) {});
    if (!made) ::_exit(1);
    (*made)->start(attempt(), assignment);
    static_cast<void>(!::write(ends[1], "x", 1));
    loop.run();
    ::_exit(0);
  }
  ::close(ends[1]);
  char begun = 0;
  EXPECT_EQ(::read(ends[0], &begun, 1), 1);
  EXPECT_TRUE(until([&] { return processes_with(seconds()) >= 3; }));
  ::kill(gateway, SIGKILL);
  ::waitpid(gateway, nullptr, 0);
  ::close(ends[0]);
  EXPECT_TRUE(until([&] { return processes_with(seconds()) == 0; }));
  // The next gateway clears up and knows that the attempt is over.
  open();
  EXPECT_TRUE(engine->adopt({attempt()}).empty());
}

}  // namespace
}  // namespace tradewind
