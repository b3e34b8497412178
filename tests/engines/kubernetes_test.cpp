// What is Kubernetes' own, on a strict fake of its API: no cluster runs in these tests.
#include <gmock/gmock.h>

#include "gateway/engines/kubernetes_watch.h"
#include "tests/engines/fake_kubernetes.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using test::FakeKubernetes;
using test::Kind;
using testing::HasSubstr;
using testing::Not;

class KubernetesEngineTest : public test::EngineUnderTest {
 protected:
  KubernetesEngineTest() : EngineUnderTest(Kind::kubernetes) {}
  void SetUp() override { open(); }
  void TearDown() override {
    if (!FakeKubernetes::missing().empty()) return;
    EXPECT_THAT(FakeKubernetes::tell("state"), HasSubstr("\"complaints\": []"));
  }
  bool is_down() {
    const Status checked = engine->check(shell("true"));
    return engine->capacity(PoolId{"pool"}) == EngineCapacity{} && !checked &&
           checked.error().code == ErrorCode::unavailable;
  }
  bool all_gone() {
    return until([] {
      const std::string state = FakeKubernetes::tell("state");
      return state.find("\"jobs\": []") != std::string::npos &&
             state.find("\"secrets\": []") != std::string::npos;
    });
  }
};

TEST_F(KubernetesEngineTest, RunsExecutorsInOrderWithTheJobsOwnInputsAndLeavesNothingBehind) {
  Assignment assignment = shell("cat /data/in > /work/x; echo one");
  assignment.executors[0].image = "localhost/first:1";
  assignment.executors.push_back(assignment.executors[0]);
  assignment.executors[1].command = {"sh", "-c",
                                     "cat /work/x; /data/run; echo $GREETING '$(HOME)'; exit 3"};
  assignment.executors[1].env["GREETING"] = "good $(HOME) $$ day";
  Input input;
  input.path = "/data/in";
  input.content = "hello\n";
  Input program;
  program.path = "/data/run";
  program.content = "#!/bin/sh\necho brought\n";
  program.executable = true;
  assignment.inputs = {input, program};
  const EndReport report = run(attempt(), assignment);
  EXPECT_EQ(report.code, EndCode::failed) << report.detail;
  ASSERT_EQ(report.executors.size(), 2U);
  EXPECT_EQ(report.executors[0].stdout_tail, "one\n");
  EXPECT_EQ(report.executors[1].exit_code, 3);
  EXPECT_EQ(report.executors[1].stdout_tail, "hello\nbrought\ngood $(HOME) $$ day $(HOME)\n");
  EXPECT_THAT(report.executors[0].image,
              testing::MatchesRegex("localhost/first@sha256:[0-9a-f]{64}"));
  EXPECT_TRUE(all_gone());
}

TEST_F(KubernetesEngineTest, LaterExecutorsDoNotRunAfterAFailure) {
  Assignment assignment = shell("exit 4");
  assignment.executors.push_back(told("true").executors[0]);
  const EndReport report = run(attempt(), assignment);
  EXPECT_EQ(report.code, EndCode::failed);
  ASSERT_EQ(report.executors.size(), 1U);
  EXPECT_EQ(report.executors[0].exit_code, 4);
  EXPECT_EQ(starts(), 0);
}

TEST_F(KubernetesEngineTest, SellsWhatNodesHaveAndPodsDoNotAskFor) {
  await_up();
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 32; }));
  EXPECT_EQ(engine->capacity(PoolId{"pool"})->nodes_free, 2U);
  Assignment wide = shell("sleep 50");
  wide.units = 16;
  start(attempt(1), wide);
  start(attempt(2), wide);
  ASSERT_TRUE(until([&] { return is_running(attempt(1)) && is_running(attempt(2)); }));
  ASSERT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 0; }));
  EXPECT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->wait_seconds >= 30; }));
  // A third waits, and is stopped without ever running.
  start(attempt(3), told("true"));
  const auto later = system_now().mono + 1s;
  until([&] { return system_now().mono > later; });
  EXPECT_FALSE(is_running(attempt(3)));
  engine->stop(attempt(3), EndCode::canceled);
  const EndReport report = end_of(attempt(3));
  EXPECT_EQ(report.code, EndCode::canceled);
  EXPECT_EQ(report.usage.wall_seconds, 0U);
  for (const std::uint32_t each : {1U, 2U}) {
    engine->stop(attempt(each), EndCode::canceled);
    EXPECT_GE(end_of(attempt(each)).usage.wall_seconds, 1U);
  }
  EXPECT_EQ(starts(), 0);
  EXPECT_TRUE(until([&] { return engine->capacity(PoolId{"pool"})->units_free == 32; }));
}

TEST_F(KubernetesEngineTest, WhatTheClusterTakesAwayIsPreempted) {
  start(attempt(), told("sleep 50"));
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  FakeKubernetes::tell("evict");
  const EndReport report = end_of(attempt());
  EXPECT_EQ(report.code, EndCode::preempted) << report.detail;
  EXPECT_TRUE(all_gone());
  EXPECT_EQ(starts(), 1);
}

TEST_F(KubernetesEngineTest, AnImageThatCannotBeNamedOrIsNotAllowedIsRefused) {
  Assignment assignment = told("true");
  assignment.executors[0].image = "localhost/missing-for-good:1";
  const EndReport report = run(attempt(), assignment);
  EXPECT_EQ(report.code, EndCode::engine_failed);
  EXPECT_THAT(report.detail, HasSubstr("InvalidImageName"));
  assignment.executors[0].image = "quay.io/other/tools:1";
  EXPECT_EQ(engine->check(assignment).error().field, "executors[0].image");
  EXPECT_EQ(starts(), 0);
}

TEST_F(KubernetesEngineTest, WhileTheServerIsAwayNothingIsSoldAndWhatRunsEndsOnceAfterwards) {
  start(attempt(1), told(held()));
  ASSERT_TRUE(until([&] { return is_running(attempt(1)) && starts() == 1; }));
  FakeKubernetes::tell("down");
  ASSERT_TRUE(until([&] { return is_down(); }));
  let_go();
  engine->start(attempt(2), told("true"));          // granted a moment before
  ASSERT_TRUE(until([&] { return ends() == 1; }));  // unseen
  EXPECT_FALSE(reports.contains(attempt(1)));
  FakeKubernetes::tell("up");
  EXPECT_EQ(end_of(attempt(1)).code, EndCode::succeeded);
  EXPECT_EQ(end_of(attempt(2)).code, EndCode::succeeded);
  EXPECT_EQ(starts(), 2);
  EXPECT_EQ(ends(), 2);
}

TEST_F(KubernetesEngineTest, AWatchFromAVersionThatIsTooOldStartsAnew) {
  start(attempt(1), told("sleep 1"));
  FakeKubernetes::tell("down");
  ASSERT_TRUE(until([&] { return is_down(); }));
  FakeKubernetes::tell("compact");
  FakeKubernetes::tell("up");
  EXPECT_EQ(end_of(attempt(1)).code, EndCode::succeeded);
  FakeKubernetes::tell("compact");
  EXPECT_EQ(run(attempt(2), told("true")).code, EndCode::succeeded);
  EXPECT_EQ(ends(), 2);
}

TEST_F(KubernetesEngineTest, AWatchTellsOfJobsAndPodsFromFirstToLastAndWhetherTheServerAnswers) {
  KubernetesEngineOptions like = FakeKubernetes::options(options, scratch / "watch");
  like.job.gateway = "0000beef";
  KubernetesApi api(like.access, like.namespace_name);
  Warnings warnings({});
  int changes = 0;
  bool was_there = false;
  std::size_t nodes = 0;
  {
    KubernetesWatch watch(
        *io, api, like.job.gateway, 50ms, warnings,
        {.changed = [&](const std::string& name) { changes += name == "a.1" ? 1 : 0; },
         .gone = [&](const std::string&) { was_there |= watch.objects().pod("a.1") != nullptr; },
         .listed = [] {},
         .counted = [&](const KubernetesCluster* seen) { nodes = seen ? seen->nodes.size() : 0; }});
    EXPECT_EQ(watch.down()->code, ErrorCode::unavailable);
    ASSERT_TRUE(until([&] { return !watch.down() && nodes == 2; }));
    const std::string name = kubernetes_name(like.job.gateway, attempt());
    ASSERT_TRUE(api.create_job(
        kubernetes_job_document(name, "a.1", shell("sleep 50"), like.pools.front(), like.job, {})));
    ASSERT_TRUE(until([&] {
      const KubernetesPod* const pod = watch.objects().pod("a.1");
      return watch.objects().job("a.1") != nullptr && pod != nullptr && pod->phase == "Running";
    }));
    EXPECT_GE(changes, 2);
    EXPECT_FALSE(was_there);
    FakeKubernetes::tell("down");
    ASSERT_TRUE(until([&] { return watch.down() && nodes == 0; }));
    FakeKubernetes::tell("up");
    ASSERT_TRUE(until([&] { return !watch.down(); }));
    ASSERT_TRUE(api.delete_job(name));
    // Jobs and pods are told of by connections of their own.
    ASSERT_TRUE(until([&] {
      return watch.objects().job("a.1") == nullptr && watch.objects().pod("a.1") == nullptr;
    }));
    EXPECT_TRUE(was_there);
    api.stop();
  }
  EXPECT_TRUE(all_gone());
}

TEST_F(KubernetesEngineTest, AJobThatAskedToLiveNoLongerEndsWithoutItsGateway) {
  Assignment assignment = told("sleep 300");
  assignment.run_seconds_max = 600;
  engine->start(attempt(), assignment);
  engine->set_lease(attempt(), system_now().mono + 60s);
  ASSERT_TRUE(until([&] { return is_running(attempt()) && starts() == 1; }));
  engine->set_lease(attempt(), system_now().mono + 2s);
  const auto told_by = system_now().mono + 1s;
  until([&] { return system_now().mono > told_by; });
  close();
  ASSERT_TRUE(until(
      [] { return FakeKubernetes::tell("state").find("\"pods\": []") != std::string::npos; }));
  ended.clear();
  open();
  ASSERT_EQ(engine->adopt({attempt()}).size(), 1U);
  EXPECT_EQ(end_of(attempt()).code, EndCode::lease_expired);
  EXPECT_EQ(ends(), 0);
}

TEST_F(KubernetesEngineTest, ALogGrowsWhileTheJobRuns) {
  start(attempt(), shell("echo begun; sleep 50"));
  EXPECT_TRUE(until([&] { return log(attempt()) == "begun\n"; }));
  engine->stop(attempt(), EndCode::canceled);
  EXPECT_EQ(end_of(attempt()).code, EndCode::canceled);
  EXPECT_EQ(log(attempt()), "begun\n");
}

}  // namespace
}  // namespace tradewind
