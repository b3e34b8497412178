// Executors that name an image, in real containers by a podman with a store of this test's own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "gateway/engines/attempt_directory.h"
#include "gateway/engines/containers.h"
#include "gateway/engines/sandbox.h"
#include "gateway/engines/tool_run.h"
#include "tests/unit/engines/engine_fixture.h"
#include "tests/unit/engines/podman_store.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using test::attempt;
using test::PodmanStore;
using testing::HasSubstr;

class ContainerTest : public test::EngineFixture {
 protected:
  void SetUp() override {
    if (!PodmanStore::get().missing().empty()) GTEST_SKIP() << PodmanStore::get().missing();
    options.containers = PodmanStore::get().options();
    open();
  }
  void TearDown() override {
    engine.reset();
    if (PodmanStore::get().missing().empty()) {
      EXPECT_EQ(PodmanStore::get().containers(), "");
    }
  }
  static Assignment in_image(const std::string& script,
                             const std::string& image = "localhost/tools:1") {
    Assignment assignment = shell(script);
    assignment.executors[0].image = image;
    return assignment;
  }
};

TEST_F(ContainerTest, RunsInTheImageWithItsFilesStreamsAndEnvironmentAndSaysWhichBytesRan) {
  scratch.write("in/data", "hello\n");
  Assignment assignment = in_image(
      "tr a-z A-Z < /data/in > /work/out; cat; echo \"$GREETING $(pwd) $(test -e /usr || echo "
      "none)\";"
      " echo noise >&2; test -e /etc/debian_version || exit 5");
  assignment.inputs = {content("/data/in", "hello\n"), content("/data/words", "from stdin\n")};
  assignment.outputs = {output("/work/out", "result")};
  assignment.executors[0].env["GREETING"] = "good  \"day\"";
  assignment.executors[0].stdin_path = "/data/words";
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::failed) << report.detail;  // it is not this machine's system
  ASSERT_EQ(report.executors.size(), 1U);
  EXPECT_EQ(report.executors[0].exit_code, 5);
  EXPECT_EQ(report.executors[0].stdout_tail, "from stdin\ngood  \"day\" /work none\n");
  EXPECT_EQ(report.executors[0].stderr_tail, "noise\n");
  EXPECT_EQ(log(attempt()), "from stdin\ngood  \"day\" /work none\n");
  EXPECT_THAT(report.executors[0].image,
              testing::MatchesRegex("localhost/tools@sha256:[0-9a-f]{64}"));
  assignment.executors[0].command[2] += "; exit 0";
  assignment.executors[0].ignore_error = true;
  EXPECT_EQ(run(assignment, attempt(2)).code, EndCode::succeeded);
  EXPECT_EQ(scratch.read("out/result"), "HELLO\n");
}

TEST_F(ContainerTest, ExecutorsWithAndWithoutAnImageShareTheirFiles) {
  Assignment assignment = in_image("echo one > /work/x");
  assignment.executors.push_back(assignment.executors[0]);
  assignment.executors[1].image.clear();
  assignment.executors[1].command = {"sh", "-c", "test -e /usr/bin/env && cat /work/x"};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  ASSERT_EQ(report.executors.size(), 2U);
  EXPECT_EQ(report.executors[1].stdout_tail, "one\n");
  EXPECT_EQ(report.executors[1].image, "");
}

TEST_F(ContainerTest, AnImageOfAnotherArchitectureIsRefusedBeforeItRuns) {
  const EndReport report = run(in_image("true", "localhost/tools:other"));
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_FALSE(report.started);
  EXPECT_THAT(report.detail, HasSubstr("executors[0].image"));
  EXPECT_THAT(report.detail, HasSubstr("and the pool is"));
}

TEST_F(ContainerTest, ImagesThatTheSiteDoesNotAllowOrHaveAreRefused) {
  const Status checked = engine->check(in_image("true", "quay.io/other/tools:1"));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().field, "executors[0].image");
  const EndReport report = run(in_image("true", "localhost/tools:missing"));
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_THAT(report.detail, HasSubstr("localhost/tools:missing cannot be had"));
}

TEST_F(ContainerTest, AProgramThatTheImageLacksIs127) {
  Assignment assignment = in_image("");
  assignment.executors[0].command = {"no-such-program"};
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::failed);
  EXPECT_EQ(report.executors.at(0).exit_code, 127);
}

TEST_F(ContainerTest, HasNoNetworkNoCapabilitiesAndItsLimits) {
  Assignment assignment = in_image(
      "ls /sys/class/net; grep -E 'CapEff|NoNewPrivs' /proc/self/status;"
      "dd if=/dev/zero of=/work/big bs=1M count=4 2>/dev/null; stat -c %s /work/big");
  assignment.resources.disk_mib = 2;
  assignment.resources.cpus = 1;
  const EndReport report = run(assignment);
  const std::string said = report.executors.at(0).stdout_tail;
  EXPECT_EQ(said, "lo\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n2097152\n");
  Assignment greedy = in_image("dd if=/dev/zero of=/dev/null bs=200M count=1");
  greedy.resources.memory_mib = 32;
  const EndReport killed = run(greedy, attempt(2));
  EXPECT_EQ(killed.executors.at(0).exit_code, 137);
  EXPECT_EQ(killed.code, EndCode::out_of_memory);
  EXPECT_FALSE(std::filesystem::exists("oom")) << "left where the gateway was started";
}

TEST_F(ContainerTest, StopsAndTimeLimitsEndTheWholeContainer) {
  const std::string mark = "31536" + std::to_string(::getpid());
  Assignment assignment = in_image("sleep " + mark + " & sleep " + mark);
  assignment.run_seconds_max = 3;
  EXPECT_EQ(run(assignment, attempt(1)).code, EndCode::time_limit);
  EXPECT_EQ(test::processes_with(mark), 0);
  assignment.run_seconds_max = 60;
  engine->start(attempt(2), assignment);
  ASSERT_TRUE(
      until([&] { return test::processes_with("sleep " + mark) > 0 || is_running(attempt(2)); }));
  engine->stop(attempt(2), EndCode::canceled);
  EXPECT_EQ(end_of(attempt(2)).code, EndCode::canceled);
  EXPECT_EQ(test::processes_with(mark), 0);
}

TEST_F(ContainerTest, AContainerEndsWithItsLeaseThoughTheGatewayStandsStill) {
  const std::string mark = "31537" + std::to_string(::getpid());
  engine->start(attempt(), in_image("exec sleep " + mark));
  ASSERT_TRUE(until([&] { return test::processes_with("sleep") > 0 && is_running(attempt()); }));
  ASSERT_TRUE(until([&] { return test::processes_with(mark) >= 2; }));  // the client and the job
  engine->set_lease(attempt(), system_now().mono + 100ms);
  EXPECT_TRUE(test::comes([&] { return test::processes_with(mark) == 0; }));
  EXPECT_EQ(end_of(attempt()).code, EndCode::lease_expired);
}

TEST_F(ContainerTest, AContainerDoesNotOutliveItsGateway) {
  const std::string mark = "31538" + std::to_string(::getpid());
  engine.reset();
  const pid_t gateway = ::fork();
  if (gateway == 0) {
    boost::asio::io_context loop;
    auto made = make_process_engine(loop, options, [](EngineEvent) {});
    if (!made) ::_exit(1);
    (*made)->start(attempt(), in_image("true > /work/here; exec sleep " + mark));
    loop.run();
    ::_exit(0);
  }
  const auto here =
      AttemptDirectory::of(options.attempts_directory, attempt())->files() / "work/here";
  EXPECT_TRUE(test::comes([&] { return std::filesystem::exists(here); }));
  ::kill(gateway, SIGKILL);
  ::waitpid(gateway, nullptr, 0);
  EXPECT_TRUE(test::comes([&] { return test::processes_with(mark) == 0; }));
  open();  // and the next one finds nothing of it
  EXPECT_EQ(PodmanStore::get().containers(), "");
}

TEST_F(ContainerTest, WhatADeadGatewayLeftBehindIsRemovedAtStart) {
  const auto containers = Containers::probe(options);
  ASSERT_TRUE(containers);
  engine.reset();
  const auto left = PodmanStore::get().podman(
      {"create", "--name=" + containers->name_of("jx.1"), "--network=none", "localhost/tools:1"});
  ASSERT_TRUE(left) << describe(left.error());
  open();
  EXPECT_EQ(PodmanStore::get().containers(), "");
}

TEST_F(ContainerTest, JobsWithAcceleratorsAndNoOthersAreGivenThePoolsDevices) {
  const std::string device = "/dev/tradewind-test-" + std::to_string(::getpid());
  if (::mknod(device.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "device nodes cannot be made here";
  }
  options.devices[PoolId{"pool"}] = {device};
  open();
  for (const bool image : {true, false}) {
    for (const bool accelerated : {true, false}) {
      Assignment assignment = in_image("echo x > " + device + " && test -c " + device);
      if (!image) assignment.executors[0].image.clear();
      assignment.resources.accelerators = accelerated ? 1 : 0;
      const EndReport report = run(assignment, attempt(image * 2U + accelerated + 1U));
      EXPECT_EQ(report.code == EndCode::succeeded, accelerated) << image << report.detail;
    }
  }
  ::unlink(device.c_str());
}

}  // namespace
}  // namespace tradewind
