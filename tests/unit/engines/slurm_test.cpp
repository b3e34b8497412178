// What is decided about Slurm without asking one.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "gateway/engines/queue_settling.h"
#include "gateway/engines/slurm_discovery.h"
#include "gateway/engines/slurm_job.h"
#include "gateway/engines/slurm_listing.h"
#include "gateway/engines/slurm_queue.h"
#include "gateway/engines/slurm_records.h"
#include "gateway/engines/slurm_token.h"
#include "state/identity/encoding.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

SlurmJob job(SlurmState state, std::int64_t submitted = 1, std::int64_t id = 1) {
  SlurmJob made;
  made.id = id;
  made.state = state;
  made.submitted = submitted;
  return made;
}

TEST(SlurmQueue, TellsWhyAJobThatLeftNoEndIsOver) {
  const auto end = [](const SlurmJob& over, bool begun) {
    const QueueJob made = queue_job(over, "j1.1");
    EXPECT_EQ(made.state, QueueState::over);
    return queue_end({.job = &made, .begun = begun}, {});
  };
  const auto code = [&](SlurmState state) { return end(job(state), true).code; };
  EXPECT_EQ(code(SlurmState::timed_out), EndCode::time_limit);
  EXPECT_EQ(code(SlurmState::out_of_memory), EndCode::out_of_memory);
  EXPECT_EQ(code(SlurmState::node_failed), EndCode::interrupted);
  EXPECT_EQ(code(SlurmState::preempted), EndCode::preempted);
  EXPECT_EQ(code(SlurmState::canceled), EndCode::preempted);
  EXPECT_EQ(code(SlurmState::failed), EndCode::engine_failed);
  SlurmJob failed = job(SlurmState::failed);
  failed.wait_status = 127 << 8;
  failed.start = 100;
  failed.end = 130;
  EXPECT_THAT(end(failed, false).detail, HasSubstr("127 before it began"));
  EXPECT_EQ(end(failed, false).usage.wall_seconds, 0U);
  EXPECT_EQ(end(failed, true).usage.wall_seconds, 30U);
}

TEST(SlurmWords, TellErrorsApartByNumberAlone) {
  EXPECT_EQ(parse_slurm_error(2017), SlurmError::no_such_job);
  for (const int never : {2000, 2014, 2045, 2050, 2066, 2072, 2127, 9001}) {
    EXPECT_EQ(parse_slurm_error(never), SlurmError::never) << never;
  }
  for (const int passing : {-1, 0, 1800, 2007, 2016, 2027, 2068, 2101, 5004}) {
    EXPECT_EQ(parse_slurm_error(passing), SlurmError::not_now) << passing;
  }
}

TEST(SlurmWords, ConcludeNothingFromAWordThatIsNotKnown) {
  EXPECT_EQ(parse_slurm_state("COMPLETING"), SlurmState::running);
  EXPECT_EQ(parse_slurm_state("SUSPENDED"), SlurmState::running);
  EXPECT_EQ(parse_slurm_state("SOMETHING_NEW"), SlurmState::running);
  EXPECT_EQ(parse_slurm_state("PENDING"), SlurmState::waiting);
  EXPECT_TRUE(is_over(parse_slurm_state("NODE_FAIL")));
}

TEST(SlurmRecords, LeavesOutWhatIsNotOfTheShape) {
  const auto parsed = boost::json::parse(R"({"jobs": [
    7, {"job_id": "x"}, {"job_id": -3},
    {"job_id": 18446744073709551615, "comment": 5, "job_state": ["RUNNING"], "start_time": {}},
    {"job_id": 4, "comment": "key", "job_state": "FAILED", "exit_code": 1792, "end_time": 9}]})");
  const auto jobs = read_slurm_jobs(parsed.as_object());
  ASSERT_TRUE(jobs);
  ASSERT_EQ(jobs->size(), 2U);
  EXPECT_EQ((*jobs)[0].key, "");
  EXPECT_EQ((*jobs)[1].key, "key");
  EXPECT_EQ((*jobs)[1].state, SlurmState::failed);
  EXPECT_EQ((*jobs)[1].wait_status, 1792);
  EXPECT_FALSE(read_slurm_jobs(boost::json::parse(R"({"jobs": 1})").as_object()));
  EXPECT_FALSE(read_slurm_nodes(boost::json::parse("{}").as_object()));
}

TEST(SlurmRecords, ReadTheShapesOfLaterVersions) {
  const auto read = [](const char* text) {
    return read_slurm_jobs(boost::json::parse(text).as_object()).value().front();
  };
  const SlurmJob over = read(R"({"jobs": [{"job_id": 4, "comment": "key",
    "job_state": ["FAILED", "LAUNCH_FAILED"], "state_reason": "NonZeroExitCode",
    "exit_code": {"status": ["ERROR"], "return_code": {"set": true, "infinite": false, "number": 7},
                  "signal": {"id": {"set": false, "infinite": false, "number": 0}, "name": ""}},
    "submit_time": {"set": true, "infinite": false, "number": 100},
    "start_time": {"set": false, "infinite": false, "number": 9},
    "end_time": {"set": true, "infinite": true, "number": 9}}]})");
  EXPECT_EQ(over.state, SlurmState::failed);
  EXPECT_EQ(over.wait_status, 7 << 8);
  EXPECT_EQ(over.submitted, 100);
  EXPECT_EQ(over.start, 0);
  EXPECT_EQ(over.end, 0);
  // v0.0.39: a text, and a wait status as a number.
  const SlurmJob earlier = read(R"({"jobs": [{"job_id": 4, "job_state": "FAILED", "end_time": 9,
    "exit_code": {"set": true, "infinite": false, "number": 1792}}]})");
  EXPECT_EQ(earlier.wait_status, 7 << 8);
  EXPECT_EQ(earlier.end, 9);
  // The outcome comes before the job is over.
  EXPECT_EQ(read(R"({"jobs": [{"job_id": 4, "job_state": ["CANCELLED", "COMPLETING"]}]})").state,
            SlurmState::running);
  EXPECT_EQ(read(R"({"jobs": [{"job_id": 4, "job_state": ["RUNNING", "CONFIGURING"]}]})").state,
            SlurmState::waiting);
  const auto parsed = boost::json::parse(R"({"nodes": [
    {"name": "a", "state": ["IDLE"], "active_features": ["zen4", "ib"], "cpus": 8, "alloc_cpus": 2},
    {"name": "b", "state": ["IDLE", "DRAIN"]}, {"name": "c", "state": []}]})");
  const auto nodes = read_slurm_nodes(parsed.as_object()).value();
  EXPECT_TRUE(nodes[0].in_service);
  EXPECT_EQ(nodes[0].features, (std::vector<std::string>{"zen4", "ib"}));
  EXPECT_EQ(nodes[0].cpus_idle, 6U);
  EXPECT_FALSE(nodes[1].in_service);
  EXPECT_FALSE(nodes[2].in_service);
}

TEST(SlurmWords, TellWhatCommandsSayApart) {
  EXPECT_EQ(parse_slurm_message("slurm_load_jobs error: Invalid job id specified"),
            SlurmError::no_such_job);
  EXPECT_EQ(parse_slurm_message("sbatch: error: Batch job submission failed: Job violates "
                                "accounting/QOS policy (job submit limit, the user's size)"),
            SlurmError::never);
  for (const char* passing :
       {"", "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
        "sbatch: error: Batch job submission failed: Unable to contact slurm controller",
        "sbatch: error: Batch job submission failed: Unable to create job record, try again"}) {
    EXPECT_EQ(parse_slurm_message(passing), SlurmError::not_now) << passing;
  }
}

TEST(SlurmListing, TakesOnlyLinesThatSqueueItselfBegan) {
  EXPECT_EQ(squeue_format("m1"), "m1|%A|%u|%P|%T|%V|%S|%e|%r|%k");
  const auto jobs = read_squeue(
      "m1|7|fed|main|RUNNING|100|110|N/A|None|tradewind/1/j1.1\n"
      "m1|8|eve|main|PENDING|101|N/A|N/A|(Req|Node)|tradewind/1/j1.2\n"
      "m1|9|eve|main|PENDING|101|900|N/A|Priority|a\n"
      "m2|10|fed|main|COMPLETED|1|2|3|None|tradewind/1/j1.1\n"
      "10|fed|main|COMPLETED|1|2|3|None|tradewind/1/j1.1\n"
      "m1|x|fed|main|RUNNING|100|110|N/A|None|key\n"
      "m1|11|fed|main|RUNNING|100|110\n"
      "m1|12|fed|main|FAILED|1|2|99999999999999999999|Non|Zero|(null)\n",
      "m1", "fed");
  ASSERT_EQ(jobs.size(), 4U);
  EXPECT_EQ(jobs[0].key, "tradewind/1/j1.1");
  EXPECT_EQ(jobs[0].state, SlurmState::running);
  EXPECT_EQ(jobs[0].submitted, 100);
  EXPECT_EQ(jobs[0].start, 110);
  EXPECT_EQ(jobs[0].end, 0);
  EXPECT_EQ(jobs[1].key, "") << "of another user";
  EXPECT_EQ(jobs[1].reason, "(Req|Node)");
  EXPECT_EQ(jobs[2].start, 900) << "others' jobs count for what the next one waits";
  EXPECT_EQ(jobs[3].key, "");
  EXPECT_EQ(jobs[3].reason, "Non|Zero");
}

TEST(SlurmListing, ReadsNodesAsScontrolShowsThem) {
  const auto nodes = read_scontrol_nodes(
      "NodeName=n1 Arch=x86_64 CoresPerSocket=1 CPUAlloc=3 CPUEfctv=16 CPUTot=16 CPULoad=0.1 "
      "AvailableFeatures=zen4,hbm ActiveFeatures=zen4,hbm Gres=gpu:a100:4 "
      "GresDrain=N/A GresUsed=gpu:a100:1(IDX:0) NodeAddr=n1 OS=Linux 6.1 #1 SMP "
      "RealMemory=16000 AllocMem=512 FreeMem=9 State=MIXED+PLANNED ThreadsPerCore=1 "
      "Partitions=main,gpu BootTime=x\n"
      "NodeName=n2 Arch=aarch64 CPUAlloc=0 CPUTot=8 ActiveFeatures=(null) Gres=(null) "
      "RealMemory=100 AllocMem=200 State=IDLE+DRAIN Partitions=main Reason=x CPUTot=9\n"
      "NodeName=n3 State=IDLE* CPUTot=8\n\nno node\n");
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].architecture, "x86_64");
  EXPECT_TRUE(nodes[0].in_service);
  EXPECT_EQ(nodes[0].cpus_idle, 13U);
  EXPECT_EQ(nodes[0].memory_idle_mib, 15'488U);
  EXPECT_EQ(gres_count(nodes[0].gres, "gpu:a100"), 4U);
  EXPECT_EQ(gres_count(nodes[0].gres_used, "gpu"), 1U);
  EXPECT_THAT(nodes[0].partitions, testing::ElementsAre("main", "gpu"));
  EXPECT_THAT(nodes[0].features, testing::ElementsAre("zen4", "hbm"));
  EXPECT_FALSE(nodes[1].in_service);
  EXPECT_EQ(nodes[1].cpus, 8U);
  EXPECT_EQ(nodes[1].memory_idle_mib, 0U);
  EXPECT_TRUE(nodes[1].features.empty());
  EXPECT_FALSE(nodes[2].in_service);
}

TEST(SlurmListing, KnowsWhichNodesServe) {
  for (const char* word : {"IDLE", "idle", "mixed", "ALLOCATED", "IDLE#"}) {
    EXPECT_TRUE(slurm_node_serves({word})) << word;
  }
  for (const char* word : {"DOWN", "UNKNOWN", "IDLE*", "IDLE~", "", "MIXED$"}) {
    EXPECT_FALSE(slurm_node_serves({word})) << word;
  }
  EXPECT_TRUE(slurm_node_serves({"IDLE", "COMPLETING"}));
  EXPECT_FALSE(slurm_node_serves({"IDLE", "NOT_RESPONDING"}));
  EXPECT_FALSE(slurm_node_serves({}));
}

TEST(SlurmRecords, CountsGenericResourcesOfAKind) {
  EXPECT_EQ(gres_count("gpu:4", "gpu"), 4U);
  EXPECT_EQ(gres_count("gpu:a100:3(S:0-1,2),gpu:t4:2,tmp:9", "gpu"), 5U);
  EXPECT_EQ(gres_count("gpu:a100:3(S:0-1),gpu:t4:2", "gpu:a100"), 3U);
  EXPECT_EQ(gres_count("gpu:a100:1(IDX:0,2)", "gpu"), 1U);
  EXPECT_EQ(gres_count("gpux:4,(((", "gpu"), 0U);
  EXPECT_EQ(gres_count("", "gpu"), 0U);
}

SlurmNode slurm_node(const std::string& name, std::uint64_t idle) {
  SlurmNode made;
  made.name = name;
  made.architecture = "x86_64";
  made.partitions = {"main"};
  made.in_service = true;
  made.cpus = 8;
  made.cpus_idle = idle;
  made.memory_mib = made.memory_idle_mib = 8'192;
  return made;
}

SlurmPool slurm_pool() {
  SlurmPool made;
  made.pool.id = PoolId{"pool"};
  made.pool.architecture = Architecture::amd64;
  made.pool.nodes = 2;
  made.pool.node = {8, 8'192, 0, 0};
  made.pool.unit = {2, 1'024, 0, 0};
  made.partition = "main";
  return made;
}

TEST(SlurmCapacity, IsWhatIsIdleOnNodesInServiceLessWhatSlurmHasNotStarted) {
  std::vector<SlurmNode> nodes{slurm_node("a", 8), slurm_node("b", 3), slurm_node("c", 8),
                               slurm_node("d", 8)};
  nodes[2].in_service = false;
  nodes[3].architecture = "aarch64";
  const EngineCapacity all = slurm_capacity(slurm_pool(), nodes, {}, 0, 1'000);
  EXPECT_EQ(all.units_free, 5U);
  EXPECT_EQ(all.units_free_node, 4U);
  EXPECT_EQ(all.nodes_free, 1U);
  EXPECT_EQ(all.wait_seconds, 0U);
  const EngineCapacity less = slurm_capacity(slurm_pool(), nodes, {}, 3, 1'000);
  EXPECT_EQ(less.units_free, 2U);
  EXPECT_EQ(less.nodes_free, 0U);
}

TEST(SlurmCapacity, WaitsAsLongAsSlurmExpectsOfTheLastThatWaits) {
  const std::vector<SlurmNode> full{slurm_node("a", 0)};
  SlurmJob first = job(SlurmState::running);
  first.partition = "main";
  first.end = 1'300;
  SlurmJob second = first;
  second.end = 1'100;
  SlurmJob other = first;
  other.partition = "other";
  other.end = 1'001;
  EXPECT_EQ(slurm_capacity(slurm_pool(), full, {first, second, other}, 0, 1'000).wait_seconds,
            100U);
  SlurmJob waits = job(SlurmState::waiting);
  waits.partition = "main";
  waits.start = 1'700;
  EXPECT_EQ(slurm_capacity(slurm_pool(), full, {first, second, waits}, 0, 1'000).wait_seconds,
            700U);
  EXPECT_EQ(slurm_capacity(slurm_pool(), full, {}, 0, 1'000).wait_seconds, 0U);
}

TEST(SlurmCapacity, PoolsAreDiscoveredByPartitionAndKindOfNode) {
  std::vector<SlurmNode> nodes{slurm_node("a", 8), slurm_node("b", 8), slurm_node("c", 8)};
  nodes[2].gres = "gpu:a100:4";
  nodes[2].features = {"zen4"};
  const std::string text = discovered_pools(nodes);
  EXPECT_THAT(text, HasSubstr("id = \"main\"\narchitecture = \"x86_64\"\nnodes = 2\n"
                              "node = { cpus = 8, memory_gib = 8.00 }"));
  EXPECT_THAT(text, HasSubstr("id = \"main-2\""));
  EXPECT_THAT(text, HasSubstr("accelerators = 4"));
  EXPECT_THAT(text, HasSubstr("# features of these nodes: zen4"));
}

SlurmRecord record(std::int64_t submitted, std::string key = "") {
  SlurmRecord made;
  made.job = job(SlurmState::node_failed, submitted, 7);
  made.job.key = std::move(key);
  made.job.start = submitted + 1;
  made.job.end = submitted + 9;
  made.name = "tradewind-j1.1";
  made.user = "fed";
  made.cpu_milliseconds = 1'500;
  made.memory_peak_bytes = (3 << 20) + 1;
  return made;
}

TEST(SlurmAccounting, TellsOfTheJobThatWasSeenAndNotOfItsNumber) {
  const auto told = [](const std::vector<SlurmRecord>& records, std::int64_t submitted) {
    QueueJob seen;
    seen.number = "7";
    seen.attempt = "j1.1";
    seen.submitted = submitted;
    return accounted_job(records, seen, "fed", "tradewind/1/j1.1");
  };
  const auto found = told({record(100), record(200), record(300)}, 200);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->start, 201);
  EXPECT_EQ(found->end, 209);
  EXPECT_EQ(found->usage, (QueueUsage{1'500, 4}));
  EXPECT_EQ(found->code, EndCode::interrupted);
  EXPECT_EQ(told({record(100), record(300), record(200)}, 0)->start, 301);
  EXPECT_FALSE(told({record(100)}, 200));
  EXPECT_FALSE(told({}, 0));
  SlurmRecord others = record(200);
  others.user = "eve";
  EXPECT_FALSE(told({others}, 200));
  others = record(200);
  others.name = "tradewind-j1.2";
  EXPECT_FALSE(told({others}, 200));
  EXPECT_FALSE(told({record(200, "tradewind/2/j1.1")}, 200)) << "of another gateway";
  EXPECT_TRUE(told({record(200, "tradewind/1/j1.1")}, 200));
  others = record(200);
  others.user = "";
  EXPECT_TRUE(told({others}, 200));
  others.name = "allocation";
  EXPECT_FALSE(told({others}, 200)) << "its name comes later";
  others = record(200);
  others.job.id = 8;
  EXPECT_FALSE(told({others}, 200));
}

TEST(SlurmAccounting, KnowsAnEndOnlyWithItsTime) {
  QueueJob seen;
  seen.number = "7";
  seen.attempt = "j1.1";
  SlurmRecord early = record(100);
  early.job.end = 0;
  EXPECT_FALSE(accounted_job({early}, seen, "fed", ""));
  early = record(100);
  early.job.state = SlurmState::running;
  EXPECT_FALSE(accounted_job({early}, seen, "fed", ""));
  // Slurm's list tells more of the reason; the times and what was used are accounting's.
  seen.state = QueueState::over;
  seen.code = EndCode::preempted;
  seen.words = "as listed";
  const auto told = accounted_job({record(100)}, seen, "fed", "");
  ASSERT_TRUE(told);
  const EndReport report = queue_end({.job = &*told, .begun = true}, {});
  EXPECT_EQ(report.code, EndCode::preempted);
  EXPECT_EQ(report.detail, "as listed");
  EXPECT_EQ(report.usage.wall_seconds, 8U);
  EXPECT_EQ(report.usage.cpu_milliseconds, 1'500U);
  EXPECT_EQ(report.usage.memory_peak_mib, 4U);
  EXPECT_EQ(report.system_log.size(), 1U);
  EXPECT_EQ(queue_end({.job = &*told}, {}).usage, Usage{});
}

TEST(SlurmListing, ReadsWhatSacctPrints) {
  const auto records = read_sacct(
      "7|fed|FAILED|100|110|116|0:9|00:03.093|||tradewind-j1.1\n"
      "7.batch||CANCELLED|110|110|116|0:9|00:03.093|170987520||batch\n"
      "7.extern||COMPLETED|110|110|116|0:0|00:00:00|4096||extern\n"
      "8.batch||CANCELLED|1|1|1|0:9|00:03.093|99999999999||batch\n"
      "7|fed|CANCELLED by 0|200|Unknown|Unknown|127:0|1-02:03:04||a/key|tradewind-j2.1\n"
      "9|fed|RUNNING|200|201|Unknown|0:0|99999999999999999999-x:y.z|-5|k|n\n"
      "x|fed|RUNNING|200|201|Unknown|0:0|00:00||k|n\n"
      "10|fed|RUNNING|200|201|Unknown|0:0|00:00||k|na|me\n"
      "11|fed|RUNNING\n");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].job.state, SlurmState::failed);
  EXPECT_EQ(records[0].name, "tradewind-j1.1");
  EXPECT_EQ(records[0].user, "fed");
  EXPECT_EQ(records[0].job.submitted, 100);
  EXPECT_EQ(records[0].job.end, 116);
  EXPECT_EQ(records[0].cpu_milliseconds, 3'093U);
  EXPECT_EQ(records[0].memory_peak_bytes, 170'987'520U);
  EXPECT_EQ(records[1].job.state, SlurmState::canceled);
  EXPECT_EQ(records[1].job.start, 0);
  EXPECT_EQ(records[1].job.key, "a/key");
  EXPECT_EQ(records[1].job.wait_status, 127 << 8);
  EXPECT_EQ(records[1].cpu_milliseconds, ((24 + 2) * 3'600 + 3 * 60 + 4) * 1'000U);
  EXPECT_EQ(records[2].cpu_milliseconds, 0U);
}

TEST(SlurmRecords, ReadsWhatAccountingAnswers) {
  const auto parsed = boost::json::parse(R"({"jobs": [{"job_id": 0}, 5,
    {"job_id": 7, "name": "tradewind-j1.1", "user": "fed", "comment": {"job": null},
     "state": {"current": "FAILED", "reason": "None"}, "exit_code": {"return_code": 3},
     "time": {"submission": 100, "start": 110, "end": 116, "total": {"seconds": 0}},
     "steps": [7, {},
       {"time": {"total": {"seconds": 3, "microseconds": 93561}},
        "tres": {"requested": {"max": [{"type": "cpu", "count": 3020},
                                       {"type": "mem", "count": 170987520}]}}},
       {"time": {"total": {"seconds": -3, "microseconds": 907000}},
        "tres": {"requested": {"max": [{"type": "mem", "count": 4096}, {"type": "mem"}]}}}]}]})");
  const auto records = read_slurm_records(parsed.as_object());
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 1U);
  const SlurmRecord& only = records->front();
  EXPECT_EQ(only.job.id, 7);
  EXPECT_EQ(only.job.key, "");
  EXPECT_EQ(only.job.state, SlurmState::failed);
  EXPECT_EQ(only.job.wait_status, 3 << 8);
  EXPECT_EQ(only.job.end, 116);
  EXPECT_EQ(only.cpu_milliseconds, 4'000U);
  EXPECT_EQ(only.memory_peak_bytes, 170'987'520U);
  EXPECT_FALSE(read_slurm_records(boost::json::parse("{}").as_object()));
}

TEST(SlurmJobDocument, SaysWhatSlurmWantsToHear) {
  Assignment assignment;
  assignment.nodes = 2;
  assignment.units = 3;
  SlurmPool gpus = slurm_pool();
  gpus.pool.unit.accelerators = 1;
  gpus.gres = "gpu:a100";
  gpus.features = "zen4";
  const SlurmSubmission submission = slurm_submission(
      {"key", "j1.1", "/shared/it's here", "run 'x'", 61}, assignment, gpus, {"physics", "night"});
  const auto document = boost::json::parse(slurm_document(submission, 38)).as_object();
  const auto& job = document.at("job").as_object();
  EXPECT_EQ(document.at("script"), "#!/bin/sh\nexec run 'x'\n");
  EXPECT_EQ(job.at("comment"), "key");
  EXPECT_EQ(job.at("time_limit"), 2);
  EXPECT_EQ(job.at("nodes"), 2);
  EXPECT_EQ(job.at("cpus_per_task"), 6);
  EXPECT_EQ(job.at("memory_per_node"), 3'072);
  EXPECT_EQ(job.at("gres"), "gpu:a100:3");
  EXPECT_EQ(job.at("constraints"), "zen4");
  EXPECT_EQ(job.at("account"), "physics");
  EXPECT_EQ(job.at("qos"), "night");
  EXPECT_EQ(job.at("no_requeue"), true);
  EXPECT_FALSE(job.at("environment").as_object().empty());
  const auto later = boost::json::parse(slurm_document(submission, 42)).as_object();
  EXPECT_EQ(later.at("job"), boost::json::parse(R"({
      "name": "tradewind-j1.1", "comment": "key", "partition": "main", "tasks": 2,
      "current_working_directory": "/shared/it's here", "cpus_per_task": 6, "nodes": "2",
      "standard_output": "/shared/it's here/job.out", "standard_error": "/shared/it's here/job.out",
      "environment": ["PATH=/usr/local/bin:/usr/bin:/bin"], "requeue": false,
      "memory_per_node": {"set": true, "number": 3072}, "time_limit": {"set": true, "number": 2},
      "tres_per_node": "gres/gpu:a100:3", "constraints": "zen4", "account": "physics",
      "qos": "night"})"));
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(SlurmSubmission, SaysTheSameToSbatch) {
  Assignment assignment;
  assignment.nodes = 2;
  assignment.units = 3;
  SlurmPool gpus = slurm_pool();
  gpus.pool.unit.accelerators = 1;
  gpus.features = "zen4";
  const auto options = sbatch_options(slurm_submission(
      {"key", "j1.1", "/shared/it's here", "run 'x'", 61}, assignment, gpus, {"physics", "night"}));
  EXPECT_THAT(options,
              testing::IsSupersetOf({"--parsable", "--no-requeue", "--comment=key",
                                     "--partition=main", "--chdir=/shared/it's here", "--nodes=2",
                                     "--ntasks=2", "--cpus-per-task=6", "--mem=3072M", "--time=2",
                                     "--gres=gpu:3", "--constraint=zen4", "--account=physics",
                                     "--qos=night", "--wrap=exec run 'x'"}));
}

TEST(SlurmKeys, KnowTheirOwnJobsOnly) {
  const SlurmKeys keys{"tradewind/1/"};
  EXPECT_EQ(keys.attempt_name(keys.of("j1.1")), "j1.1");
  EXPECT_EQ(keys.attempt_name("tradewind/2/j1.1"), "");
  EXPECT_EQ(keys.attempt_name(""), "");
}

TEST(SlurmToken, ExpiresWhenItSaysSo) {
  const auto token = [](const std::string& payload) {
    return "e30." + base64url_encode(payload) + ".c2ln";
  };
  EXPECT_EQ(token_expiry(token(R"({"exp": 1000, "sun": "x"})")), Wall::time_point(1000s));
  for (const std::string& none : {token("{}"), token(R"({"exp": "1"})"), token("]"),
                                  token(R"({"exp": -1})"), std::string("..."), std::string()}) {
    EXPECT_EQ(token_expiry(none), Wall::time_point::max()) << none;
  }
}

TEST(SlurmToken, ComesFromACommandThatIsAskedAgainBeforeItExpires) {
  const test::Scratch scratch;
  const std::string count = (scratch / "count").string();
  SlurmToken made("", "echo x >> " + count + "; echo SLURM_JWT=e30." +
                          base64url_encode(R"({"exp": 1000})") + ".sig");
  const Now now{Mono::time_point(1h), Wall::time_point(900s)};
  EXPECT_EQ(made.get(now).value(), "e30." + base64url_encode(R"({"exp": 1000})") + ".sig");
  EXPECT_TRUE(made.get(now));
  EXPECT_EQ(scratch.read("count"), "x\n");
  EXPECT_TRUE(made.get({now.mono + 1h, Wall::time_point(950s)}));
  EXPECT_EQ(scratch.read("count"), "x\nx\n");
  SlurmToken broken("", "exit 3");
  EXPECT_EQ(broken.get(now).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace tradewind
