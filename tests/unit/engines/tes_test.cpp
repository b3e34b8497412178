// What is decided about a TES server without asking one.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "gateway/engines/tes_client.h"
#include "gateway/engines/tes_document.h"
#include "gateway/engines/tes_reconcile.h"
#include "gateway/engines/tes_records.h"
#include "gateway/engines/tes_report.h"
#include "gateway/engines/tes_ticket.h"
#include "schemas/limits.h"
#include "tests/unit/staging/http_server.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto start = Mono::time_point(1000s);

TesStep step(const TesStanding& standing, bool keyed = false) {
  return next_step(standing, keyed, 30s);
}

TEST(TesReconcile, CreatesWhatNobodyHasHeardOf) {
  EXPECT_EQ(step({}), TesStep::create);
  EXPECT_EQ(step({.stopping = true}), TesStep::give_up);
  EXPECT_EQ(step({.calling = true}), TesStep::wait);
  EXPECT_EQ(step({.known = true, .heard = true}), TesStep::wait);
}

TEST(TesReconcile, LooksBeforeItCreatesAgain) {
  TesStanding standing{.heard = true, .unanswered = start};
  EXPECT_EQ(step(standing), TesStep::search);
  EXPECT_EQ(step(standing, true), TesStep::search);
  standing.absent = start + 29s;
  EXPECT_EQ(step(standing), TesStep::search) << "the create may still make a task";
  EXPECT_EQ(step(standing, true), TesStep::create) << "it can make no second one";
  standing.absent = start + 30s;
  EXPECT_EQ(step(standing), TesStep::create);
}

TEST(TesReconcile, AListAskedForBeforeTheCreateWasGivenUpProvesNothing) {
  const TesStanding standing{.heard = true, .unanswered = start, .absent = start - 1s};
  EXPECT_EQ(step(standing, true), TesStep::search);
}

TEST(TesReconcile, EndsAStoppedAttemptOnlyOnceNoTaskCanComeLate) {
  TesStanding standing{.heard = true, .unanswered = start, .absent = start + 1s, .stopping = true};
  EXPECT_EQ(step(standing, true), TesStep::search);
  standing.absent = start + 30s;
  EXPECT_EQ(step(standing, true), TesStep::give_up);
}

TEST(TesRecords, ReadsATaskWithItsNewestLog) {
  const auto task = read_tes_task(R"({
    "id": "t1", "state": "EXECUTOR_ERROR", "tags": {"tradewind_attempt": "x.j1.1", "n": 3},
    "logs": [{"logs": [{"exit_code": 9}], "outputs": []},
             {"start_time": "2026-01-01T00:00:00.5Z", "end_time": "2026-01-01T00:00:02+00:00",
              "system_logs": ["first", "line\nbroken"],
              "logs": [{"exit_code": 7, "stdout": "out", "stderr": "err", "start_time": ""}],
              "outputs": [{"url": "file:///o", "path": "/o", "size_bytes": "12"},
                          {"url": "file:///p", "path": "/p", "size_bytes": 13}]}]})");
  ASSERT_TRUE(task) << describe(task.error());
  EXPECT_EQ(task->state, TesState::executor_error);
  EXPECT_EQ(task->tags.at("tradewind_attempt"), "x.j1.1");
  ASSERT_TRUE(task->log);
  EXPECT_EQ(task->log->ended - task->log->started, 1500ms);
  ASSERT_EQ(task->log->executors.size(), 1U);
  EXPECT_EQ(task->log->executors[0].exit_code, 7);
  EXPECT_EQ(task->log->executors[0].started, Wall::time_point{});
  ASSERT_EQ(task->log->outputs.size(), 2U);
  EXPECT_EQ(task->log->outputs[0].size_bytes, 12U);
  EXPECT_EQ(task->log->outputs[1].size_bytes, 13U);
  EXPECT_THAT(task->log->system_log, ElementsAre("first", "line broken"));
}

TEST(TesRecords, ReadsPagesAsServersWriteThem) {
  const auto page =
      read_tes_page(R"({"tasks": [{"id": "a", "state": "QUEUED"}, {"state": "RUNNING"}, 7,
                       {"id": "b", "state": "NEW_IN_TES_2"}], "next_page_token": "b"})");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->tasks.size(), 2U) << "one without an id is none";
  EXPECT_EQ(page->tasks[1].state, TesState::unknown);
  EXPECT_EQ(page->next, "b");
  for (const char* empty : {"{}", R"({"tasks": null, "next_page_token": ""})"}) {
    const auto none = read_tes_page(empty);
    ASSERT_TRUE(none) << empty;
    EXPECT_TRUE(none->tasks.empty() && none->next.empty());
  }
}

TEST(TesRecords, RefusesWhatIsNoAnswerOfATesServer) {
  for (const char* text :
       {"", "[]", "<html>", R"({"id": ""})", R"({"id": 7})", R"({"id": "a\nb"})"}) {
    EXPECT_FALSE(read_tes_task(text)) << text;
    EXPECT_FALSE(read_tes_created(text)) << text;
  }
  EXPECT_FALSE(read_tes_page(R"({"tasks": 7})"));
  EXPECT_FALSE(read_tes_parameters(R"({"type": {"artifact": "wes"}})"));
  const auto known = read_tes_parameters(
      R"({"type": {"artifact": "tes"}, "tesResources_backend_parameters": ["VmSize", 7]})");
  ASSERT_TRUE(known);
  EXPECT_THAT(*known, ElementsAre("vmsize"));
}

test::HttpReply reply(std::string body, int status = 200) {
  test::HttpReply made;
  made.status = status;
  made.body = std::move(body);
  return made;
}

// Pages as a server gives them that looks at so many tasks for each.
test::HttpReply page_of(const test::HttpRequest& request) {
  const std::string& target = request.target;
  if (target.find("page_token=a") != std::string::npos) {
    return reply(R"({"tasks": [{"id": "t", "state": "RUNNING",
            "tags": {"tradewind_attempt": "x"}}], "next_page_token": "b"})");
  }
  if (target.find("page_token=b") != std::string::npos) {
    return reply(R"({"tasks": [{"id": "old", "state": "RUNNING"}]})");
  }
  return reply(R"({"tasks": [], "next_page_token": "a"})");
}

TEST(TesClient, AnEmptyPageIsNotTheEndOfAList) {
  test::HttpServer server(page_of);
  TesClient client({.url = server.url(""), .token_file = {}, .user = {}, .ca_file = {}});
  EXPECT_EQ(client.find("tradewind.x", tes_tag, "x").value_or("failed"), "t");
  EXPECT_EQ(client.find("tradewind.y", tes_tag, "y").value_or("failed"), "");
  const auto states = client.states("tradewind.", {"t"});
  ASSERT_TRUE(states);
  EXPECT_THAT(*states, ElementsAre(std::pair("t", TesState::running))) << "it read on for nothing";
}

TEST(TesClient, AListThatComesBackToWhereItWasProvesNothing) {
  test::HttpServer server([](const auto&) { return reply(R"({"next_page_token": "a"})"); });
  TesClient client({.url = server.url(""), .token_file = {}, .user = {}, .ca_file = {}});
  EXPECT_EQ(client.find("tradewind.x", tes_tag, "x").error().code, ErrorCode::unavailable);
}

TEST(TesClient, SaysWhoItIsFromAFileThatIsItsOwn) {
  const test::Scratch scratch;
  scratch.write("token", "secret\n");
  test::HttpServer server([](const auto&) { return reply("{}"); });
  const std::string file = (scratch / "token").string();
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  TesClient bearer({.url = server.url(""), .token_file = file, .user = {}, .ca_file = {}});
  EXPECT_EQ(bearer.parameters().error().field, "engine.tes.token_file") << "others can read it";
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  EXPECT_TRUE(bearer.states("x", {}));
  TesClient basic({.url = server.url(""), .token_file = file, .user = "name", .ca_file = {}});
  EXPECT_TRUE(basic.states("x", {}));
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[0].headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(server.requests()[1].headers.at("authorization"), "Basic bmFtZTpzZWNyZXQ=");
}

TEST(TesClient, TellsWhatBecameOfACreate) {
  int status = 200;
  std::string body = R"({"id": "t"})";
  test::HttpServer server([&](const auto&) { return reply(body, status); });
  TesClient client({.url = server.url(""), .token_file = {}, .user = {}, .ca_file = {}});
  EXPECT_EQ(client.create("{}").value_or("failed"), "t");
  const auto code = [&](int answered, const std::string& with) {
    status = answered;
    body = with;
    return client.create("{}").error().code;
  };
  EXPECT_EQ(code(200, "<html>"), ErrorCode::maybe_delivered);
  EXPECT_EQ(code(400, R"({"error": "no"})"), ErrorCode::refused);
  EXPECT_EQ(code(401, ""), ErrorCode::unavailable);
  EXPECT_EQ(code(404, ""), ErrorCode::unavailable) << "the address is wrong, not the job";
  EXPECT_EQ(code(429, ""), ErrorCode::unavailable);
  EXPECT_EQ(code(502, ""), ErrorCode::maybe_delivered) << "a proxy does not know either";
}

TesTask ended(TesState state, Wall::duration ran = 1500ms) {
  TesTask task;
  task.id = "t";
  task.state = state;
  task.log.emplace();
  task.log->started = Wall::time_point(100s);
  task.log->ended = task.log->started + ran;
  task.log->system_log = {"the last word"};
  return task;
}

TEST(TesReport, TellsHowATaskEnded) {
  const auto code = [](TesState state, std::optional<EndCode> stopped = {}) {
    return tes_end(ended(state), stopped, 60, Wall::time_point(200s)).code;
  };
  EXPECT_EQ(code(TesState::complete), EndCode::succeeded);
  EXPECT_EQ(code(TesState::complete, EndCode::canceled), EndCode::succeeded) << "it was faster";
  EXPECT_EQ(code(TesState::executor_error), EndCode::failed);
  EXPECT_EQ(code(TesState::system_error), EndCode::engine_failed);
  EXPECT_EQ(code(TesState::preempted), EndCode::preempted);
  EXPECT_EQ(code(TesState::canceled), EndCode::preempted) << "by the centre, not by us";
  EXPECT_EQ(code(TesState::canceled, EndCode::lease_expired), EndCode::lease_expired);
  EXPECT_EQ(tes_end(ended(TesState::system_error, 60s), {}, 60, {}).code, EndCode::time_limit);
  EXPECT_EQ(tes_end(ended(TesState::system_error), {}, 60, {}).detail, "the last word");
}

TEST(TesReport, ChargesWhatTheServerStatesAndNeverMoreThanTheLimit) {
  const EndReport report = tes_end(ended(TesState::complete), {}, 60, {});
  EXPECT_EQ(report.usage.wall_seconds, 2U);
  EXPECT_TRUE(report.started);
  EXPECT_EQ(tes_end(ended(TesState::complete, 9999s), {}, 60, {}).usage.wall_seconds, 60U);
  const EndReport back = tes_end(ended(TesState::complete, -10s), {}, 60, {});
  EXPECT_EQ(back.usage.wall_seconds, 1U);
  EXPECT_LE(back.usage.started, back.usage.ended);
  TesTask unstarted = ended(TesState::canceled);
  unstarted.log.reset();
  EXPECT_EQ(tes_end(unstarted, EndCode::canceled, 60, {}).usage.wall_seconds, 0U);
  EXPECT_FALSE(tes_end(unstarted, EndCode::canceled, 60, {}).started);
}

TEST(TesReport, ALogKeepsWhatWasReadAndGoesOnWhereTheServerAllowsIt) {
  EXPECT_EQ(shown_before("", "all"), 0U);
  EXPECT_EQ(shown_before("one\n", "one\ntwo\n"), 4U);
  EXPECT_EQ(shown_before("one\ntwo\n", "one\n"), 4U) << "a head adds nothing";
  EXPECT_EQ(shown_before("one\ntwo\n", "two\nthree\n"), 4U) << "a tail goes on";
  EXPECT_EQ(shown_before("aab", "abab"), 2U);
  EXPECT_EQ(shown_before("xaa", "aab"), 2U);
  EXPECT_EQ(shown_before("one\n", "seven\n"), 0U) << "what lies between was never shown";
  EXPECT_EQ(shown_before("one\n", ""), 0U);
}

Assignment assignment() {
  Assignment made;
  made.tenant = TenantId{"tenant"};
  made.job_name = "a job";
  made.pool = PoolId{"pool"};
  made.units = 1;
  made.run_seconds_max = 60;
  made.resources = Resources{2, 1536, 0, 1};
  made.network = true;
  made.env = {{"A", "outer"}, {"B", "outer"}};
  made.executors.resize(1);
  made.executors[0].command = {"true"};
  made.executors[0].env = {{"B", "own"}};
  made.inputs.resize(2);
  made.inputs[0].path = "/in";
  made.inputs[0].content = "x";
  made.inputs[1].path = "/data";
  made.inputs[1].replicas = {{.url = "https://host/data", .site = {}, .region = {}}};
  made.outputs.resize(1);
  made.outputs[0].path = "/out/result";
  return made;
}

TesPool pool() {
  TesPool made;
  made.pool.id = PoolId{"pool"};
  made.pool.architecture = Architecture::arm64;
  made.pool.accelerator.family = "cuda";
  made.zones = {"site:a"};
  made.backend_parameters = {{"gpu", "1"}};
  return made;
}

const TesForm form{"debian:12", "https://store/kept"};

TEST(TesDocument, SaysInTesWhatAnAttemptIs) {
  const auto task =
      boost::json::parse(tes_document("own.j1.1", assignment(), pool(), form, {})).as_object();
  EXPECT_EQ(task.at("name"), "tradewind.own.j1.1");
  EXPECT_EQ(task.at("tags").at(tes_tag), "own.j1.1");
  EXPECT_EQ(task.at("description"), "a job");
  EXPECT_EQ(task.at("resources").at("cpu_cores"), 2);
  EXPECT_EQ(task.at("resources").at("ram_gb"), 1.5);
  EXPECT_EQ(task.at("resources").at("zones").at(0), "site:a");
  EXPECT_EQ(task.at("resources").at("backend_parameters"), (boost::json::object{{"gpu", "1"}}))
      << "what this server does not know is not sent";
  EXPECT_EQ(task.at("executors").at(0).at("image"), "debian:12");
  EXPECT_EQ(task.at("executors").at(0).at("env"),
            (boost::json::object{{"A", "outer"}, {"B", "own"}}));
  EXPECT_EQ(task.at("inputs").at(0).at("content"), "x");
  EXPECT_EQ(task.at("inputs").at(1).at("url"), "https://host/data");
  EXPECT_EQ(task.at("outputs").at(0).at("url"), "https://store/kept/own.j1.1/out/result");
}

TEST(TesDocument, SaysMoreToAServerThatKnowsMore) {
  const std::string text =
      tes_document("own.j1.1", assignment(), pool(), form,
                   {"idempotency_key", "max_runtime_s", "network", "architecture", "accelerator"});
  EXPECT_EQ(boost::json::parse(text).at("resources").at("backend_parameters"),
            (boost::json::object{{"accelerator", "cuda:1"},
                                 {"architecture", "arm64"},
                                 {"gpu", "1"},
                                 {"idempotency_key", "own.j1.1"},
                                 {"max_runtime_s", "60"},
                                 {"network", "true"}}));
}

TEST(TesDocument, RefusesWhatTesCannotSay) {
  const auto field = [](const auto& change, const TesForm& as = form) {
    Assignment made = assignment();
    change(made);
    const Status checked = check_tes(made, as);
    return checked ? std::string("fine") : checked.error().field;
  };
  EXPECT_EQ(field([](Assignment&) {}), "fine");
  EXPECT_EQ(field([](Assignment& each) { each.nodes = 2; }), "nodes");
  EXPECT_EQ(field([](Assignment& each) { each.inputs[0].executable = true; }),
            "inputs[0].executable");
  EXPECT_EQ(field([](Assignment& each) { each.inputs[0].content = "\xff"; }), "inputs[0].content");
  EXPECT_EQ(field([](Assignment& each) { each.executors[0].command.clear(); }),
            "executors[0].command");
  EXPECT_EQ(field([](Assignment&) {}, {"", "https://store"}), "executors[0].image");
  EXPECT_EQ(field([](Assignment&) {}, {"debian:12", ""}), "outputs[0].url");
}

TEST(TesTicket, SurvivesARestart) {
  const test::Scratch scratch;
  std::filesystem::create_directories(scratch / "jakzm000000006.2/state");
  const AttemptId attempt{JobId{"jakzm000000006"}, 2};
  EXPECT_EQ(read_tes_ticket(scratch.path(), "jakzm000000006.2").error().code, ErrorCode::not_found);
  ASSERT_TRUE(write_tes_ticket(scratch.path(), "jakzm000000006.2", attempt, assignment()));
  auto ticket = read_tes_ticket(scratch.path(), "jakzm000000006.2");
  ASSERT_TRUE(ticket) << describe(ticket.error());
  EXPECT_EQ(ticket->attempt, attempt);
  EXPECT_EQ(ticket->assignment, assignment());
  EXPECT_EQ(ticket->task, "");
  EXPECT_FALSE(ticket->stopped);
  ASSERT_TRUE(write_tes_task(scratch.path(), "jakzm000000006.2", "remote\nid", EndCode::canceled));
  ticket = read_tes_ticket(scratch.path(), "jakzm000000006.2");
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->task, "remote\nid");
  EXPECT_EQ(ticket->stopped, EndCode::canceled);
  scratch.write("jakzm000000006.2/state/task", "99\nx");
  EXPECT_EQ(read_tes_ticket(scratch.path(), "jakzm000000006.2").error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace tradewind
