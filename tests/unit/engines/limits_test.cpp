#include <gmock/gmock.h>

#include <fstream>

#include "gateway/engines/cgroup.h"
#include "tests/unit/engines/engine_fixture.h"

namespace tradewind {
namespace {

using test::attempt;
using test::Scratch;
using testing::HasSubstr;

// Takes about so many MiB of memory and holds them for a moment.
std::vector<std::string> eat(int mib) {
  return {"python3", "-c",
          "import time; held = bytearray(" + std::to_string(mib) + " << 20)\n" +
              "for at in range(0, len(held), 4096): held[at] = 1\ntime.sleep(1.2); print('ate')"};
}

class ProcessEngineLimits : public test::EngineFixture {};

TEST_F(ProcessEngineLimits, EndsAnAttemptThatTakesTooMuchMemory) {
  open();
  if (!engine) return;
  for (const auto& each : warnings) {
    if (each.find("memory") != std::string::npos) GTEST_SKIP() << each;
  }
  Assignment assignment = command(eat(200));
  assignment.resources.memory_mib = 64;
  const EndReport report = run(assignment, attempt(1));
  EXPECT_EQ(report.code, EndCode::out_of_memory);
  EXPECT_EQ(report.executors.at(0).exit_code, 137);
  EXPECT_THAT(report.detail, HasSubstr("64 MiB"));
  assignment.resources.memory_mib = 400;
  const EndReport enough = run(assignment, attempt(2));
  EXPECT_EQ(enough.code, EndCode::succeeded) << enough.detail;
  EXPECT_GE(enough.usage.memory_peak_mib, 200U);
  EXPECT_LT(enough.usage.memory_peak_mib, 400U);
  EXPECT_GT(enough.usage.cpu_milliseconds, 0U);
}

TEST_F(ProcessEngineLimits, IsAskedBeforeItTakesMoreThanItHolds) {
  options.attempts_max = 1;
  open();
  if (!engine) return;
  const Assignment assignment = command({"sleep", "50"});
  engine->start(attempt(1), assignment);
  const Status full = engine->check(assignment);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::exhausted);
  engine->stop(attempt(1), EndCode::canceled);
  EXPECT_EQ(end_of(attempt(1)).code, EndCode::canceled);
  EXPECT_TRUE(engine->check(assignment));
}

TEST_F(ProcessEngineLimits, FallsBackToRlimitsWithAWarning) {
  options.cgroups = CgroupUse::off;
  open();
  if (!engine) return;
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("no control groups"));
  Assignment assignment = command(eat(200));
  assignment.resources.memory_mib = 64;
  const EndReport report = run(assignment, attempt(1));
  EXPECT_EQ(report.code, EndCode::failed);
  EXPECT_THAT(report.executors.at(0).stderr_tail, HasSubstr("MemoryError"));
  assignment.resources.memory_mib = 0;
  const EndReport enough = run(assignment, attempt(2));
  EXPECT_EQ(enough.code, EndCode::succeeded);
  EXPECT_GE(enough.usage.memory_peak_mib, 200U);  // sampled
}

TEST_F(ProcessEngineLimits, BoundsAFileByTheDiskAskedFor) {
  open();
  if (!engine) return;
  Assignment assignment =
      shell("head -c 5000000 /dev/zero > big; ls -s big; test $? -eq 0 && exit 9");
  assignment.resources.disk_mib = 2;
  const EndReport report = run(assignment);
  EXPECT_EQ(report.code, EndCode::failed);
  EXPECT_THAT(report.executors.at(0).stdout_tail, HasSubstr("2048 big"));
}

// This machine has no such hierarchy with controllers: a made-up one shows what would be written.
TEST(Cgroups, UseVersionTwo) {
  const Scratch scratch;
  for (const char* each : {"fs/own/cgroup.controllers", "fs/cgroup.controllers"}) {
    scratch.write(each, "cpuset cpu io memory pids\n");
  }
  for (const char* each :
       {"fs/own/cgroup.subtree_control", "fs/own/group/cgroup.subtree_control",
        "fs/own/group/a/cgroup.procs", "fs/own/group/a/memory.max",
        "fs/own/group/a/memory.swap.max", "fs/own/group/a/cpu.max", "fs/own/group/a/pids.max"}) {
    scratch.write(each, "");
  }
  scratch.write("self", "0::/own\n");
  auto groups = Cgroups::open("group", scratch / "fs", scratch / "self");
  ASSERT_TRUE(groups) << describe(groups.error());
  EXPECT_TRUE(groups->unified());
  EXPECT_TRUE(groups->limits_memory() && groups->limits_cpus() && groups->limits_processes());
  EXPECT_EQ(scratch.read("fs/own/cgroup.subtree_control"), "+cpu +memory +pids");
  const auto group = groups->make("a", {.memory_bytes = 1 << 20, .cpus = 2, .processes_max = 100});
  ASSERT_TRUE(group) << describe(group.error());
  EXPECT_EQ(scratch.read("fs/own/group/a/memory.max"), "1048576");
  EXPECT_EQ(scratch.read("fs/own/group/a/memory.swap.max"), "0");
  EXPECT_EQ(scratch.read("fs/own/group/a/cpu.max"), "200000 100000");
  EXPECT_EQ(scratch.read("fs/own/group/a/pids.max"), "100");
  scratch.write("fs/own/group/a/cpu.stat", "usage_usec 12345678\nuser_usec 1\n");
  scratch.write("fs/own/group/a/memory.peak", "7340032\n");
  scratch.write("fs/own/group/a/memory.events", "low 0\noom 1\noom_kill 3\n");
  const CgroupUsage usage = group->usage();
  EXPECT_EQ(usage.cpu_milliseconds, 12345U);
  EXPECT_EQ(usage.memory_peak_bytes, 7340032U);
  EXPECT_EQ(usage.oom_kills, 3U);
}

TEST(Cgroups, SayWhyThereAreNone) {
  const Scratch scratch;
  scratch.write("self", "0::/own\n");
  const auto none = Cgroups::open("group", scratch / "fs", scratch / "self");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::unavailable);
  EXPECT_THAT(describe(none.error()), HasSubstr("no cgroup hierarchy"));
}

}  // namespace
}  // namespace tradewind
