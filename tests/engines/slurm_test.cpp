// What is Slurm's own: how it fails, and what the engine makes of that.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/engines/engine_under_test.h"
#include "tests/unit/engines/podman_store.h"

namespace tradewind {
namespace {

using test::Kind;
using test::PodmanStore;
using test::SlurmCluster;
using testing::HasSubstr;

class SlurmTest : public test::EngineUnderTest {
 protected:
  explicit SlurmTest(Kind kind) : EngineUnderTest(kind) {
    options.node.sandbox = SandboxMode::none;
    SlurmCluster::wants_accounting = true;
  }
  void SetUp() override {
    open();
    if (IsSkipped()) return;
    // The administrator's part: what a test before has left, and nodes that Slurm took out of
    // service for numbers that a slurmctld gave out again ("Duplicate jobid").
    SlurmCluster::run("scancel --user=" + SlurmCluster::user());
    resume_nodes();
    ASSERT_TRUE(until([] { return SlurmCluster::run("squeue -h") == ""; }));
  }
  static void resume_nodes() { SlurmCluster::run("scontrol update nodename=ALL state=resume"); }
  // Is killed with all that would tell of it on its node. `spend`: once Slurm has seen it take
  // 40 MB and more than a second of a processor; of what it samples of the processes that it does
  // not see end, its accounting keeps the whole seconds.
  void start_and_kill(const AttemptId& id, bool spend = true) {
    start(id, told(spend ? "x=$(head -c 40000000 /dev/zero | tr '\\0' x); ticks=0; "
                           "while [ $ticks -lt 150 ]; do"
                           " i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done;"
                           " ticks=$(cut -d' ' -f14 /proc/$$/stat);"
                           " done; echo spent; sleep 50"
                         : "echo spent; sleep 50"));
    ASSERT_TRUE(until([&] { return log(id) == "spent\n"; }));
    const std::string name =
        "--name tradewind-" + id.job.value + "." + std::to_string(id.number) + " ";
    const std::string step = SlurmCluster::run("squeue -h -o %A.batch " + name + "| tr -d '\\n'");
    ASSERT_TRUE(until([&] {
      if (!spend) return true;
      const std::string used = SlurmCluster::run("sstat -n -P -o AveCPU -j " + step);
      return used.starts_with("00:") && used >= "00:00:01";
    }));
    SlurmCluster::run("scancel --batch --signal=KILL " + name);
  }
  // Slurm accepts such a job with a number, and keeps it waiting for ever.
  void ends_what_no_nodes_will_ever_run(const AttemptId& id) {
    Assignment wide = told("true");
    wide.nodes = 5;
    EXPECT_EQ(run(id, wide).code, EndCode::engine_failed);
    EXPECT_EQ(SlurmCluster::run("squeue -h -t pending"), "");
    EXPECT_EQ(starts(), 0);
  }
  bool is_down() {
    const auto capacity = engine->capacity(PoolId{"pool"});
    const Status checked = engine->check(shell("true"));
    return capacity == EngineCapacity{} && !checked &&
           checked.error().code == ErrorCode::unavailable;
  }
};

// By slurmrestd and by Slurm's commands.
class SlurmEngineTest : public SlurmTest, public testing::WithParamInterface<Kind> {
 protected:
  SlurmEngineTest() : SlurmTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Ways, SlurmEngineTest, testing::Values(Kind::slurm, Kind::slurm_commands),
                         [](const auto& each) { return test::name_of(each.param); });

TEST_P(SlurmEngineTest, SellsWhatIsIdleInSlurmAndNotWhatOthersUse) {
  await_up();
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 32; }));
  EXPECT_EQ(engine->capacity(PoolId{"pool"})->nodes_free, 2U);
  const std::string other =
      SlurmCluster::run("sbatch --parsable -D / -o /dev/null -c 16 -t 7 --wrap='sleep 30'");
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->nodes_free == 1; }));
  EXPECT_EQ(engine->capacity(PoolId{"pool"})->units_free, 16U);
  const std::string more =
      SlurmCluster::run("sbatch --parsable -D / -o /dev/null -c 16 -t 7 --wrap='sleep 30'");
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 0; }));
  EXPECT_GT(engine->capacity(PoolId{"pool"})->wait_seconds, 300U);
  EXPECT_LE(engine->capacity(PoolId{"pool"})->wait_seconds, 420U);
  SlurmCluster::run("scancel " + other.substr(0, other.find('\n')) + " " + more);
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 32; }));
}

TEST_P(SlurmEngineTest, AsksForWholeUnitsOnTheTenantsAccountAndNamesTheAttempt) {
  close();
  // Where accounting is kept, Slurm puts jobs of an account that it does not know on another.
  SlurmCluster::run("sacctmgr -i add account physics");
  SlurmCluster::run("sacctmgr -i add user " + SlurmCluster::user() + " account=physics");
  options.accounts[TenantId{"tenant"}] = {"physics", ""};
  options.pools[0].pool.unit.accelerators = 1;
  options.pools[0].pool.node.accelerators = 2;
  open();
  Assignment assignment = shell("echo $CUDA_VISIBLE_DEVICES; sleep 30");
  assignment.units = 2;
  start(attempt(), assignment);
  ASSERT_TRUE(until([&] { return log(attempt()) == "0,1\n"; }));
  const std::string job = SlurmCluster::run("squeue -h -o '%a|%C|%m|%b|%k|%T'");
  EXPECT_THAT(job, HasSubstr("physics|2|512M|gres:gpu:2|tradewind/"));
  EXPECT_THAT(job, HasSubstr(attempt().job.value + ".1|RUNNING"));
  engine->stop(attempt(), EndCode::canceled);
  EXPECT_EQ(end_of(attempt()).code, EndCode::canceled);
}

TEST_P(SlurmEngineTest, AJobThatSlurmWillNeverTakeEndsAtOnceWithTheReason) {
  close();
  options.pools[0].partition = "nowhere";
  open();
  const EndReport unknown = run(attempt(1), told("true"));
  EXPECT_EQ(unknown.code, EndCode::engine_failed);
  EXPECT_THAT(unknown.detail, HasSubstr("Invalid partition name"));
  EXPECT_FALSE(unknown.started);
  close();
  options.pools[0].partition = "main";
  open();
  ends_what_no_nodes_will_ever_run(attempt(2));
}

TEST_P(SlurmEngineTest, AJobThatWaitsIsStoppedAtOnceAndNeverRuns) {
  await_up();
  const std::string other =
      SlurmCluster::run("sbatch --parsable -D / -o /dev/null -N 2 -c 16 -t 7 --wrap='sleep 60'");
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 0; }));
  start(attempt(), told("true"));
  ASSERT_TRUE(until([&] { return SlurmCluster::run("squeue -h -t pending -o %k") != ""; }));
  EXPECT_FALSE(is_running(attempt()));
  engine->stop(attempt(), EndCode::canceled);
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::canceled);
  EXPECT_EQ(report.usage.wall_seconds, 0U);
  ASSERT_TRUE(until([&] { return SlurmCluster::run("squeue -h -t pending") == ""; }));
  SlurmCluster::run("scancel " + other);
  EXPECT_EQ(run(attempt(2), shell("true")).code, EndCode::succeeded);
  EXPECT_EQ(starts(), 0);
}

TEST_P(SlurmEngineTest, WhatTheCentreCancelsIsPreempted) {
  start(attempt(), told("sleep 50"));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  SlurmCluster::run("scancel --name tradewind-" + attempt().job.value + ".1");
  EXPECT_EQ(end_of(attempt()).code, EndCode::preempted);
  EXPECT_EQ(ends(), 0);
}

TEST_P(SlurmEngineTest, JobsThatACrashOfSlurmctldHasLostRunOnce) {
  await_up();
  // All wait behind another's job when slurmctld dies, a moment after it has acknowledged them and
  // before it has saved that.
  SlurmCluster::run("sbatch -D / -o /dev/null -N 2 -c 16 -t 7 --wrap='sleep 60'");
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 0; }));
  for (std::uint32_t number = 1; number <= 5; ++number) {
    engine->start(attempt(number), told("true"));
  }
  ASSERT_TRUE(until([&] {
    const std::string waiting = SlurmCluster::run("squeue -h -t pending -o %k");
    return std::ranges::count(waiting, '\n') == 5;
  }));
  SlurmCluster::tell("kill", "slurmctld");
  SlurmCluster::tell("start", "slurmctld");
  ASSERT_TRUE(
      until([] { return SlurmCluster::run("scontrol ping").find(" is UP") != std::string::npos; }));
  SlurmCluster::run("scancel --name wrap");
  // The numbers of lost jobs are given out again, also where the one before still runs.
  ASSERT_TRUE(until([&] {
    resume_nodes();
    return reports.size() == 5;
  }));
  for (const auto& [id, report] : reports) {
    EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
    EXPECT_EQ(ended[id], 1);
  }
  EXPECT_EQ(starts(), 5);
  EXPECT_EQ(ends(), 5);
}

TEST_P(SlurmEngineTest, WhileSlurmIsAwayItTakesNothingAndRunningJobsEndAsIfNothingWere) {
  start(attempt(), told(held()));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  const std::string control = GetParam() == Kind::slurm ? "slurmrestd" : "slurmctld";
  SlurmCluster::tell("stop", control);
  ASSERT_TRUE(until([&] { return is_down(); }));
  let_go();
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
  // Granted just before: it waits for Slurm.
  engine->start(attempt(2), told("true"));
  SlurmCluster::tell("start", control);
  EXPECT_EQ(end_of(attempt(2)).code, EndCode::succeeded);
  EXPECT_FALSE(is_down());
  EXPECT_EQ(starts(), 2);
}

TEST_P(SlurmEngineTest, AJobWhoseNodeProgramIsKilledEndsInterruptedAndDoesNotRunAgain) {
  start(attempt(), told("sleep 50"));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  SlurmCluster::run("scancel --batch --signal=KILL --name tradewind-" + attempt().job.value + ".1");
  const EndReport report = end_of(attempt());
  EXPECT_NE(report.code, EndCode::succeeded);
  EXPECT_TRUE(report.started);
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(ends(), 0);
}

TEST_P(SlurmEngineTest, WhatAKilledJobUsedIsTakenFromSlurmsAccounting) {
  if (!SlurmCluster::no_accounting().empty()) GTEST_SKIP() << SlurmCluster::no_accounting();
  if (GetParam() != Kind::slurm_commands) GTEST_SKIP() << "the next test sees it by slurmrestd";
  start_and_kill(attempt());
  const EndReport report = end_of(attempt());
  EXPECT_NE(report.code, EndCode::succeeded);
  EXPECT_TRUE(report.started);
  EXPECT_GE(report.usage.cpu_milliseconds, 1'000U);
  EXPECT_LE(report.usage.cpu_milliseconds, 30'000U);
  EXPECT_GE(report.usage.memory_peak_mib, 38U);
  EXPECT_GE(report.usage.wall_seconds, 2U);
  EXPECT_THAT(report.system_log, testing::Contains(HasSubstr("accounting says")));
  // What the node itself has told counts as it is.
  const EndReport own = run(attempt(2), shell("true"));
  EXPECT_EQ(own.code, EndCode::succeeded);
  EXPECT_THAT(own.system_log, testing::Not(testing::Contains(HasSubstr("accounting"))));
}

TEST_P(SlurmEngineTest, AccountingThatIsAwayIsWaitedForAWhile) {
  if (!SlurmCluster::no_accounting().empty()) GTEST_SKIP() << SlurmCluster::no_accounting();
  close();
  options.accounting_time = std::chrono::seconds(GetParam() == Kind::slurm ? 100 : 3);
  open();
  if (GetParam() == Kind::slurm) {
    SlurmCluster::tell("stop", "slurmdbd");
    start_and_kill(attempt());
    ASSERT_TRUE(until([&] { return SlurmCluster::run("squeue -h -t running") == ""; }));
    EXPECT_EQ(reports.size(), 0U);
    SlurmCluster::tell("start", "slurmdbd");
    EXPECT_GE(end_of(attempt()).usage.cpu_milliseconds, 1'000U);
    return;
  }
  // It does not answer, and holds up nothing else.
  const std::string process =
      "$(cut -d' ' -f1 " + (SlurmCluster::folder() / "run/slurmdbd").string() + ")";
  SlurmCluster::run("kill -STOP " + process);
  start_and_kill(attempt(1), false);
  EXPECT_EQ(run(attempt(2), shell("true")).code, EndCode::succeeded);
  const EndReport report = end_of(attempt(1));
  SlurmCluster::run("kill -CONT " + process);
  EXPECT_NE(report.code, EndCode::succeeded);
  EXPECT_EQ(report.usage.cpu_milliseconds, 0U);
  EXPECT_THAT(report.system_log, testing::Contains(HasSubstr("has not told")));
}

TEST_P(SlurmEngineTest, WhereNoAccountingIsKeptNothingIsWaitedFor) {
  if (GetParam() != Kind::slurm_commands) GTEST_SKIP() << "slurmrestd has its accounting here";
  close();
  std::filesystem::create_directories(scratch / "bin");
  for (const char* each : {"sbatch", "squeue", "scontrol", "scancel"}) {
    std::filesystem::create_symlink(SlurmCluster::folder() / "bin" / each, scratch / "bin" / each);
  }
  options.access.commands = scratch / "bin";
  options.accounting_time = std::chrono::hours(1);
  open();
  start_and_kill(attempt(), false);
  EXPECT_NE(end_of(attempt()).code, EndCode::succeeded);
}

TEST_P(SlurmEngineTest, AnEndThatSlurmHasForgottenIsToldAfterARestart) {
  start(attempt(), told(held()));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  close();
  let_go();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (ends() == 0 && std::chrono::steady_clock::now() < deadline) ::usleep(50'000);
  ::usleep(500'000);
  open();
  ASSERT_EQ(engine->adopt({attempt()}).size(), 1U);
  EXPECT_EQ(end_of(attempt()).code, EndCode::succeeded);
}

TEST_P(SlurmEngineTest, ATokenThatIsReplacedIsTakenUp) {
  if (GetParam() != Kind::slurm) GTEST_SKIP() << "commands need no token";
  close();
  const std::filesystem::path file = scratch / "token";
  const auto write = [&file](const std::string& text) {
    std::ofstream(file, std::ios::trunc) << text << "\n";
    std::filesystem::permissions(file, std::filesystem::perms(0600));
  };
  write("eyJhbGciOiJIUzI1NiJ9.e30.bm9uZQ");
  options.access.token_file = file;
  open();
  ASSERT_TRUE(until([&] {
    const Status checked = engine->check(shell("true"));
    return !checked && checked.error().message.find("yet") == std::string::npos;
  }));
  EXPECT_TRUE(is_down());
  std::ifstream good(SlurmCluster::folder() / "token");
  std::string token;
  good >> token;
  write(token);
  await_up();
  EXPECT_EQ(run(attempt(), shell("true")).code, EndCode::succeeded);
}

TEST_P(SlurmEngineTest, DiscoversPoolsForASiteFile) {
  // A slurmctld that has just started does not know what its nodes are.
  Result<std::vector<SlurmNode>> nodes = fail(ErrorCode::unavailable, "", "");
  ASSERT_TRUE(until([&] {
    nodes = discover_slurm(options.access);
    return nodes && std::ranges::none_of(
                        *nodes, [](const SlurmNode& each) { return each.architecture.empty(); });
  }));
  ASSERT_TRUE(nodes) << describe(nodes.error());
  ASSERT_EQ(nodes->size(), 2U);
  EXPECT_EQ((*nodes)[0].cpus, 16U);
  EXPECT_EQ((*nodes)[0].architecture, "x86_64");
  EXPECT_EQ(gres_count((*nodes)[0].gres, "gpu"), 2U);
}

TEST_P(SlurmEngineTest, RunsExecutorsInTheirImageOnTheNode) {
  const PodmanStore& store = PodmanStore::get();
  if (!store.missing().empty()) GTEST_SKIP() << store.missing();
  close();
  options.node.containers = store.options();
  open();
  Assignment assignment = shell("test -e /etc/debian_version || echo in the image > /work/x");
  assignment.executors[0].image = "localhost/tools:1";
  assignment.executors.push_back(shell("cat $TRADEWIND_ROOT/work/x").executors[0]);
  const EndReport report = run(attempt(1), assignment);
  EXPECT_EQ(report.code, EndCode::succeeded) << report.detail;
  ASSERT_EQ(report.executors.size(), 2U);
  EXPECT_THAT(report.executors[0].image, HasSubstr("localhost/tools@sha256:"));
  EXPECT_EQ(report.executors[1].stdout_tail, "in the image\n");
  assignment.executors[0].command = {"sleep", "50"};
  start(attempt(2), assignment);
  ASSERT_TRUE(until([&] { return store.containers() != ""; }));
  engine->stop(attempt(2), EndCode::canceled);
  EXPECT_EQ(end_of(attempt(2)).code, EndCode::canceled);
  EXPECT_EQ(store.containers(), "");
}

// By each later version of slurmrestd's interface.
class SlurmVersionTest : public SlurmTest, public testing::WithParamInterface<int> {
 protected:
  SlurmVersionTest() : SlurmTest(Kind::slurm_later) {}
  void SetUp() override {
    if (SlurmCluster::missing().empty()) {
      options.access.url = SlurmCluster::later_url() + "/only-" + std::to_string(GetParam());
    }
    SlurmTest::SetUp();
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, SlurmVersionTest, testing::Values(39, 40, 41, 42));

TEST_P(SlurmVersionTest, AsksForWholeUnitsAndEndsAtOnceWhatIsRefused) {
  close();
  options.pools[0].pool.unit.accelerators = 1;
  options.pools[0].pool.node.accelerators = 2;
  open();
  Assignment assignment = shell("echo $CUDA_VISIBLE_DEVICES; sleep 30");
  assignment.units = 2;
  start(attempt(1), assignment);
  ASSERT_TRUE(until([&] { return log(attempt(1)) == "0,1\n"; }));
  EXPECT_THAT(SlurmCluster::run("squeue -h -o '%C|%m|%b|%k|%T'"),
              HasSubstr("2|512M|gres:gpu:2|tradewind/"));
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free < 32; }));
  engine->stop(attempt(1), EndCode::canceled);
  EXPECT_EQ(end_of(attempt(1)).code, EndCode::canceled);
  ends_what_no_nodes_will_ever_run(attempt(2));
}

TEST_P(SlurmVersionTest, WhatAKilledJobUsedIsTakenFromSlurmsAccounting) {
  if (GetParam() != 42) GTEST_SKIP() << "v0.0.39 has the shape of v0.0.38 here, others that of 42";
  if (!SlurmCluster::no_accounting().empty()) GTEST_SKIP() << SlurmCluster::no_accounting();
  start_and_kill(attempt());
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_GE(report.usage.cpu_milliseconds, 1'000U);
  EXPECT_GE(report.usage.memory_peak_mib, 38U);
}

}  // namespace
}  // namespace tradewind
