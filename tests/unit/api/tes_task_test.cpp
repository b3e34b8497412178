// How a job looks as a task of GA4GH TES 1.1. docs/tes.md names the rule that each test holds.
#include <gtest/gtest.h>

#include "tests/unit/api/tes_fixture.h"

namespace tradewind::testing {
namespace {

TEST_F(TesTest, NoObjectHasAMemberThatTesDoesNotHave) {  // rules 1 and 2
  const JobId id = create(kTask);
  AttemptRecord refused = attempt(1, AttemptState::refused, "beta-1");
  place(id, JobState::succeeded, {refused, ended(2, "alpha-1", EndCode::succeeded, {0})});
  for (const char* view : {"MINIMAL", "BASIC", "FULL"}) task(id, view);
  const json::value page = parsed(get(std::string(kBase) + "?view=FULL", alice));
  EXPECT_EQ(page.as_object().size(), 1U) << "tasks, and a token only when there is a next page";
  expect_schema(page.at("tasks").as_array()[0]);
}

TEST_F(TesTest, TheTaskComesBackAsItWasGiven) {  // rules 2, 4, 5 and 7
  const JobId id = create(kTask);
  const json::value full = task(id, "FULL");
  EXPECT_EQ(at(full, "/name"), "t1");
  EXPECT_EQ(at(full, "/tags"), R"({"empty":"","team":"blue"})");
  EXPECT_EQ(at(full, "/inputs/0/type"), "FILE");
  EXPECT_EQ(at(full, "/inputs/1/content"), "inline");
  EXPECT_EQ(at(full, "/inputs/2/type"), "DIRECTORY");
  EXPECT_EQ(at(full, "/inputs/2/url"), "file:///plain/path");
  EXPECT_EQ(at(full, "/outputs/0/type"), "FILE");
  EXPECT_EQ(at(full, "/resources/cpu_cores"), "2");
  EXPECT_EQ(at(full, "/resources/ram_gb"), "1.5");
  EXPECT_EQ(at(full, "/resources/disk_gb"), "10");
  EXPECT_EQ(at(full, "/resources/zones/0"), "eu-west");
  EXPECT_EQ(at(full, "/executors/0/stdout"), "/out/stdout");
  EXPECT_EQ(at(full, "/volumes/0"), "/vol");
  const JobSpec spec = service.last_submission().spec;
  EXPECT_EQ(spec.resources, (Resources{2, 1536, 10'240, 0}));
  EXPECT_EQ(spec.inputs[1].content, "inline");
}

TEST_F(TesTest, BasicLeavesOutTextsButKeepsTheExecutorsPaths) {  // rule 4
  const JobId id = create(kTask);
  place(id, JobState::succeeded, {ended(1, "alpha-1", EndCode::succeeded, {0})});
  const json::value basic = task(id, "BASIC");
  EXPECT_EQ(at(basic, "/executors/0/stdout"), "/out/stdout");
  EXPECT_EQ(at(basic, "/executors/0/stderr"), "/out/stderr");
  EXPECT_EQ(at(basic, "/inputs/1/content"), "(absent)");
  EXPECT_EQ(at(basic, "/logs/0/logs/0/stdout"), "(absent)");
  EXPECT_EQ(at(basic, "/logs/0/logs/0/stderr"), "(absent)");
  EXPECT_EQ(at(basic, "/logs/0/system_logs"), "(absent)");
  EXPECT_EQ(at(basic, "/logs/0/logs/0/exit_code"), "0");
  const json::value full = task(id, "FULL");
  EXPECT_EQ(at(full, "/logs/0/logs/0/stdout"), "out\xEF\xBF\xBD") << "bytes that are no UTF-8";
  EXPECT_EQ(at(full, "/logs/0/logs/0/stderr"), "err");
}

TEST_F(TesTest, AnExecutorLogAppearsOnlyOnceTheExecutorHasEnded) {  // rule 3
  const JobId id = create();
  place(id, JobState::running, {attempt(1, AttemptState::running, "alpha-1")});
  const json::value running = task(id, "FULL");
  EXPECT_EQ(at(running, "/logs/0/logs"), "[]");
  EXPECT_EQ(at(running, "/logs/0/outputs"), "[]");
  EXPECT_EQ(at(running, "/logs/0/start_time"), "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(at(running, "/logs/0/end_time"), "(absent)");
}

TEST_F(TesTest, MinimalIsIdAndStateAndTheDefault) {  // rule 6
  const JobId id = create(kTask);
  const std::string expected = R"({"id":")" + id.value + R"(","state":"QUEUED"})" + "\n";
  EXPECT_EQ(get(std::string(kBase) + "/" + id.value, alice).body, expected);
  EXPECT_EQ(get(std::string(kBase) + "/" + id.value + "?view=MINIMAL", alice).body, expected);
  EXPECT_EQ(get(kBase, alice).body,
            R"({"tasks":[{"id":")" + id.value + R"(","state":"QUEUED"}]})" + "\n");
}

TEST_F(TesTest, StatesAreThoseThatEveryClientUnderstands) {  // rules 11, 12 and 14
  const JobId id = create();
  const std::pair<JobState, const char*> states[] = {
      {JobState::queued, "QUEUED"},        {JobState::dispatching, "INITIALIZING"},
      {JobState::staging, "INITIALIZING"}, {JobState::running, "RUNNING"},
      {JobState::finishing, "RUNNING"},    {JobState::succeeded, "COMPLETE"},
      {JobState::canceled, "CANCELED"},    {JobState::unroutable, "SYSTEM_ERROR"},
      {JobState::failed, "SYSTEM_ERROR"}};
  for (const auto& [state, expected] : states) {
    place(id, state, {});
    EXPECT_EQ(state_of(id), expected);
  }
  // A cancel that is on its way is not CANCELING, an attempt that was preempted not PREEMPTED.
  service.change(id, [](JobRecord& job) { job.cancel_requested = true; });
  place(id, JobState::running, {attempt(1, AttemptState::running, "alpha-1")});
  EXPECT_EQ(state_of(id), "RUNNING");
  AttemptRecord preempted = ended(1, "alpha-1", EndCode::preempted, {});
  place(id, JobState::queued, {preempted});
  EXPECT_EQ(state_of(id), "QUEUED");
  place(id, JobState::failed, {preempted});
  EXPECT_EQ(state_of(id), "SYSTEM_ERROR");
  EXPECT_NE(at(task(id, "FULL"), "/logs/0/system_logs").find("preempted"), std::string::npos);
}

TEST_F(TesTest, ANonZeroExitCodeIsAnExecutorErrorAndOtherEndsAreSystemErrors) {  // rule 11
  const JobId id = create();
  place(id, JobState::failed, {ended(1, "alpha-1", EndCode::failed, {3})});
  EXPECT_EQ(state_of(id), "EXECUTOR_ERROR");
  EXPECT_EQ(at(task(id, "FULL"), "/logs/0/logs/0/exit_code"), "3");
  place(id, JobState::failed, {ended(1, "alpha-1", EndCode::out_of_memory, {137})});
  EXPECT_EQ(state_of(id), "EXECUTOR_ERROR");
  for (const EndCode code : {EndCode::time_limit, EndCode::stage_in_failed,
                             EndCode::stage_out_failed, EndCode::engine_failed}) {
    place(id, JobState::failed, {ended(1, "alpha-1", code, {})});
    EXPECT_EQ(state_of(id), "SYSTEM_ERROR");
  }
}

TEST_F(TesTest, OnlyAttemptsWhoseExecutorsRanHaveALogEntry) {  // rule 13
  const JobId id = create();
  // Refused, lost before it ran, then run to the end: one entry, the moves are lines of it.
  AttemptRecord lost = attempt(2, AttemptState::lost, "beta-1");
  lost.detail = "no word from the site";
  place(id, JobState::succeeded,
        {attempt(1, AttemptState::refused, "gamma-1"), lost,
         ended(3, "alpha-1", EndCode::succeeded, {0})});
  json::value full = task(id, "FULL");
  ASSERT_EQ(full.at("logs").as_array().size(), 1U);
  EXPECT_EQ(at(full, "/logs/0/metadata/site"), "alpha-1");
  const std::string lines = at(full, "/logs/0/system_logs");
  for (const char* part : {"refused at gamma-1", "re-placed from beta-1: no word from the site",
                           "ended at alpha-1: succeeded", "a line of the engine"}) {
    EXPECT_NE(lines.find(part), std::string::npos) << part << " is not in " << lines;
  }
  // A rerun after an executor had ended: both have an entry, in order.
  place(id, JobState::succeeded,
        {ended(1, "beta-1", EndCode::interrupted, {0}),
         ended(2, "alpha-1", EndCode::succeeded, {0, 0})});
  full = task(id, "FULL");
  ASSERT_EQ(full.at("logs").as_array().size(), 2U);
  EXPECT_EQ(at(full, "/logs/0/metadata/site"), "beta-1");
  EXPECT_EQ(at(full, "/logs/1/metadata/site"), "alpha-1");
  // Nothing ran yet: no entry but for the lines.
  place(id, JobState::dispatching, {attempt(1, AttemptState::dispatching, "alpha-1")});
  EXPECT_EQ(at(task(id, "BASIC"), "/logs"), "(absent)");
  EXPECT_EQ(at(task(id, "FULL"), "/logs/0/logs"), "[]");
}

TEST_F(TesTest, MetadataTellsWhereAndForHowMuch) {  // rules 1 and 2
  const JobId id = create();
  AttemptRecord attempt = ended(1, "alpha-1", EndCode::succeeded, {0});
  attempt.decision.chosen->contract = ContractId{"c-7"};
  place(id, JobState::succeeded, {attempt});
  const json::value full = task(id, "FULL");
  EXPECT_EQ(at(full, "/logs/0/metadata/site"), "alpha-1");
  EXPECT_EQ(at(full, "/logs/0/metadata/contract_id"), "c-7");
  EXPECT_EQ(at(full, "/logs/0/metadata/region"), "eu-west");
  EXPECT_EQ(at(full, "/logs/0/metadata/architecture"), "amd64");
  EXPECT_EQ(at(full, "/logs/0/metadata/price"), "0.36");
  EXPECT_EQ(at(full, "/logs/0/metadata/currency"), "USD");
  EXPECT_EQ(at(full, "/logs/0/metadata/cost"), "0.0025");
  EXPECT_EQ(at(full, "/logs/0/metadata/placement_id"), id.value + "#1");
  EXPECT_EQ(at(full, "/logs/0/outputs/0/size_bytes"), "9007199254740993");
  EXPECT_EQ(at(full, "/logs/0/metadata/egress_bytes"), "0") << "a file: target lies at the site";
  attempt.report->outputs = {{"/a", "https://store/a", 5, ""}, {"/b", "file:///b", 6, ""}};
  place(id, JobState::succeeded, {attempt});
  EXPECT_EQ(at(task(id, "FULL"), "/logs/0/metadata/egress_bytes"), "5");
}

TEST_F(TesTest, WaitingAndUnroutableTasksSayWhyInTheSystemLogs) {  // rules 11 and 12
  const JobId id = create();
  service.set_waiting(id, sample_waiting());
  EXPECT_NE(at(task(id, "FULL"), "/logs/0/system_logs").find("waiting: nothing adequate is free"),
            std::string::npos);
  service.change(id, [](JobRecord& job) {
    job.state = JobState::unroutable;
    job.unplaced = sample_waiting();
    job.unplaced->outcome = Outcome::unroutable;
  });
  const std::string lines = at(task(id, "FULL"), "/logs/0/system_logs");
  EXPECT_NE(lines.find("nearest miss: gamma-1/gpu: wants 2 units"), std::string::npos) << lines;
}

TEST_F(TesTest, NativeJobsAreTasksAndTasksAreJobs) {
  const JobId native = submit(alice, R"({"name":"native","resources":{"cpus":4,"memory_gib":2},
    "variants":[{"name":"x86","executors":[{"command":["x86"]}]},
                {"name":"arm","architectures":["arm64"],"executors":[{"command":["arm"]}]}],
    "inputs":[{"path":"/a","replicas":[{"url":"file:///one"},{"url":"file:///two"}]}],
    "outputs":[{"path":"/kept"}]})");
  AttemptRecord on_arm = ended(1, "alpha-1", EndCode::succeeded, {0});
  on_arm.decision.chosen->variant = 1;
  on_arm.decision.chosen->replicas = {1};
  place(native, JobState::succeeded, {on_arm});
  const json::value as_task = task(native, "FULL");
  EXPECT_EQ(at(as_task, "/executors/0/command/0"), "arm");
  EXPECT_EQ(at(as_task, "/inputs/0/url"), "file:///two");
  EXPECT_EQ(at(as_task, "/resources/cpu_cores"), "4");
  EXPECT_EQ(at(as_task, "/resources/ram_gb"), "2");
  const JobId tes = create(kTask);
  const json::value as_job = parsed(get("/v1/jobs/" + tes.value, alice));
  EXPECT_EQ(at(as_job, "/spec/resources/memory_mib"), "1536");
  // What the API shows of a task's spec, the API takes again.
  EXPECT_EQ(post("/v1/quotes", alice, to_text(as_job.at("spec"))).status, 200);
}

}  // namespace
}  // namespace tradewind::testing
