// Jobs by the native API over real sockets, in front of a broker in memory; and what holds for all
// of its routes.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include <thread>

#include "tests/unit/api/native_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::milliseconds;

constexpr const char* kTaggedJob = R"({"name":"n1","command":["true"],"tags":{"team":"blue"}})";

TEST_F(NativeApiTest, SubmitAnswersTheIdAndWhereTheJobIs) {
  const RawResponse response = post("/v1/jobs", alice, kTaggedJob);
  EXPECT_EQ(response.status, 201);
  const std::string id = at(parsed(response), "/id");
  EXPECT_EQ(response.headers.at("location"), "/v1/jobs/" + id);
  const std::string index = std::to_string(submitted_at(JobId{id}).value - 1);
  EXPECT_EQ(at(parsed(response), "/log_index"), index);
  EXPECT_EQ(at(parsed(get("/v1/jobs/" + id, alice)), "/log_index"), index);
  EXPECT_EQ(service.last_submission().tenant.value, "alpha");
  EXPECT_EQ(service.last_submission().principal, "alice");
  EXPECT_EQ(service.last_submission().spec.name, "n1");
}

TEST_F(NativeApiTest, AnIdempotencyKeyGivesTheFirstJobAndRefusesAnother) {
  const auto again = [&](const char* document) {
    return call("POST", "/v1/jobs", alice, document, "Idempotency-Key: key-1\r\n");
  };
  const RawResponse first = again(kTaggedJob);
  const RawResponse second = again(kTaggedJob);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(at(parsed(first), "/id"), at(parsed(second), "/id"));
  EXPECT_EQ(at(parsed(second), "/replayed"), "true");
  const RawResponse other = again(R"({"command":["false"]})");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(at(parsed(other), "/field"), "Idempotency-Key");
  EXPECT_EQ(service.jobs_count(), 1U);
  const RawResponse long_key = call("POST", "/v1/jobs", alice, kTaggedJob,
                                    "Idempotency-Key: " + std::string(256, 'k') + "\r\n");
  EXPECT_EQ(long_key.status, 400);
}

TEST_F(NativeApiTest, ErrorsOfTheBrokerKeepTheirMeaning) {
  const std::pair<ErrorCode, int> cases[] = {
      {ErrorCode::invalid, 400},   {ErrorCode::conflict, 409},    {ErrorCode::too_large, 413},
      {ErrorCode::exhausted, 429}, {ErrorCode::unavailable, 503}, {ErrorCode::maybe_delivered, 504},
      {ErrorCode::internal, 500}};
  for (const auto& [code, status] : cases) {
    service.refuse_with(Error{code, "f", "m", "r"});
    const RawResponse response = post("/v1/jobs", alice, kTaggedJob);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.headers.contains("retry-after"), status == 429 || status == 503);
    EXPECT_EQ(at(parsed(response), "/detail"), "m");
    EXPECT_EQ(at(parsed(response), "/type"),
              "urn:tradewind:problem:" + std::string(to_string(code)));
  }
  EXPECT_EQ(get("/readyz", "").status, 503);
  EXPECT_EQ(get("/healthz", "").status, 200);
  service.refuse_with(std::nullopt);
  EXPECT_EQ(get("/readyz", "").status, 200);
}

TEST_F(NativeApiTest, AJobShowsWhereItRanWhatItCostAndItsOutputs) {
  service.set_market(sample_market());
  const JobId id = submit(alice, kTaggedJob);
  AttemptRecord refused = attempt(1, AttemptState::refused, "beta-1");
  refused.refusal = RefusalCode::price;
  place(id, JobState::succeeded, {refused, succeeded(2)});
  service.change(id, [](JobRecord& job) { job.charged = Money{12'345}; });
  const json::value job = parsed(get("/v1/jobs/" + id.value, alice));
  EXPECT_EQ(at(job, "/state"), "succeeded");
  EXPECT_EQ(at(job, "/site"), "alpha-1");
  EXPECT_EQ(at(job, "/region"), "eu-west");
  EXPECT_EQ(at(job, "/architecture"), "amd64");
  EXPECT_EQ(at(job, "/cost"), "0.012345");
  EXPECT_EQ(at(job, "/currency"), "USD");
  EXPECT_EQ(at(job, "/cost_expected"), "0.0105");
  EXPECT_EQ(at(job, "/exit_code"), "0");
  EXPECT_EQ(at(job, "/outputs/0/sha256"), std::string(64, 'a'));
  EXPECT_EQ(at(job, "/outputs/0/size_bytes"), "7");
  EXPECT_EQ(at(job, "/attempts/0/refusal"), "price");
  EXPECT_EQ(at(job, "/attempts/1/report/charge"), "0.012345");
  EXPECT_EQ(at(job, "/spec/name"), "n1");
  EXPECT_EQ(at(job, "/waiting"), "(absent)");
}

TEST_F(NativeApiTest, DecisionsAreListedByTheFiltersOfJobs) {
  const JobId first = submit(alice, kTaggedJob);
  place(
      first, JobState::running,
      {attempt(1, AttemptState::refused, "beta-1"), attempt(2, AttemptState::running, "alpha-1")});
  const JobId second = submit(alice, R"({"command":["x"]})");
  place(second, JobState::unroutable, {});
  service.change(second, [](JobRecord& job) { job.unplaced = sample_waiting(); });
  submit(alice, kTaggedJob);  // waits: nothing has been decided
  const JobId foreign = submit(bob, kTaggedJob);
  place(foreign, JobState::running, {attempt(1, AttemptState::running)});
  const json::value all = parsed(get("/v1/decisions", alice));
  ASSERT_EQ(all.at("decisions").as_array().size(), 3U);
  EXPECT_EQ(at(all, "/decisions/0/job"), second.value);
  EXPECT_EQ(at(all, "/decisions/0/attempt"), "(absent)");
  EXPECT_EQ(at(all, "/decisions/1/attempt"), "2");
  EXPECT_EQ(at(all, "/decisions/2/chosen/site"), "beta-1");
  EXPECT_EQ(parsed(get("/v1/decisions?state=running", alice)).at("decisions").as_array().size(),
            2U);
  EXPECT_EQ(parsed(get("/v1/decisions?tenant=beta", auditor)).at("decisions").as_array().size(),
            1U);
  EXPECT_EQ(at(parsed(get("/v1/decisions?limit=2", alice)), "/next_cursor"), second.value);
  EXPECT_EQ(get("/v1/decisions?limit=101", alice).status, 400);
}

TEST_F(NativeApiTest, AttemptsAreThoseOfTheJobAndAreAskedForAgainByTheirTag) {
  const JobId id = submit(alice, kTaggedJob);
  AttemptRecord refused = attempt(1, AttemptState::refused, "beta-1");
  refused.refusal = RefusalCode::price;
  place(id, JobState::succeeded, {refused, succeeded(2)});
  const RawResponse response = get("/v1/jobs/" + id.value + "/attempts", alice);
  const json::value whole = parsed(response);
  EXPECT_EQ(at(whole, "/job"), id.value);
  EXPECT_EQ(at(whole, "/state"), "succeeded");
  EXPECT_EQ(whole.at("attempts"), parsed(get("/v1/jobs/" + id.value, alice)).at("attempts"));
  EXPECT_EQ(call("GET", "/v1/jobs/" + id.value + "/attempts", alice, "",
                 "If-None-Match: " + response.headers.at("etag") + "\r\n")
                .status,
            304);
}

TEST_F(NativeApiTest, AWaitingJobSaysWhatItWaitsFor) {
  const JobId id = submit(alice, kTaggedJob);
  EXPECT_EQ(get("/v1/jobs/" + id.value + "/decision", alice).status, 404);
  service.set_waiting(id, sample_waiting());
  const json::value job = parsed(get("/v1/jobs/" + id.value, alice));
  EXPECT_NE(at(job, "/waiting/summary").find("wants 2 units"), std::string::npos);
  const json::value decision = parsed(get("/v1/jobs/" + id.value + "/decision", alice));
  EXPECT_EQ(at(decision, "/outcome"), "waiting");
  EXPECT_EQ(at(decision, "/rejections/0/reason"), "capacity");
  EXPECT_EQ(at(decision, "/rejections/0/passing"), "true");
}

TEST_F(NativeApiTest, TheDecisionIsTheNewestOrTheAttemptsAskedFor) {
  const JobId id = submit(alice, kTaggedJob);
  place(
      id, JobState::running,
      {attempt(1, AttemptState::refused, "beta-1"), attempt(2, AttemptState::running, "alpha-1")});
  const std::string base = "/v1/jobs/" + id.value + "/decision";
  const json::value newest = parsed(get(base, alice));
  EXPECT_EQ(at(newest, "/attempt"), "2");
  EXPECT_EQ(at(newest, "/chosen/site"), "alpha-1");
  EXPECT_EQ(at(newest, "/chosen/cost/total"), "0.0105");
  EXPECT_EQ(at(newest, "/runners_up/0/site"), "beta-1");
  EXPECT_EQ(at(newest, "/rejections/0/detail"), "needs 4096 MiB of memory, has 2048");
  EXPECT_EQ(at(parsed(get(base + "?attempt=1", alice)), "/chosen/site"), "beta-1");
  EXPECT_EQ(get(base + "?attempt=3", alice).status, 404);
  EXPECT_EQ(get(base + "?attempt=x", alice).status, 400);
  service.change(id, [](JobRecord& job) {
    job.state = JobState::unroutable;
    job.attempts.clear();
    job.unplaced = sample_waiting();
    job.unplaced->outcome = Outcome::unroutable;
  });
  EXPECT_EQ(at(parsed(get(base, alice)), "/outcome"), "unroutable");
  EXPECT_NE(at(parsed(get("/v1/jobs/" + id.value, alice)), "/reason"), "(absent)");
}

TEST_F(NativeApiTest, ListsNewestFirstByPagesAndFilters) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(submit(alice, R"({"name":"job-)" + std::to_string(i) +
                                    R"(","command":["a"],"tags":{"k:x":"v)" +
                                    std::to_string(i % 2) + "\"}}")
                      .value);
  }
  submit(bob, kTaggedJob);
  place(JobId{ids[2]}, JobState::failed, {attempt(1, AttemptState::lost)});
  const auto list = [&](const std::string& query) {
    const json::value page = parsed(get("/v1/jobs" + query, alice));
    std::string names;
    for (const auto& each : page.at("jobs").as_array()) names += text_of(each.at("name")).substr(4);
    return names + (at(page, "/next_cursor") == "(absent)" ? "" : "+");
  };
  EXPECT_EQ(list(""), "43210");
  EXPECT_EQ(list("?limit=2"), "43+");
  EXPECT_EQ(list("?limit=2&cursor=" + ids[3]), "21+");
  EXPECT_EQ(list("?limit=2&cursor=" + ids[1]), "0");
  EXPECT_EQ(list("?limit=5"), "43210") << "no cursor after an exactly full last page";
  EXPECT_EQ(list("?state=failed"), "2");
  EXPECT_EQ(list("?state=failed,queued&limit=1000"), "43210");
  EXPECT_EQ(list("?name_prefix=job-3"), "3");
  EXPECT_EQ(list("?name_prefix=job-.*"), "");
  EXPECT_EQ(list("?tag=k%3Ax:v1"), "") << "the key ends at the first colon";
  EXPECT_EQ(parsed(get("/v1/jobs", operator_)).at("jobs").as_array().size(), 6U);
  EXPECT_EQ(parsed(get("/v1/jobs?tenant=beta", operator_)).at("jobs").as_array().size(), 1U);
  const std::pair<const char*, const char*> wrong[] = {
      {"limit=0", "limit"},           {"limit=1001", "limit"},
      {"limit=x", "limit"},           {"state=done", "state"},
      {"cursor=yesterday", "cursor"}, {"tag=nocolon", "tag"},
      {"colour=red", "colour"},       {"array=5", "array"}};
  for (const auto& [query, field] : wrong) {
    const RawResponse response = get(std::string("/v1/jobs?") + query, alice);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(at(parsed(response), "/field"), field);
    EXPECT_NE(at(parsed(response), "/remedy"), "(absent)");
  }
}

TEST_F(NativeApiTest, FindsJobsByTag) {
  submit(alice, kTaggedJob);
  submit(alice, R"({"command":["a"],"tags":{"team":"red"}})");
  EXPECT_EQ(parsed(get("/v1/jobs?tag=team:blue", alice)).at("jobs").as_array().size(), 1U);
  EXPECT_EQ(parsed(get("/v1/jobs?tag=team:blue&tag=a:b", alice)).at("jobs").as_array().size(), 0U);
}

TEST_F(NativeApiTest, CancelTakesBothFormsAndNamesTheCaller) {
  const JobId first = submit(alice, kTaggedJob);
  const RawResponse response = post("/v1/jobs/" + first.value + ":cancel", alice);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(at(parsed(response), "/cancel_requested"), "true");
  EXPECT_EQ(at(parsed(response), "/state"), "canceled");
  EXPECT_EQ(service.calls().back(), "cancel " + first.value + " by alice");
  const JobId second = submit(alice, kTaggedJob);
  EXPECT_EQ(call("DELETE", "/v1/jobs/" + second.value, alice).status, 200);
  EXPECT_EQ(call("DELETE", "/v1/jobs/nonsense", alice).status, 404);
  EXPECT_EQ(post("/v1/jobs/" + first.value + "%3Acancel", alice).status, 200);
}

TEST_F(NativeApiTest, AnArrayIsCountedByStateAndCanceledWhole) {
  const RawResponse created = post("/v1/jobs", alice, R"({"command":["a"],"array":{"count":150}})");
  const std::string id = at(parsed(created), "/id");
  EXPECT_EQ(created.headers.at("location"), "/v1/arrays/" + id);
  EXPECT_EQ(at(parsed(created), "/array/count"), "150");
  for (std::uint32_t i = 0; i < 3; ++i) {
    place(array_task_id(JobId{id}, i), JobState::succeeded, {succeeded(1)});
    service.change(array_task_id(JobId{id}, i), [](JobRecord& job) { job.charged = Money{100}; });
  }
  for (int round = 0; round < 2; ++round) {
    const json::value array = parsed(get("/v1/arrays/" + id, alice));
    EXPECT_EQ(at(array, "/tasks"), "150");
    EXPECT_EQ(at(array, "/states/succeeded"), "3");
    EXPECT_EQ(at(array, "/states/queued"), "147");
    EXPECT_EQ(at(array, "/sites/alpha-1"), "3");
    EXPECT_EQ(at(array, "/cost"), "0.0003");
    EXPECT_EQ(at(array, "/complete"), "false");
    EXPECT_EQ(at(array, "/jobs"), "/v1/jobs?array=" + id);
  }
  EXPECT_EQ(parsed(get("/v1/jobs?limit=1000&array=" + id, alice)).at("jobs").as_array().size(),
            150U);
  const json::value canceled = parsed(post("/v1/jobs/" + id + ":cancel", alice));
  EXPECT_EQ(at(canceled, "/canceled"), "147");
  EXPECT_EQ(at(canceled, "/already_ended"), "3");
  const json::value after = parsed(get("/v1/arrays/" + id, alice));
  EXPECT_EQ(at(after, "/states/canceled"), "147");
  EXPECT_EQ(at(after, "/complete"), "true");
  // An array is no job, a task no array; the answer says where to look.
  const RawResponse as_job = get("/v1/jobs/" + id, alice);
  EXPECT_EQ(as_job.status, 404);
  EXPECT_NE(at(parsed(as_job), "/remedy").find("/v1/arrays/"), std::string::npos);
  EXPECT_EQ(at(parsed(get("/v1/jobs/" + id, bob)), "/remedy").find("/v1/arrays/"),
            std::string::npos);
  EXPECT_EQ(get("/v1/arrays/" + id + "-00001", alice).status, 404);
  EXPECT_EQ(get("/v1/arrays/" + submit(alice, kTaggedJob).value, alice).status, 404);
  EXPECT_EQ(get("/v1/jobs/" + id + "-00001", alice).status, 200);
}

TEST_F(NativeApiTest, AFailedCancelOfAnArrayTellsWhy) {
  const std::string id =
      at(parsed(post("/v1/jobs", alice, R"({"command":["a"],"array":{"count":200}})")), "/id");
  service.refuse_with(Error{ErrorCode::unavailable, "", "the disk is full", "free some space"});
  const RawResponse response = post("/v1/arrays/" + id + ":cancel", alice);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(at(parsed(response), "/detail"), "the disk is full");
}

TEST_F(NativeApiTest, AQuoteIsADecisionAndSubmitsNothing) {
  service.set_quoted(sample_decision());
  const json::value quote = parsed(post("/v1/quotes", alice, kTaggedJob));
  EXPECT_EQ(at(quote, "/outcome"), "placed");
  EXPECT_EQ(at(quote, "/chosen/cost/compute"), "0.01");
  EXPECT_EQ(at(quote, "/currency"), "USD");
  EXPECT_EQ(service.calls().back(), "quote for alpha of n1, 64 rejections");
  EXPECT_EQ(service.jobs_count(), 0U);
}

TEST_F(NativeApiTest, LogsGiveWhatIsThereFromAnOffsetAndUpToALimit) {
  const JobId id = submit(alice, kTaggedJob);
  const std::string base = "/v1/jobs/" + id.value + "/logs";
  EXPECT_EQ(get(base, alice).body, "") << "nothing has started";
  place(id, JobState::running, {attempt(1, AttemptState::running)});
  service.append_log({id, 1}, LogStream::out, "hello world\n", false);
  service.append_log({id, 1}, LogStream::err, "oops\n", true);
  const RawResponse whole = get(base, alice);
  EXPECT_EQ(whole.body, "hello world\n");
  EXPECT_EQ(whole.headers.at("tradewind-attempt"), "1");
  EXPECT_EQ(whole.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(get(base + "?stream=stderr", alice).body, "oops\n");
  EXPECT_EQ(get(base + "?offset=6&limit=5", alice).body, "world");
  EXPECT_EQ(get(base + "?attempt=2", alice).status, 404);
  for (const char* query : {"stream=out", "offset=-1", "limit=0", "follow=yes", "attempt=x"}) {
    const RawResponse response = get(base + "?" + query, alice);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_NE(at(parsed(response), "/remedy"), "(absent)");
  }
  // More than one piece.
  service.append_log({id, 1}, LogStream::err, std::string(700'000, 'x'), true);
  EXPECT_EQ(get(base + "?stream=stderr", alice).body.size(), 700'005U);
}

TEST_F(NativeApiTest, AFollowedLogGoesOnThroughARequeueUntilTheJobEnds) {
  const JobId id = submit(alice, kTaggedJob);
  RawClient client(endpoint_->port());
  client.send(request_text("GET", "/v1/jobs/" + id.value + "/logs?follow=true", "",
                           "Authorization: Bearer " + alice + "\r\n"));
  EXPECT_EQ(client.read(true).status, 200);
  std::thread life([&] {
    std::this_thread::sleep_for(milliseconds(50));
    place(id, JobState::running, {attempt(1, AttemptState::running)});
    service.append_log({id, 1}, LogStream::out, "first ", false);
    std::this_thread::sleep_for(milliseconds(300));
    service.append_log({id, 1}, LogStream::out, "attempt\n", true);
    place(id, JobState::queued, {attempt(1, AttemptState::lost)});
    std::this_thread::sleep_for(milliseconds(300));
    place(id, JobState::running,
          {attempt(1, AttemptState::lost), attempt(2, AttemptState::refused),
           attempt(3, AttemptState::running)});
    service.append_log({id, 3}, LogStream::out, "second\n", false);
    std::this_thread::sleep_for(milliseconds(300));
    place(id, JobState::succeeded,
          {attempt(1, AttemptState::lost), attempt(2, AttemptState::refused), succeeded(3)});
    service.append_log({id, 3}, LogStream::out, "end\n", true);
  });
  std::string text;
  std::string piece;
  bool early = false;
  while (!(piece = client.read_some()).empty()) {
    text += piece;
    if (text.find("first") != std::string::npos && text.find("end") == std::string::npos) {
      early = true;
    }
    if (text.ends_with("0\r\n\r\n")) break;
  }
  life.join();
  EXPECT_TRUE(early) << "pieces must come as they are written";
  std::string body;
  for (const char* each : {"first ", "attempt\n", "second\n", "end\n"}) {
    EXPECT_NE(text.find(each), std::string::npos) << each << " is not in " << text;
  }
  EXPECT_TRUE(text.ends_with("0\r\n\r\n")) << "a proper end";
}

TEST_F(NativeApiTest, AFollowedAttemptThatIsLostEndsTheStreamWithTheJob) {
  const JobId id = submit(alice, kTaggedJob);
  place(id, JobState::failed, {attempt(1, AttemptState::lost)});
  const RawResponse response = get("/v1/jobs/" + id.value + "/logs?follow=true", alice);
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.cut);
}

TEST_F(NativeApiTest, AJobThatIsAskedForAgainIsToldOnlyWhenItHasChanged) {
  const JobId id = submit(alice, R"({"command": ["true"]})");
  for (const std::string& path : {"/v1/jobs/" + id.value, "/ga4gh/tes/v1/tasks/" + id.value}) {
    service.change(id, [](JobRecord& job) { job.state = JobState::running; });
    const RawResponse first = get(path, alice);
    ASSERT_EQ(first.status, 200);
    const std::string known = "If-None-Match: W/\"other\", " + first.headers.at("etag") + "\r\n";
    const RawResponse again = call("GET", path, alice, {}, known);
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.headers.at("etag"), first.headers.at("etag"));
    EXPECT_FALSE(again.headers.contains("content-length"));
    EXPECT_EQ(call("GET", path, bob, {}, known).status, 404);
    service.change(id, [](JobRecord& job) { job.state = JobState::succeeded; });
    const RawResponse changed = call("GET", path, alice, {}, known);
    EXPECT_EQ(changed.status, 200);
    EXPECT_NE(changed.headers.at("etag"), first.headers.at("etag"));
  }
}

TEST_F(NativeApiTest, UnknownPathsAndMethodsSaySo) {
  const RawResponse missing = get("/v1/nothing", alice);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.at("content-type"), "application/problem+json");
  const RawResponse method = call("PUT", "/v1/jobs", alice, "{}");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "POST, GET");
  EXPECT_EQ(get("/", alice).status, 404);
  EXPECT_EQ(get("/v1/jobs/%00", alice).status, 404);
  EXPECT_EQ(get("/v1/jobs/../jobs", alice).status, 404);
  EXPECT_EQ(get("/v1/jobs/", alice).status, 200) << "a slash at the end counts for nothing";
  EXPECT_EQ(call("HEAD", "/v1/jobs", alice).status, 200);
}

TEST_F(NativeApiTest, MetricsCountRequests) {
  const RawResponse metrics = get("/metrics", auditor);
  EXPECT_NE(metrics.body.find("tradewind_jobs_total 1\n"), std::string::npos);
  EXPECT_NE(metrics.body.find("tradewind_http_requests_total"), std::string::npos);
  EXPECT_TRUE(metrics.headers.at("content-type").starts_with("text/plain"));
}

TEST_F(NativeApiTest, ABrokerThatNeverAnswersCostsOnly504) {
  endpoint_->stop();
  options_.http.answer_timeout = milliseconds(100);
  start();
  service.drop_requests(true);
  // Dropping the reply drops the right to answer, which is noticed at once.
  EXPECT_EQ(post("/v1/jobs", alice, kTaggedJob).status, 500);
  service.drop_requests(false);
  service.hold_submissions(true);
  EXPECT_EQ(post("/v1/jobs", alice, kTaggedJob).status, 504);
  service.hold_submissions(false);
  EXPECT_EQ(get("/healthz", "").status, 200);
}

TEST_F(NativeApiTest, AnswersThatComeAfterTheStopAreDropped) {
  endpoint_->stop();
  options_.http.stop_timeout = milliseconds(50);
  start();
  service.hold_submissions(true);
  RawClient client(endpoint_->port());
  client.send(
      request_text("POST", "/v1/jobs", kTaggedJob, "Authorization: Bearer " + alice + "\r\n"));
  while (service.submissions_count() == 0) std::this_thread::sleep_for(milliseconds(1));
  endpoint_->stop();
  endpoint_.reset();
  service.hold_submissions(false);
  std::this_thread::sleep_for(milliseconds(20));
}

}  // namespace
}  // namespace tradewind::testing
