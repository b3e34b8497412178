// What becomes of task documents of GA4GH TES 1.1. docs/tes.md names the rule that each test holds.
#include <gtest/gtest.h>

#include <thread>

#include "broker/api/recent_creates.h"
#include "tests/unit/api/tes_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::milliseconds;

TEST_F(TesTest, CreateAnswersTheIdOnly) {  // rule 1
  const RawResponse response = post(kBase, alice, kTask);
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(parsed(response).as_object().size(), 1U);
  EXPECT_TRUE(is_job_id(at(parsed(response), "/id")));
}

TEST_F(TesTest, TakesWhatForwardersAndSloppyClientsSend) {  // rule 7
  const char* documents[] = {
      R"({"executors":[{"image":"i","command":["true"]}],"resources":{}})",
      R"({"executors":[{"image":"i","command":["true"],"stdin":null,"env":null,"workdir":""}],
          "name":null,"description":null,"inputs":null,"outputs":null,"resources":null,
          "volumes":null,"tags":null})",
      R"({"executors":[{"image":"i","command":["true"],"surprise":{}}],"id":"mine",
          "state":"COMPLETE","logs":[{"logs":[]}],"creation_time":"2020","unknown":[1,2]})",
      R"({"executors":[{"image":"i","command":["true"]}],"tags":{"a":null,"b":"c"},
          "resources":{"cpu_cores":0,"ram_gb":null,"zones":[],"backend_parameters":{}}})",
      R"({"executors":[{"image":"i","command":["true"]}],"resources":{"cpu_cores":1.0,"ram_gb":2}})",
  };
  for (const char* each : documents) {
    const JobId id = create(each);
    const Submission submission = service.last_submission();
    EXPECT_EQ(submission.spec.resources.cpus, 1U);
    EXPECT_EQ(submission.spec.resources.memory_mib, 2'048U);
    EXPECT_EQ(state_of(id), "QUEUED") << "what the server sets is ignored";
    task(id, "FULL");
  }
}

TEST_F(TesTest, ContentWinsOverUrl) {  // rule 7
  create(R"({"executors":[{"image":"i","command":["x"]}],
             "inputs":[{"path":"/a","url":"gopher://whatever","content":"text"}]})");
  EXPECT_EQ(service.last_submission().spec.inputs[0].content, "text");
}

TEST_F(TesTest, ACreateRepeatedUnderAnotherPrefixIsTheSameCreate) {  // rule 10
  service.hold_submissions(true);
  RawClient slow(endpoint_->port());
  const std::string header = "Authorization: Bearer " + alice + "\r\n";
  slow.send(request_text("POST", "/ga4gh/tes/v1/tasks", kSmall, header));
  while (service.submissions_count() == 0) std::this_thread::sleep_for(milliseconds(1));
  slow.close();  // the client has lost patience
  RawClient second(endpoint_->port());
  second.send(request_text("POST", "/v1/tasks", kSmall, header));
  std::this_thread::sleep_for(milliseconds(50));
  service.hold_submissions(false);
  const std::string id = at(parsed(second.read()), "/id");
  EXPECT_TRUE(is_job_id(id));
  EXPECT_EQ(at(parsed(post("/tasks", alice, kSmall)), "/id"), id);
  EXPECT_EQ(service.submissions_count(), 1U);
  // The same prefix again, another principal or another body are tasks of their own.
  EXPECT_NE(at(parsed(post("/ga4gh/tes/v1/tasks", alice, kSmall)), "/id"), id);
  EXPECT_NE(at(parsed(post("/v1/tasks", amy, kSmall)), "/id"), id);
  EXPECT_NE(at(parsed(post("/v1/tasks", alice, kTask)), "/id"), id);
}

TEST_F(TesTest, AFailedCreateIsNotRemembered) {  // rule 10
  service.refuse_with(Error{ErrorCode::unavailable, "", "the disk is full", "free some space"});
  EXPECT_EQ(post("/ga4gh/tes/v1/tasks", alice, kSmall).status, 503);
  service.refuse_with(std::nullopt);
  EXPECT_EQ(post("/v1/tasks", alice, kSmall).status, 200);
  EXPECT_EQ(service.submissions_count(), 1U);
}

TEST(RecentCreates, ForgetsAfterTheWindowAndStaysBounded) {  // rule 10
  RecentCreates creates;
  const auto start = std::chrono::steady_clock::now();
  const auto nothing = [](const Result<SubmitReceipt>&) {};
  const auto first = creates.enter("digest", 0, start, nothing);
  ASSERT_NE(first, nullptr);
  creates.finish(first, SubmitReceipt{JobId{"one"}, false});
  EXPECT_NE(creates.enter("digest", 1, start + RecentCreates::window, nothing), nullptr);
  for (std::size_t i = 0; i < RecentCreates::entries_max + 100; ++i) {
    creates.finish(creates.enter(std::to_string(i), 0, start, nothing),
                   SubmitReceipt{JobId{"x"}, false});
  }
  EXPECT_LE(creates.size(), RecentCreates::entries_max);
}

TEST(RecentCreates, TwoMeantCreatesAndTheirRepeatsArePairedInOrder) {  // rule 10
  RecentCreates creates;
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::string> answers;
  const auto note = [&](const Result<SubmitReceipt>& receipt) {
    answers.push_back(receipt ? receipt->job.value : "failed");
  };
  const auto one = creates.enter("d", 0, now, note);
  const auto two = creates.enter("d", 0, now, note);
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  EXPECT_EQ(creates.enter("d", 1, now, note), nullptr);
  EXPECT_EQ(creates.enter("d", 1, now, note), nullptr);
  creates.finish(two, SubmitReceipt{JobId{"two"}, false});
  creates.finish(one, SubmitReceipt{JobId{"one"}, false});
  EXPECT_EQ(answers, (std::vector<std::string>{"two", "one"}));
  EXPECT_EQ(creates.enter("d", 2, now, note), nullptr);
  EXPECT_EQ(answers.back(), "one");
  EXPECT_NE(creates.enter("d", 1, now, note), nullptr);
}

TEST_F(TesTest, ReadsRamAsGibibytesRoundedUp) {  // rule 16
  const auto mib = [&](const char* ram) {
    create(std::string(R"({"executors":[{"image":"i","command":["x"]}],"resources":{"ram_gb":)") +
           ram + "}}");
    return service.last_submission().spec.resources.memory_mib;
  };
  EXPECT_EQ(mib("2"), 2048U);
  EXPECT_EQ(mib("0.2684354560000001"), 275U);  // cwl-tes: 256 MiB by 953.674
  EXPECT_EQ(mib("0.0001"), 1U);
  EXPECT_EQ(post(kBase, alice, R"({"executors":[{"image":"i","command":["x"]}],
                                   "resources":{"ram_gb":-1}})")
                .status,
            400);
}

TEST_F(TesTest, BackendParametersCountWithoutCaseAndOthersAreDroppedAloud) {  // rule 17
  const JobId id = create(kTask);
  const JobSpec spec = service.last_submission().spec;
  EXPECT_EQ(spec.constraints.cost_max->micros, 1'250'000);
  EXPECT_EQ(to_rfc3339(*spec.constraints.deadline), "2030-01-01T00:00:00.000Z");
  EXPECT_EQ(spec.run_seconds_max, 600U);
  EXPECT_EQ(spec.priority, 5);
  EXPECT_EQ(spec.home_region, "eu-west");
  EXPECT_TRUE(spec.network);
  EXPECT_EQ(spec.variants[0].architectures,
            (std::vector{Architecture::amd64, Architecture::arm64}));
  const json::value full = task(id, "FULL");
  EXPECT_EQ(at(full, "/resources/backend_parameters/Max_Cost"), "1.25");
  EXPECT_EQ(at(full, "/resources/backend_parameters/VmSize"), "(absent)");
  EXPECT_NE(at(full, "/logs/0/system_logs").find("\"VmSize\\\" is not supported"),
            std::string::npos);
  EXPECT_EQ(get(std::string(kBase) + "/" + id.value + "?view=FULL", alice).body.find("big"),
            std::string::npos);
}

TEST_F(TesTest, StrictRefusesUnsupportedParametersAtOnce) {  // rule 17
  const auto with = [&](const char* parameters) {
    return post(kBase, alice,
                std::string(R"({"executors":[{"image":"i","command":["x"]}],"resources":{
                  "backend_parameters_strict":true,"backend_parameters":)") +
                    parameters + "}}");
  };
  const RawResponse refused = with(R"({"VmSize":"big"})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(at(parsed(refused), "/error").find("VmSize"), std::string::npos);
  EXPECT_EQ(with(R"({"PRIORITY":"1"})").status, 200);
  EXPECT_EQ(with(R"({"PRIORITY":"1","priority":"2"})").status, 400);
}

TEST_F(TesTest, AnAcceleratorIsAFamilyAndHowMany) {
  const auto with = [&](const char* key, const char* value) {
    return post(kBase, alice,
                std::string(R"({"executors":[{"image":"i","command":["x"]}],"resources":{
                  "backend_parameters":{")") +
                    key + "\":\"" + value + "\"}}}");
  };
  EXPECT_EQ(with("accelerator", "CUDA").status, 200);
  EXPECT_EQ(service.last_submission().spec.variants[0].accelerator.family, "cuda");
  EXPECT_EQ(service.last_submission().spec.resources.accelerators, 1U);
  EXPECT_EQ(with("accelerator", "rocm:4").status, 200);
  EXPECT_EQ(service.last_submission().spec.resources.accelerators, 4U);
  for (const char* wrong : {"", ":2", "cuda:", "cuda:0", "cuda:many", "cuda:4294967296", "a b"}) {
    const RawResponse refused = with("accelerator", wrong);
    EXPECT_EQ(refused.status, 400) << wrong;
    EXPECT_NE(at(parsed(refused), "/error").find("accelerator"), std::string::npos) << wrong;
  }
}

TEST_F(TesTest, AmountsInAnotherCurrencyAreRefusedNotMisread) {
  const auto with = [&](const char* currency) {
    return post(kBase, alice,
                std::string(R"({"executors":[{"image":"i","command":["x"]}],"resources":{
                  "backend_parameters":{"max_cost":"1","currency":")") +
                    currency + "\"}}}");
  };
  EXPECT_EQ(with("USD").status, 200);
  const RawResponse refused = with("JPY");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(at(parsed(refused), "/error").find("USD"), std::string::npos);
}

TEST_F(TesTest, AnIdempotencyKeyWorksAsNatively) {  // rule 10
  const char* document = R"({"executors":[{"image":"i","command":["x"]}],
    "resources":{"backend_parameters":{"idempotency_key":"k1"}}})";
  EXPECT_EQ(create(document), create(document));
  EXPECT_EQ(service.jobs_count(), 1U);
}

TEST_F(TesTest, PreemptibleAllowsAndZonesConstrain) {  // rule 18
  create(kTask);
  EXPECT_TRUE(service.last_submission().spec.constraints.preemptible_allowed);
  EXPECT_EQ(service.last_submission().spec.constraints.regions_allowed,
            std::vector<std::string>{"eu-west"});
  create(R"({"executors":[{"image":"i","command":["x"]}],"resources":{"zones":["site:alpha-1"]}})");
  EXPECT_FALSE(service.last_submission().spec.constraints.preemptible_allowed);
  EXPECT_EQ(service.last_submission().spec.constraints.sites_allowed,
            std::vector<std::string>{"alpha-1"});
}

TEST_F(TesTest, MalformedTasksAreRefusedNamingTheField) {  // rule 23
  const std::string x = R"("executors":[{"image":"i","command":["x"]}])";
  const std::pair<std::string, std::string> cases[] = {
      {"", "body"},
      {"[]", "body"},
      {"{\"a\":1,\"a\":2}", "body"},
      {"{}", "executors"},
      {R"({"executors":[]})", "executors"},
      {R"({"executors":{}})", "executors"},
      {R"({"executors":[{"command":["x"]}]})", "executors[0].image"},
      {R"({"executors":[{"image":"i"}]})", "executors[0].command"},
      {R"({"executors":[{"image":"i","command":[]}]})", "executors[0].command"},
      {R"({"executors":[{"image":"i","command":"x"}]})", "executors[0].command"},
      {R"({"executors":[{"image":"i","command":["x"],"stdin":"rel"}]})", "executors[0].stdin"},
      {R"({"executors":[{"image":"i","command":["x"],"env":{"a":1}}]})", "executors[0].env.a"},
      {"{" + x + R"(,"name":5})", "name"},
      {"{" + x + R"(,"tags":{"a":1}})", "tags.a"},
      {"{" + x + R"(,"inputs":[{"url":"file:///a"}]})", "inputs[0].path"},
      {"{" + x + R"(,"inputs":[{"path":"rel","url":"file:///a"}]})", "inputs[0].path"},
      {"{" + x + R"(,"inputs":[{"path":"/a"}]})", "inputs[0].url"},
      {"{" + x + R"(,"inputs":[{"path":"/a","url":"gs://b/k"}]})", "inputs[0].url"},
      {"{" + x + R"(,"inputs":[{"path":"/a","content":"x","type":"file"}]})", "inputs[0].type"},
      {"{" + x + R"(,"outputs":[{"path":"/a"}]})", "outputs[0].url"},
      {"{" + x + R"(,"outputs":[{"path":"/a*","url":"file:///o"}]})", "outputs[0].path_prefix"},
      {"{" + x + R"(,"volumes":["rel"]})", "volumes[0]"},
      {"{" + x + R"(,"resources":{"cpu_cores":1.5}})", "resources.cpu_cores"},
      {"{" + x + R"(,"resources":{"cpu_cores":-1}})", "resources.cpu_cores"},
      {"{" + x + R"(,"resources":{"ram_gb":"2"}})", "resources.ram_gb"},
      {"{" + x + R"(,"resources":{"disk_gb":1e300}})", "resources.disk_gb"},
      {"{" + x + R"(,"resources":{"zones":["Not A Zone"]}})", "resources.zones[0]"},
      {"{" + x + R"(,"resources":{"zones":["eu-west","site:a"]}})", "resources.zones"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"max_cost":"free"}}})",
       "resources.backend_parameters.max_cost"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"max_cost":"-1"}}})",
       "resources.backend_parameters.max_cost"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"deadline":"soon"}}})",
       "resources.backend_parameters.deadline"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"max_runtime_s":"0"}}})",
       "resources.backend_parameters.max_runtime_s"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"architecture":"amd64,"}}})",
       "resources.backend_parameters.architecture"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"priority":"high"}}})",
       "resources.backend_parameters.priority"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"network":"yes"}}})",
       "resources.backend_parameters.network"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"idempotency_key":""}}})",
       "resources.backend_parameters.idempotency_key"},
      {"{" + x + R"(,"resources":{"backend_parameters":{"priority":5}}})",
       "resources.backend_parameters.priority"},
  };
  for (const auto& [document, field] : cases) {
    const RawResponse response = post(kBase, alice, document);
    EXPECT_EQ(response.status, 400) << document << response.body;
    const json::value error = parsed(response);
    EXPECT_EQ(error.as_object().size(), 2U);
    EXPECT_EQ(at(error, "/code"), "400");
    EXPECT_TRUE(at(error, "/error").starts_with(field + ": ")) << document << response.body;
    EXPECT_NE(at(error, "/error").find("; "), std::string::npos) << "no remedy: " << response.body;
  }
  EXPECT_EQ(service.submissions_count(), 0U);
}

}  // namespace
}  // namespace tradewind::testing
