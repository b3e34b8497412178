// The gateway stands still in these tests while nobody runs its loop.
#include "gateway/engines/lease_guard.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

#include "tests/unit/engines/engine_fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using test::attempt;
using test::comes;
using test::processes_with;
using testing::ElementsAre;

// A process that is there until it is killed, in a session of its own as an attempt's is.
pid_t make_sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    while (true) ::pause();
  }
  return pid;
}
bool has_ended(pid_t pid) {
  siginfo_t state{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &state, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         state.si_pid == pid;
}
void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

// The first; 0: none.
pid_t child_of(pid_t parent) {
  const std::string number = std::to_string(parent);
  pid_t child = 0;
  std::ifstream("/proc/" + number + "/task/" + number + "/children") >> child;
  return child;
}
bool is_stopped(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string number;
  std::string name;
  std::string state;
  file >> number >> name >> state;
  return state == "T";
}

class ProcessEngineLease : public test::EngineFixture {
 protected:
  // Unlike any other of this machine.
  static std::string seconds(int number = 1) {
    return "6" + std::to_string(number) + "." + std::to_string(::getpid()) + "7";
  }
  bool runs(int number = 1) { return processes_with("sleep " + seconds(number)) > 0; }
  static Assignment sleeper(int number = 1) {
    return shell("setsid sh -c 'sleep " + seconds(number) + "; :' & sleep " + seconds(number));
  }
  void ends_with_its_lease() {
    options.stop_grace = 0ms;
    open();
    if (!engine) return;
    engine->start(attempt(), shell("sleep " + seconds() + " & sleep " + seconds()));
    ASSERT_TRUE(until([&] { return processes_with(seconds()) >= 3; }));
    engine->set_lease(attempt(), system_now().mono);
    EXPECT_TRUE(comes([&] { return processes_with(seconds()) == 0; }));
    EXPECT_EQ(end_of(attempt()).code, EndCode::lease_expired);
  }
};

TEST_F(ProcessEngineLease, EndsWhatRunsInASandboxWhileTheGatewayStandsStill) {
  ends_with_its_lease();
}

TEST_F(ProcessEngineLease, EndsWhatRunsWithoutASandboxWhileTheGatewayStandsStill) {
  options.sandbox = SandboxMode::none;
  ends_with_its_lease();
}

TEST_F(ProcessEngineLease, EndsWhatRunsWithoutControlGroupsWhileTheGatewayStandsStill) {
  options.cgroups = CgroupUse::off;
  ends_with_its_lease();
}

TEST_F(ProcessEngineLease, EndsAProcessGroupWhileTheGatewayStandsStill) {
  options.sandbox = SandboxMode::none;
  options.cgroups = CgroupUse::off;
  ends_with_its_lease();
}

TEST_F(ProcessEngineLease, EndsWhatLeftItsSessionByTheControlGroup) {
  options.sandbox = SandboxMode::none;
  options.stop_grace = 0ms;
  open();
  if (!warnings.empty()) GTEST_SKIP() << warnings[0];
  engine->start(attempt(), sleeper());
  ASSERT_TRUE(until([&] { return processes_with(seconds()) >= 4; }));
  engine->set_lease(attempt(), system_now().mono);
  EXPECT_TRUE(comes([&] { return processes_with(seconds()) == 0; }));
  EXPECT_EQ(end_of(attempt()).code, EndCode::lease_expired);
}

TEST_F(ProcessEngineLease, LetsLiveWhatIsRenewedOrHasNoLease) {
  options.stop_grace = 0ms;
  open();
  if (!engine) return;
  for (std::uint32_t number = 1; number <= 3; ++number) {
    engine->start(attempt(number), shell("sleep " + seconds(static_cast<int>(number)) + "; :"));
  }
  ASSERT_TRUE(until([&] { return runs(1) && runs(2) && runs(3); }));
  engine->set_lease(attempt(1), system_now().mono);
  engine->set_lease(attempt(2), system_now().mono);
  engine->set_lease(attempt(1), system_now().mono + 60s);
  ASSERT_TRUE(comes([&] { return !runs(2); }));
  EXPECT_TRUE(runs(1));
  EXPECT_TRUE(runs(3));
  engine->set_lease(attempt(2), system_now().mono + 60s);  // revives nothing
  EXPECT_EQ(end_of(attempt(2)).code, EndCode::lease_expired);
  EXPECT_THAT(phases[attempt(1)], ElementsAre(AttemptPhase::staging, AttemptPhase::running));
}

TEST_F(ProcessEngineLease, StartsNothingWhenTheLeaseIsOver) {
  open();
  if (!engine) return;
  engine->start(attempt(), shell("echo begun"));
  engine->set_lease(attempt(), system_now().mono - 60s);
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::lease_expired);
  EXPECT_FALSE(report.started);
  EXPECT_EQ(log(attempt()), "");
}

TEST_F(ProcessEngineLease, IsNotSoldWithoutTheGuard) {
  options.sandbox = SandboxMode::none;
  open();
  ASSERT_TRUE(engine->check(shell("true")));
  const pid_t guard = child_of(::getpid());
  ASSERT_GT(guard, 0);
  siginfo_t state{};
  ::kill(guard, SIGKILL);
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(guard), &state, WEXITED | WNOWAIT), 0);
  const Status status = engine->check(shell("true"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unavailable);
}

// Without a sandbox only the control group tells what belongs to the attempt.
TEST_F(ProcessEngineLease, LeavesNothingInTheControlGroupOfAKilledGateway) {
  options.sandbox = SandboxMode::none;
  open();
  if (!warnings.empty()) GTEST_SKIP() << warnings[0];
  engine.reset();
  options.attempts_directory = scratch / "other";
  const Assignment assignment = sleeper();
  const pid_t gateway = ::fork();
  if (gateway == 0) {
    boost::asio::io_context loop;
    auto made = make_process_engine(loop, options, [](EngineEvent) {});
    if (!made) ::_exit(1);
    (*made)->start(attempt(), assignment);
    loop.run();
    ::_exit(0);
  }
  EXPECT_TRUE(comes([&] { return processes_with(seconds()) >= 4; }));
  end(gateway);
  EXPECT_TRUE(comes([&] { return processes_with(seconds()) == 0; }));
}

TEST(LeaseGuard, DoesNotSignalANumberThatIsNotInTheTableAnyMore) {
  auto guard = LeaseGuard::start(2);
  ASSERT_TRUE(guard) << describe(guard.error());
  const std::array sleepers{make_sleeper(), make_sleeper()};
  const auto reaped = (*guard)->watch("");
  const auto left = (*guard)->watch("");
  reaped->process().store(sleepers[0]);
  left->process().store(sleepers[1]);
  reaped->process().store(0);  // now the number may name another process
  reaped->end_at(system_now().mono);
  left->end_at(system_now().mono);
  EXPECT_TRUE(comes([&] { return has_ended(sleepers[1]); }));
  EXPECT_TRUE(reaped->over());
  EXPECT_FALSE(has_ended(sleepers[0]));
  for (const pid_t each : sleepers) end(each);
}

TEST(LeaseGuard, DoesNotSignalTheNumbersOfAGatewayThatHasEnded) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const pid_t sleeper = make_sleeper();
  const pid_t gateway = ::fork();
  if (gateway == 0) {
    auto guard = LeaseGuard::start(1);
    if (!guard) ::_exit(1);
    const auto watched = (*guard)->watch("");
    watched->process().store(sleeper);
    ::kill(::getpid(), SIGSTOP);
    watched->end_at(system_now().mono);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(gateway, &status, WUNTRACED), gateway);
  ASSERT_TRUE(WIFSTOPPED(status));
  const pid_t guard = child_of(gateway);
  ::kill(guard, SIGSTOP);
  ASSERT_TRUE(comes([&] { return is_stopped(guard); }));
  ::kill(gateway, SIGCONT);
  ASSERT_EQ(::waitpid(gateway, &status, 0), gateway);
  ASSERT_TRUE(WIFSIGNALED(status));
  ::kill(guard, SIGCONT);
  EXPECT_EQ(::waitpid(guard, &status, 0), guard);
  EXPECT_FALSE(has_ended(sleeper));
  end(sleeper);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace tradewind
