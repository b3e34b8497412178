// Data sets over real sockets, in front of a broker in memory.
#include <gtest/gtest.h>

#include "broker/api/dataset_json.h"
#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

constexpr const char* kGenome =
    R"({"replicas":[{"url":"file:///srv/genome","site":"ch-alps-1"},
                    {"url":"https://data.example/genome","region":"de-rhine"}],
        "size_bytes":1000,"residency":["CH","DE"],"shared_with":["beta"]})";
constexpr const char* kJob =
    R"({"command":["true"],"inputs":[{"path":"/in","dataset":"genome","residency":["CH"]}]})";

class DatasetsApiTest : public EndpointTest {
 protected:
  RawResponse put(std::string_view name, std::string_view token, std::string_view body) {
    return call("PUT", "/v1/datasets/" + std::string(name), token, body);
  }
};

TEST_F(DatasetsApiTest, PutMakesThenDescribesAnew) {
  const RawResponse made = put("genome", alice, kGenome);
  EXPECT_EQ(made.status, 201) << made.body;
  const json::value shown = parsed(get("/v1/datasets/genome", amy));
  EXPECT_EQ(at(shown, "/owner"), "alpha");
  EXPECT_EQ(at(shown, "/replicas/0/site"), "ch-alps-1");
  EXPECT_EQ(at(shown, "/replicas/1/region"), "de-rhine");
  EXPECT_EQ(at(shown, "/residency"), R"(["CH","DE"])");
  EXPECT_EQ(at(shown, "/shared_with"), R"(["beta"])");
  EXPECT_EQ(
      put("genome", amy, R"({"url":"file:///x","sha256":")" + std::string(64, 'b') + "\"}").status,
      200);
  EXPECT_EQ(at(parsed(get("/v1/datasets/genome", alice)), "/residency"), "[]");
  EXPECT_EQ(call("DELETE", "/v1/datasets/genome", alice).status, 200);
  EXPECT_EQ(get("/v1/datasets/genome", alice).status, 404);
}

TEST_F(DatasetsApiTest, AnothersIsNotFoundUnlessItIsShared) {
  put("genome", alice, R"({"url":"file:///srv/genome"})");
  const RawResponse foreign = get("/v1/datasets/genome", bob);
  EXPECT_EQ(foreign.status, 404);
  std::string none = get("/v1/datasets/nothing", bob).body;
  none.replace(none.find("nothing"), 7, "genome");
  EXPECT_EQ(foreign.body, none);
  EXPECT_EQ(post("/v1/jobs", bob, kJob).status, 404);
  EXPECT_EQ(call("DELETE", "/v1/datasets/genome", bob).status, 404);
  EXPECT_EQ(parsed(get("/v1/datasets", bob)).at("datasets").as_array().size(), 0U);

  put("genome", alice, kGenome);
  const json::value shared = parsed(get("/v1/datasets/genome", bob));
  EXPECT_EQ(at(shared, "/size_bytes"), "1000");
  EXPECT_EQ(at(shared, "/shared_with"), "(absent)");
  EXPECT_EQ(call("DELETE", "/v1/datasets/genome", bob).status, 403);
  EXPECT_EQ(post("/v1/jobs", bob, kJob).status, 201);
}

TEST_F(DatasetsApiTest, AJobThatNamesOneShowsWhatWasAskedAndWhatWasPutIn) {
  put("genome", alice, kGenome);
  const JobId id = submit(alice, kJob);
  const json::value job = parsed(get("/v1/jobs/" + id.value, alice));
  EXPECT_EQ(at(job, "/spec/inputs/0/dataset"), "genome");
  EXPECT_EQ(at(job, "/spec/inputs/0/residency"), R"(["CH"])");
  EXPECT_EQ(at(job, "/spec/inputs/0/replicas"), "(absent)");
  EXPECT_EQ(at(job, "/bound_inputs/0/replicas/0/url"), "file:///srv/genome");
  EXPECT_EQ(at(job, "/bound_inputs/0/size_bytes"), "1000");
  EXPECT_EQ(at(job, "/bound_inputs/0/residency"), R"(["CH"])");
  // What is shown can be submitted again.
  EXPECT_EQ(post("/v1/jobs", alice, to_text(job.at("spec"))).status, 201);

  const JobId by_url = submit(
      bob, R"({"command":["true"],"inputs":[{"path":"/in","url":"https://DATA.example/genome"}]})");
  const json::value bound = parsed(get("/v1/jobs/" + by_url.value, bob));
  EXPECT_EQ(at(bound, "/spec/inputs/0/residency"), "(absent)");
  EXPECT_EQ(at(bound, "/bound_inputs/0/residency"), R"(["CH","DE"])");
  EXPECT_EQ(at(bound, "/bound_inputs/0/dataset"), "(absent)");
  EXPECT_EQ(at(parsed(get("/v1/jobs/" + submit(bob, R"({"command":["true"]})").value, bob)),
               "/bound_inputs"),
            "(absent)");
}

TEST_F(DatasetsApiTest, AnIdempotencyKeyComparesWhatWasAskedNotWhatWasPutIn) {
  put("genome", alice, kGenome);
  const auto again = [&](std::string_view document) {
    return call("POST", "/v1/jobs", alice, document, "Idempotency-Key: k\r\n").status;
  };
  const char* plain = R"({"command":["true"],"inputs":[{"path":"/in","dataset":"genome"}]})";
  EXPECT_EQ(again(plain), 201);
  EXPECT_EQ(again(plain), 200);
  EXPECT_EQ(again(kJob), 409);
  put("genome", alice, R"({"url":"file:///elsewhere"})");
  EXPECT_EQ(again(plain), 200);
  call("DELETE", "/v1/datasets/genome", alice);
  EXPECT_EQ(again(plain), 200);
}

TEST_F(DatasetsApiTest, AQuoteNamesTheReplicaOfTheDataSet) {
  put("genome", alice, kGenome);
  Decision decision = sample_decision();
  decision.chosen->replicas = {1};
  service.set_quoted(decision);
  const json::value quote = parsed(post("/v1/quotes", alice, kJob));
  EXPECT_EQ(at(quote, "/chosen/replicas/0/url"), "https://data.example/genome");
  EXPECT_EQ(at(parsed(post("/v1/quotes", bob,
                           R"({"command":["true"],"inputs":[{"path":"/in","dataset":"none"}]})")),
               "/field"),
            "inputs[0].dataset");
}

TEST_F(DatasetsApiTest, TasksOfTesAreBoundByTheirUrls) {
  put("genome", alice, kGenome);
  const RawResponse created = post("/ga4gh/tes/v1/tasks", bob,
                                   R"({"executors":[{"image":"i","command":["true"]}],
               "inputs":[{"url":"file:///srv/../srv/genome","path":"/in"}]})");
  ASSERT_EQ(created.status, 200) << created.body;
  const auto job = service.find(JobId{at(parsed(created), "/id")});
  ASSERT_EQ(job->spec.inputs[0].residency.size(), 2U);
  EXPECT_EQ(job->spec.inputs[0].residency[0].value, "CH");
}

TEST_F(DatasetsApiTest, ListsPageByPage) {
  for (const char* name : {"b", "a", "c"}) put(name, alice, kGenome);
  const json::value first = parsed(get("/v1/datasets?limit=2", alice));
  EXPECT_EQ(at(first, "/datasets/0/name"), "a");
  EXPECT_EQ(at(first, "/next_cursor"), "b");
  const json::value second = parsed(get("/v1/datasets?limit=2&cursor=b", alice));
  EXPECT_EQ(at(second, "/datasets/0/name"), "c");
  EXPECT_EQ(at(second, "/next_cursor"), "(absent)");
  EXPECT_EQ(get("/v1/datasets?cursor=%2F", alice).status, 400);
  EXPECT_EQ(get("/v1/datasets?limit=0", alice).status, 400);
}

TEST_F(DatasetsApiTest, WhatIsWrongIsRefusedWithItsField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "replicas"},
      {R"({"replicas":[]})", "replicas"},
      {R"({"url":"ftp://x/y"})", "replicas[0].url"},
      {R"({"url":"file:///x","replicas":[]})", "replicas"},
      {R"({"replicas":[{"url":"file:///x","site":"A"}]})", "replicas[0].site"},
      {R"({"url":"file:///x","size_bytes":-1})", "size_bytes"},
      {R"({"url":"file:///1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3"})",
       "replicas[0].url"},
      {R"({"url":"file:///x","sha256":"ABC"})", "sha256"},
      {R"({"url":"file:///x","residency":["ch"]})", "residency[0]"},
      {R"({"url":"file:///x","shared_with":["A b"]})", "shared_with[0]"},
      {R"({"url":"file:///x","shared_with_all":"yes"})", "shared_with_all"},
      {R"({"url":"file:///x","owner":"beta"})", "owner"},
  };
  for (const auto& [body, field] : cases) {
    const RawResponse response = put("genome", alice, body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(at(parsed(response), "/field"), field) << body;
  }
  EXPECT_EQ(at(parsed(put("Bad_Name", alice, kGenome)), "/field"), "name");
  EXPECT_EQ(put("genome", alice, std::string(dataset_document_bytes_max + 1, ' ')).status, 413);
  const std::pair<const char*, const char*> jobs[] = {
      {R"({"path":"/in","dataset":"genome","url":"file:///x"})", "inputs[0].url"},
      {R"({"path":"/in","dataset":"genome","size_bytes":1})", "inputs[0].size_bytes"},
      {R"({"path":"/in","dataset":"genome","content":"x"})", "inputs[0].content"},
      {R"({"path":"/in","dataset":"a/b"})", "inputs[0].dataset"},
  };
  for (const auto& [input, field] : jobs) {
    const RawResponse response =
        post("/v1/jobs", alice, R"({"command":["true"],"inputs":[)" + std::string(input) + "]}");
    EXPECT_EQ(response.status, 400) << input;
    EXPECT_EQ(at(parsed(response), "/field"), field) << input;
  }
}

}  // namespace
}  // namespace tradewind::testing
