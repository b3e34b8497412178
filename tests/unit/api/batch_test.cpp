// Batches of jobs: POST /v1/jobs with NDJSON.
#include "broker/api/batch_slots.h"
#include "broker/api/ndjson.h"
#include "schemas/limits.h"
#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

// --- lines ---------------------------------------------------------------------------------------

std::vector<std::string> lines_of(std::string_view text, std::size_t piece, std::size_t max = 10) {
  NdjsonLines lines(max);
  std::vector<std::string> out;
  const auto take = [&] {
    while (const auto line = lines.next()) {
      out.push_back(std::to_string(line->number) + ":" +
                    (line->too_long ? "(too long)" : std::string(line->text)));
    }
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    lines.add(text.substr(0, piece));
    take();
  }
  lines.end();
  take();
  return out;
}

TEST(NdjsonLines, AreTheSameHoweverTheyCome) {
  const std::string text = "one\n\n \r\ntwo\r\n0123456789a\n0123456789\nlast";
  const std::vector<std::string> expected{"1:one", "4:two\r", "5:(too long)", "6:0123456789",
                                          "7:last"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(lines_of(text, piece), expected) << piece;
  }
}

TEST(NdjsonLines, TellOfALastLineThatIsTooLong) {
  for (const std::size_t piece : {1U, 5U, 100U}) {
    EXPECT_EQ(lines_of("a\n" + std::string(50, 'x'), piece),
              (std::vector<std::string>{"1:a", "2:(too long)"}));
    EXPECT_EQ(lines_of("\n\n", piece), std::vector<std::string>{});
  }
}

TEST(NdjsonLines, TakesTheContentTypeWithParameters) {
  EXPECT_TRUE(is_ndjson("application/x-ndjson"));
  EXPECT_TRUE(is_ndjson("Application/X-NDJSON ; charset=utf-8"));
  EXPECT_FALSE(is_ndjson("application/json"));
  EXPECT_FALSE(is_ndjson("application/x-ndjsonx"));
  EXPECT_FALSE(is_ndjson(""));
}

// --- the endpoint --------------------------------------------------------------------------------

class BatchTest : public EndpointTest {
 protected:
  RawResponse batch(std::string_view token, std::string_view body, std::string headers = {}) {
    return call("POST", "/v1/jobs", token, body,
                headers + "Content-Type: application/x-ndjson\r\n");
  }
  static std::vector<json::value> answers(const RawResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    std::vector<json::value> out;
    std::string_view rest = response.body;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      auto value = parse_json("answer", rest.substr(0, end));
      EXPECT_TRUE(value.has_value()) << rest.substr(0, end);
      if (!value) break;
      out.push_back(std::move(*value));
      rest.remove_prefix(end + 1);
    }
    return out;
  }
  std::string batch_head(std::size_t length) const {
    return "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + alice +
           "\r\nContent-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  }
  static constexpr std::string_view job = R"({"command":["true"]})";
};

TEST_F(BatchTest, AnswersEachLineInOrderAndNoneHarmsAnother) {
  const std::string body =
      std::string(job) + "\n" + R"({"command":[]})" + "\n\nno json\n" + std::string(job);
  const RawResponse response = batch(alice, body);
  EXPECT_EQ(response.headers.at("content-type"), "application/x-ndjson");
  const auto lines = answers(response);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(at(lines[0], "/line"), "1");
  EXPECT_TRUE(is_job_id(at(lines[0], "/id")));
  EXPECT_EQ(at(lines[1], "/line"), "2");
  EXPECT_EQ(at(lines[1], "/error/field"), "command");
  EXPECT_EQ(at(lines[1], "/error/status"), "400");
  EXPECT_EQ(at(lines[2], "/line"), "4");
  EXPECT_EQ(at(lines[2], "/error/field"), "body");
  EXPECT_EQ(at(lines[3], "/line"), "5");
  EXPECT_TRUE(is_job_id(at(lines[3], "/id")));
  EXPECT_EQ(service.submissions_count(), 2U);
  EXPECT_EQ(service.last_submission().tenant.value, "alpha");
}

TEST_F(BatchTest, GivesTheSameIdsWhenItIsSentAgainWithTheSameKey) {
  const std::string body = std::string(job) + "\n" + std::string(job) + "\n";
  const auto first = answers(batch(alice, body, "Idempotency-Key: k\r\n"));
  const auto again = answers(batch(alice, body, "Idempotency-Key: k\r\n"));
  ASSERT_EQ(again.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(at(again[i], "/id"), at(first[i], "/id"));
    EXPECT_EQ(at(first[i], "/repeated"), "(absent)");
    EXPECT_EQ(at(again[i], "/repeated"), "true");
  }
  EXPECT_EQ(service.jobs_count(), 2U);
  const auto other = answers(batch(alice, R"({"command":["false"]})", "Idempotency-Key: k\r\n"));
  EXPECT_EQ(at(other[0], "/error/code"), "conflict");
}

TEST_F(BatchTest, TakesLinesInGroups) {
  std::string body;
  for (int i = 0; i < 2'500; ++i) body += std::string(job) + "\n";
  EXPECT_EQ(answers(batch(alice, body)).size(), 2'500U);
  EXPECT_EQ(service.calls(),
            (std::vector<std::string>{"batch of 1000", "batch of 1000", "batch of 500"}));
}

TEST_F(BatchTest, ALineMayComeAfterAnEarlierOne) {
  std::string body = std::string(job) + "\n" + R"({"command":["true"],"after":["@1"]})" + "\n";
  for (int i = 2; i < 1'100; ++i) body += std::string(job) + "\n";
  body += R"({"command":["true"],"after":["@1","@1099"]})"
          "\n";
  body += R"({"command":["true"],"after":["@1102"]})"
          "\n";
  body += R"({"command":["true"],"after":["@1102"]})"
          "\n";
  body += R"({"command":["true"],"after":["@x"]})"
          "\n";
  const auto lines = answers(batch(alice, body, "Idempotency-Key: k\r\n"));
  ASSERT_EQ(lines.size(), 1'104U);
  const auto after = [&](std::size_t line) {
    return service.find(JobId{at(lines[line - 1], "/id")})->spec.after;
  };
  const JobId first{at(lines[0], "/id")};
  EXPECT_EQ(after(2), std::vector<JobId>{first});
  EXPECT_EQ(after(1'101), (std::vector<JobId>{first, JobId{at(lines[1'098], "/id")}}));
  EXPECT_EQ(at(lines[1'101], "/error/detail"), "@1102 is no earlier line");
  EXPECT_EQ(at(lines[1'102], "/error/detail"), "line 1102 was not taken itself");
  EXPECT_EQ(at(lines[1'103], "/error/field"), "after");
  for (const auto& each : answers(batch(alice, body, "Idempotency-Key: k\r\n"))) {
    EXPECT_TRUE(at(each, "/repeated") == "true" || at(each, "/error/field") == "after")
        << to_text(each);
  }
}

TEST_F(BatchTest, TellsEachLineThatTheBrokerIsFull) {
  service.refuse_with(Error{ErrorCode::exhausted, "", "full", "try again"});
  const auto lines = answers(batch(alice, std::string(job) + "\n" + std::string(job)));
  ASSERT_EQ(lines.size(), 2U);
  for (const auto& each : lines) EXPECT_EQ(at(each, "/error/status"), "429");
}

TEST_F(BatchTest, NamesTheLimitOfALineAndOfJobs) {
  const std::string long_line(limits::job_document_bytes_max + 1, ' ');
  const auto lines = answers(batch(alice, "{" + long_line + "}\n" +
                                              R"({"command":["true"],"array":{"count":99999}})" +
                                              "\n" + std::string(job) + "\n" + std::string(job)));
  ASSERT_EQ(lines.size(), 3U) << "what follows is not taken";
  EXPECT_EQ(at(lines[0], "/error/status"), "413");
  EXPECT_TRUE(is_job_id(at(lines[1], "/id")));
  EXPECT_EQ(at(lines[2], "/error/status"), "413");
}

TEST_F(BatchTest, NeedsARoleThatSubmitsBeforeItReads) {
  RawClient client(endpoint_->port());
  client.send(
      "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
      "Content-Length: 200000000\r\n\r\n{");
  EXPECT_EQ(client.read().status, 401);
  EXPECT_TRUE(client.sees_close());
  EXPECT_EQ(batch(auditor, job).status, 403);
  EXPECT_EQ(batch(alice, "\n\n").status, 400);
}

TEST_F(BatchTest, WhatWasTakenStaysWhenTheClientGoes) {
  {
    RawClient client(endpoint_->port());
    std::string piece;
    for (int i = 0; i < 1'000; ++i) piece += std::string(job) + "\n";
    piece.resize(piece.size() + 64 * 1024, ' ');
    client.send("POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + alice +
                "\r\nContent-Type: application/x-ndjson\r\nContent-Length: 200000000\r\n\r\n" +
                piece);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (service.jobs_count() < 1'000 && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  EXPECT_EQ(service.jobs_count(), 1'000U);
}

TEST_F(BatchTest, WhoHasTheAnswerMaySendTheNext) {
  std::vector<std::unique_ptr<RawClient>> others;
  for (std::size_t i = 1; i < BatchSlots::tenant_max; ++i) {
    others.push_back(std::make_unique<RawClient>(endpoint_->port()));
    others.back()->send(batch_head(1'000));
  }
  service.keep_replies(true);
  RawClient client(endpoint_->port());
  for (int i = 0; i < 2; ++i) {
    client.send(batch_head(job.size()) + std::string(job));
    EXPECT_EQ(answers(client.read()).size(), 1U);
  }
  service.keep_replies(false);
}

TEST_F(BatchTest, TakesAChunkedBodyAndGoesOnWithTheConnection) {
  RawClient client(endpoint_->port());
  const std::string head = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                           alice + "\r\nContent-Type: application/x-ndjson\r\n";
  client.send(head + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"command\"\r\n");
  client.send("b\r\n:[\"true\"]}\n\r\n0\r\n\r\n");
  EXPECT_EQ(answers(client.read()).size(), 1U);
  client.send(head + "Content-Length: 20\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send(job);
  EXPECT_EQ(answers(client.read()).size(), 1U);
}

// --- what a job comes after ----------------------------------------------------------------------

TEST_F(BatchTest, AJobTellsWhatItWaitsFor) {
  const JobId first = submit(alice, job);
  const JobId tasks = submit(alice, R"({"command":["true"],"array":{"count":3}})");
  const JobId last = submit(alice, R"({"command":["true"],"total_seconds_max":600,"after":[")" +
                                       first.value + R"(",")" + tasks.value + R"("]})");
  service.change(first, [](JobRecord& each) { each.state = JobState::running; });
  service.change(array_task_id(tasks, 1),
                 [](JobRecord& each) { each.state = JobState::succeeded; });
  json::value told = parsed(get("/v1/jobs/" + last.value, alice));
  EXPECT_EQ(at(told, "/waiting/summary"),
            "it waits for " + first.value + ", which is running, and 1 more");
  EXPECT_EQ(at(told, "/waits_for/1/succeeded"), "1");
  EXPECT_EQ(at(told, "/spec/after/0"), first.value);
  EXPECT_EQ(at(told, "/spec/total_seconds_max"), "600");
  service.change(first, [](JobRecord& each) { each.state = JobState::succeeded; });
  told = parsed(get("/v1/jobs/" + last.value + "/decision", alice));
  EXPECT_EQ(at(told, "/status"), "404");
  EXPECT_NE(at(told, "/detail").find("of which 1 of 3 tasks have succeeded"), std::string::npos);
}

TEST_F(BatchTest, RefusesWhatIsNoListOfJobs) {
  for (const std::string_view after : {R"(["@1"])", R"(["nothing"])", R"("j0000000000001")",
                                       R"(["j0000000000001","j0000000000001"])"}) {
    const RawResponse response =
        post("/v1/jobs", alice, R"({"command":["true"],"after":)" + std::string(after) + "}");
    EXPECT_EQ(response.status, 400) << after;
    EXPECT_EQ(at(parsed(response), "/field"), "after") << after;
  }
  EXPECT_EQ(post("/v1/quotes", alice, R"({"command":["true"],"after":["j0000000000001"]})").status,
            400);
}

}  // namespace
}  // namespace tradewind::testing
