// Job documents: what they mean, and what is said of those that are wrong.
#include "broker/api/job_json.h"

#include <gtest/gtest.h>

#include "broker/api/decision_json.h"
#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

constexpr const char* kWhole = R"({
  "name": "whole", "description": "everything", "tags": {"a": "b"},
  "resources": {"cpus": 4, "memory_gib": 1.5, "disk_gib": "10.25", "accelerators": 2},
  "nodes": 3,
  "variants": [
    {"name": "x86", "architectures": ["x86_64"], "accelerator": {"family": "CUDA",
     "models": ["H100-SXM"], "memory_gib_min": 40, "interconnect_min": "nvlink"},
     "workload_class": "fp8", "work_seconds": 100,
     "executors": [{"image": "debian:12", "command": ["a", "b"], "workdir": "/w", "stdin": "/i",
       "stdout": "/o", "stderr": "/e", "env": {"K": "V"}, "ignore_error": true},
       {"command": ["c"]}]},
    {"name": "arm", "architectures": ["arm64", "riscv64"], "duration_seconds": 50,
     "executors": [{"command": ["d"]}]}],
  "inputs": [
    {"name": "n", "description": "d", "path": "/in/a", "type": "directory",
     "replicas": [{"url": "file:///data", "site": "s-1", "region": "r-1"},
                  {"url": "https://h/x"}],
     "size_bytes": 5, "sha256": "00000000000000000000000000000000000000000000000000000000000000AF",
     "residency": ["DE", "FR"], "executable": true, "streamable": true},
    {"path": "/in/b", "content": "hello"}],
  "outputs": [{"name": "o", "description": "d", "path": "/out/*", "path_prefix": "/out",
     "url": "file:///results", "type": "directory", "size_bytes": 7, "region": "r-2"},
     {"path": "/kept"}],
  "volumes": ["/vol"],
  "constraints": {"sites_allowed": ["s-1"], "sites_denied": ["s-2"], "regions_allowed": ["r-1"],
    "regions_denied": ["r-2"], "jurisdictions_allowed": ["DE"], "jurisdictions_denied": ["US"],
    "providers_allowed": ["P"], "providers_denied": ["Q"], "labels": {"tier": "1"}, "labels_denied": {"tier": "2"},
    "latency": {"region": "r-1", "ms_max": 30}, "deadline": "2030-01-01T00:00:00Z",
    "cost_max": "1.25", "rate_max": 2, "preemptible_allowed": true, "carbon_g_kwh_max": 100,
    "wait_seconds_max": 60},
  "objective": "balanced", "value_per_hour": "0.5", "home_region": "r-1", "network": true,
  "restartable": false, "attempts_max": 5, "on_disconnect": "continue", "priority": -7,
  "queue_seconds_max": 600, "run_seconds_max": 700, "array": {"count": 10}
})";

TEST(JobDocument, EveryMemberIsRead) {
  const auto parsed = parse_job_spec(kWhole);
  ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
  const JobSpec& spec = *parsed;
  EXPECT_EQ(spec.resources, (Resources{4, 1536, 10496, 2}));
  EXPECT_EQ(spec.nodes, 3U);
  ASSERT_EQ(spec.variants.size(), 2U);
  EXPECT_EQ(spec.variants[0].architectures, std::vector{Architecture::amd64});
  EXPECT_EQ(spec.variants[0].accelerator.family, "cuda");
  EXPECT_EQ(spec.variants[0].accelerator.models[0], "h100-sxm");
  EXPECT_EQ(spec.variants[0].accelerator.interconnect_min, Interconnect::nvlink);
  EXPECT_EQ(spec.variants[0].executors[0].env.at("K"), "V");
  EXPECT_TRUE(spec.variants[0].executors[0].ignore_error);
  EXPECT_EQ(spec.variants[1].architectures.size(), 2U);
  EXPECT_EQ(spec.inputs[0].replicas[0].site, "s-1");
  EXPECT_EQ(spec.inputs[0].sha256.substr(62), "af");
  EXPECT_EQ(spec.inputs[0].type, FileType::directory);
  EXPECT_EQ(spec.inputs[1].content, "hello");
  EXPECT_EQ(spec.constraints.cost_max->micros, 1'250'000);
  EXPECT_EQ(spec.constraints.rate_max->micros, 2'000'000);
  EXPECT_EQ(spec.constraints.latency_ms_max, 30U);
  EXPECT_EQ(spec.objective, Objective::balanced);
  EXPECT_EQ(spec.value_per_hour.micros, 500'000);
  EXPECT_EQ(spec.on_disconnect, OnDisconnect::resume);
  EXPECT_EQ(spec.priority, -7);
  EXPECT_EQ(spec.array_count, 10U);
}

TEST(JobDocument, WrittenAndReadAgainItIsTheSame) {
  for (const char* each : {kWhole, R"({"command":["true"]})"}) {
    const auto spec = parse_job_spec(each);
    ASSERT_TRUE(spec.has_value());
    const auto again = read_job_spec(job_spec_to_json(*spec));
    ASSERT_TRUE(again.has_value()) << describe(again.error());
    EXPECT_EQ(*again, *spec);
  }
}

TEST(JobDocument, TheShortFormIsOneVariantWithDefaults) {
  const auto spec = parse_job_spec(R"({"command":["echo","hi"],"image":"i","env":{"A":"1"}})");
  ASSERT_TRUE(spec.has_value());
  ASSERT_EQ(spec->variants.size(), 1U);
  EXPECT_EQ(spec->variants[0].name, "default");
  EXPECT_EQ(spec->variants[0].architectures, std::vector{Architecture::amd64});
  EXPECT_EQ(spec->variants[0].executors[0].image, "i");
  EXPECT_EQ(spec->resources, (Resources{1, 2048, 0, 0}));
  EXPECT_EQ(spec->attempts_max, 3U);
  EXPECT_TRUE(spec->restartable);
  EXPECT_FALSE(spec->network);
}

TEST(JobDocument, AnAcceleratorWithoutACountMeansOne) {
  const auto spec = parse_job_spec(R"({"command":["x"],"accelerator":{"family":"cuda"}})");
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->resources.accelerators, 1U);
}

TEST(JobDocument, MemoryIsExactToThreeDecimals) {
  const auto mib = [](const std::string& amount) {
    const auto spec =
        parse_job_spec(R"({"command":["x"],"resources":{"memory_gib":)" + amount + "}}");
    return spec ? static_cast<std::int64_t>(spec->resources.memory_mib) : -1;
  };
  EXPECT_EQ(mib("0.5"), 512);
  EXPECT_EQ(mib("0.1"), 103);  // 102.4, never less than asked
  EXPECT_EQ(mib("0.3"), 308);
  EXPECT_EQ(mib("\"0.001\""), 2);
  EXPECT_EQ(mib("4"), 4096);
  EXPECT_EQ(mib("0.0001"), -1);
  EXPECT_EQ(mib("-1"), -1);
  EXPECT_EQ(mib("1e30"), -1);
}

struct Malformed {
  const char* document;
  const char* field;
};

// Each must be refused with the field named, what is wrong with it, and a remedy.
const Malformed kMalformed[] = {
    {"", "body"},
    {"{", "body"},
    {"[]", "body"},
    {"nonsense", "body"},
    {"{} {}", "body"},
    {"{\"command\":[\"a\"],}", "body"},
    {"{\"command\":[\"a\"],\"command\":[\"b\"]}", "body"},
    {"{\"command\":[\"\xff\"]}", "body"},
    {"{\"command\":[\"a\"],\"priority\":1e400}", "body"},
    {"{\"command\":[\"a\"],\"tags\":{\"x\":\"1\",\"\\u0078\":\"2\"}}", "body"},
    {"{}", "command"},
    {R"({"command":[]})", "command"},
    {R"({"command":[""]})", "command"},
    {R"({"command":"echo"})", "command"},
    {R"({"command":[1]})", "command[0]"},
    {R"({"command":["a\u0000b"]})", "command[0]"},
    {R"({"command":["a"],"executors":[{"command":["b"]}]})", "command"},
    {R"({"executors":[]})", "variants[0].executors"},
    {R"({"command":["a"],"surprise":1})", "surprise"},
    {R"({"command":["a"],"name":null})", "name"},
    {R"({"command":["a"],"name":7})", "name"},
    {R"({"command":["a"],"tags":{"k":1}})", "tags.k"},
    {R"({"command":["a"],"tags":[]})", "tags"},
    {R"({"command":["a"],"env":{"A=B":"1"}})", "env.A=B"},
    {R"({"command":["a"],"workdir":"relative"})", "workdir"},
    {R"({"command":["a"],"stdout":"/a/../b"})", "stdout"},
    {R"({"command":["a"],"variants":[]})", "command"},
    {R"({"variants":[]})", "variants"},
    {R"({"variants":[{"executors":[{"command":["a"]}],"name":"x"},
                     {"executors":[{"command":["a"]}],"name":"x"}]})",
     "variants[1].name"},
    {R"({"variants":[{"executors":[{"command":["a"]}]},{"executors":[{}]}]})",
     "variants[1].executors[0].command"},
    {R"({"variants":[{"executors":[{"command":["a"],"typo":1}]}]})",
     "variants[0].executors[0].typo"},
    {R"({"command":["a"],"architectures":["vax"]})", "architectures[0]"},
    {R"({"command":["a"],"architectures":[]})", "architectures"},
    {R"({"command":["a"],"work_seconds":0})", "work_seconds"},
    {R"({"command":["a"],"duration_seconds":99999999999})", "duration_seconds"},
    {R"({"command":["a"],"workload_class":"No Class"})", "workload_class"},
    {R"({"command":["a"],"accelerator":{"interconnect_min":"string"}})",
     "accelerator.interconnect_min"},
    {R"({"command":["a"],"accelerator":{"family":"cuda"},"resources":{"accelerators":0}})",
     "resources.accelerators"},
    {R"({"command":["a"],"resources":{"cpus":-1}})", "resources.cpus"},
    {R"({"command":["a"],"resources":{"cpus":0}})", "resources.cpus"},
    {R"({"command":["a"],"resources":{"cpus":1.5}})", "resources.cpus"},
    {R"({"command":["a"],"resources":{"cpus":"2"}})", "resources.cpus"},
    {R"({"command":["a"],"resources":{"cpus":18446744073709551615}})", "resources.cpus"},
    {R"({"command":["a"],"resources":{"memory_gib":"lots"}})", "resources.memory_gib"},
    {R"({"command":["a"],"resources":{"memory_gib":1,"memory_mib":1}})", "resources.memory_mib"},
    {R"({"command":["a"],"resources":[]})", "resources"},
    {R"({"command":["a"],"nodes":0})", "nodes"},
    {R"({"command":["a"],"inputs":[{"path":"x","url":"file:///x"}]})", "inputs[0].path"},
    {R"({"command":["a"],"inputs":[{"path":"/x"}]})", "inputs[0].url"},
    {R"({"command":["a"],"inputs":[{"path":"/x","url":"gs://b/k"}]})", "inputs[0].url"},
    {R"({"command":["a"],"inputs":[{"path":"/x","url":"http:///k"}]})", "inputs[0].url"},
    {R"({"command":["a"],"inputs":[{"path":"/x","url":"file:///a b"}]})", "inputs[0].url"},
    {R"({"command":["a"],"inputs":[{"path":"/x","url":"file:///a","content":"b"}]})",
     "inputs[0].content"},
    {R"({"command":["a"],"inputs":[{"path":"/x","replicas":[{"url":"file:///a","site":"S"}]}]})",
     "inputs[0].replicas[0].site"},
    {R"({"command":["a"],"inputs":[{"path":"/x","content":"b","sha256":"abc"}]})",
     "inputs[0].sha256"},
    {R"({"command":["a"],"inputs":[{"path":"/x","content":"b","residency":["Germany"]}]})",
     "inputs[0].residency[0]"},
    {R"({"command":["a"],"inputs":[{"path":"/x","content":"b","size_bytes":-1}]})",
     "inputs[0].size_bytes"},
    {R"({"command":["a"],"inputs":[{"path":"/x","content":"b","type":"FILE"}]})", "inputs[0].type"},
    {R"({"command":["a"],"inputs":[{"path":"/x","content":"b"},{"path":"/x","content":"c"}]})",
     "inputs[1].path"},
    {R"({"command":["a"],"outputs":[{"path":"/x/*"}]})", "outputs[0].path_prefix"},
    {R"({"command":["a"],"outputs":[{"path":"/x/*","path_prefix":"/y"}]})",
     "outputs[0].path_prefix"},
    {R"({"command":["a"],"outputs":[{"path":"/x","url":"ftp://h/x"}]})", "outputs[0].url"},
    {R"({"command":["a"],"volumes":["x"]})", "volumes[0]"},
    {R"({"command":["a"],"constraints":{"sites_allowed":["Not A Site"]}})",
     "constraints.sites_allowed[0]"},
    {R"({"command":["a"],"constraints":{"jurisdictions_denied":["de"]}})",
     "constraints.jurisdictions_denied[0]"},
    {R"({"command":["a"],"constraints":{"deadline":"tomorrow"}})", "constraints.deadline"},
    {R"({"command":["a"],"constraints":{"cost_max":1.25}})", "constraints.cost_max"},
    {R"({"command":["a"],"constraints":{"cost_max":"1.2345678"}})", "constraints.cost_max"},
    {R"({"command":["a"],"constraints":{"cost_max":"-1"}})", "constraints.cost_max"},
    {R"({"command":["a"],"constraints":{"rate_max":"99999999999999999999"}})",
     "constraints.rate_max"},
    {R"({"command":["a"],"constraints":{"preemptible_allowed":"yes"}})",
     "constraints.preemptible_allowed"},
    {R"({"command":["a"],"constraints":{"latency":{"region":"r"}}})", "constraints.latency.ms_max"},
    {R"({"command":["a"],"constraints":{"budget":1}})", "constraints.budget"},
    {R"({"command":["a"],"objective":"best"})", "objective"},
    {R"({"command":["a"],"objective":"balanced"})", "value_per_hour"},
    {R"({"command":["a"],"value_per_hour":"1"})", "value_per_hour"},
    {R"({"command":["a"],"home_region":""})", "home_region"},
    {R"({"command":["a"],"attempts_max":101})", "attempts_max"},
    {R"({"command":["a"],"on_disconnect":"pray"})", "on_disconnect"},
    {R"({"command":["a"],"priority":101})", "priority"},
    {R"({"command":["a"],"array":{}})", "array.count"},
    {R"({"command":["a"],"array":{"count":100001}})", "array.count"},
    {R"({"command":["a"],"tenant":"other"})", "tenant"},
    {R"({"command":["a"],"price":"0"})", "price"},
};

class MalformedJobTest : public EndpointTest {};

TEST_F(MalformedJobTest, EachIsRefusedWithFieldAndRemedy) {
  EXPECT_GE(std::size(kMalformed), 40U);
  for (const Malformed& each : kMalformed) {
    for (const char* route : {"/v1/jobs", "/v1/quotes"}) {
      const RawResponse response = post(route, alice, each.document);
      EXPECT_EQ(response.status, 400) << each.document << " " << response.body;
      EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
      const json::value problem = parsed(response);
      EXPECT_EQ(at(problem, "/field"), each.field) << each.document << " " << response.body;
      EXPECT_NE(at(problem, "/remedy"), "(absent)") << each.document;
      EXPECT_NE(at(problem, "/detail"), "") << each.document;
      EXPECT_EQ(at(problem, "/status"), "400");
      EXPECT_EQ(at(problem, "/code"), "invalid");
    }
  }
  EXPECT_EQ(service.submissions_count(), 0U);
}

TEST_F(MalformedJobTest, WhatIsTooLargeIsRefusedNamingTheLimit) {
  const auto list = [](const char* element, int count) {
    std::string text = element;
    for (int i = 1; i < count; ++i) text += std::string(",") + element;
    return "[" + text + "]";
  };
  std::string deep = R"({"command":["a"],"tags":)";
  for (int i = 0; i < 40; ++i) deep += "[";
  const std::pair<std::string, std::string> cases[] = {
      {R"({"command":["a"],"name":")" + std::string(5000, 'x') + "\"}", "name"},
      {R"({"executors":)" + list(R"({"command":["a"]})", 65) + "}", "executors"},
      {R"({"variants":)" + list("{}", 17) + "}", "variants"},
      {R"({"command":)" + list("\"a\"", 4097) + "}", "command"},
      {R"({"command":["a"],"inputs":)" + list(R"({"path":"/x","content":"y"})", 1025) + "}",
       "inputs"},
      {R"({"command":["a"],"inputs":[{"path":"/x","content":")" + std::string(140'000, 'x') +
           "\"}]}",
       "inputs[0].content"},
      {R"({"command":["a"],"constraints":{"sites_allowed":)" + list("\"s\"", 257) + "}}",
       "constraints.sites_allowed"},
  };
  for (const auto& [document, field] : cases) {
    const RawResponse response = post("/v1/jobs", alice, document);
    EXPECT_EQ(response.status, 413) << field << response.body;
    EXPECT_EQ(at(parsed(response), "/field"), field);
  }
  EXPECT_EQ(at(parsed(post("/v1/jobs", alice, deep)), "/field"), "body");
  EXPECT_EQ(post("/v1/jobs", alice, std::string(300 * 1024, ' ')).status, 413);
}

TEST(Json, WritesCleanUtf8WhateverTheBytes) {
  const json::value value =
      json::object{{"log", std::string("a\xff\xc0\xaf\x1b[0m\"\\\n\xe2\x82\xac"
                                       "\xed\xa0\x80\x00z",
                                       20)}};
  const std::string text = to_text(value);
  const auto again = parse_json("x", text);
  ASSERT_TRUE(again.has_value()) << text;
  EXPECT_EQ(text.find('\xff'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("\xe2\x82\xac"), std::string::npos);
}

TEST(Json, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(to_text(json::value(8.0)), "8");
  EXPECT_EQ(to_text(json::value(0.3)), "0.3");
  EXPECT_EQ(to_text(json::value(1.5)), "1.5");
  EXPECT_EQ(to_text(json::value(std::int64_t{9'007'199'254'740'993})), "9007199254740993");
}

TEST(DecisionJson, HasEveryPartOfTheCostAndWhyNotTheOthers) {
  const JobSpec spec = *parse_job_spec(R"({"command":["true"]})");
  const json::value value = decision_to_json(sample_decision(), spec, "USD");
  const std::string text = to_text(value);
  for (const char* part :
       {R"("outcome":"placed")", R"("site":"alpha-1")", R"("variant":"default")",
        R"("rate_per_hour":"0.36")", R"("compute":"0.01")", R"("data_in":"0.0005")",
        R"("data_out":"0")", R"("total":"0.0105")", R"("total_seconds":110)",
        R"("why_not":"0.01 USD dearer, would finish 20 s sooner")", R"("reason":"memory")",
        R"("detail":"needs 4096 MiB of memory, has 2048")", R"("wanted":4096)",
        R"("pools_considered":3)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in " << text;
  }
  EXPECT_EQ(explain(sample_waiting(), spec, "USD"),
            "nothing adequate is free now, 3 pools considered; nearest: gamma-1/gpu: wants 2 "
            "units, 0 are free (capacity)");
  EXPECT_NE(text.find(R"("surveyed":true)"), std::string::npos);
}

TEST(DecisionJson, SaysWhereTheOtherPoolsWereNotSurveyed) {
  Decision decision = sample_decision();
  decision.runners_up.clear();
  decision.rejections.clear();
  decision.pools_considered = 0;
  decision.pools_adequate = 0;
  const JobSpec spec = *parse_job_spec(R"({"command":["true"]})");
  const std::string text = to_text(decision_to_json(decision, spec, "USD"));
  EXPECT_NE(text.find(R"("surveyed":false)"), std::string::npos) << text;
  EXPECT_EQ(explain(decision, spec, "USD"),
            "alpha-1 at 0.0105 USD: the best of all pools; a quote lists the others");
}

TEST(DecisionJson, SaysHowFarAClearingPutTheJobAboveWhatItCouldHaveHadAlone) {
  Decision decision = sample_decision();
  decision.clearing = ClearedWith{312, 120'000};
  JobSpec spec = *parse_job_spec(R"({"command":["true"]})");
  EXPECT_EQ(
      explain(decision, spec, "USD"),
      "alpha-1 at 0.0105 USD: 0.12 USD above the cheapest, as part of a clearing of 312 jobs");
  const std::string text = to_text(decision_to_json(decision, spec, "USD"));
  EXPECT_NE(text.find(R"("clearing":{"jobs":312,"margin":"0.12",)"), std::string::npos) << text;

  spec.objective = Objective::fastest;
  decision.clearing->margin = 35;
  EXPECT_EQ(explain(decision, spec, "USD"),
            "alpha-1 at 0.0105 USD: 35 s after the fastest, as part of a clearing of 312 jobs");
  EXPECT_NE(to_text(decision_to_json(decision, spec, "USD")).find(R"("margin_seconds":35)"),
            std::string::npos);

  decision.clearing->margin = 0;
  EXPECT_EQ(explain(decision, spec, "USD"),
            "alpha-1 at 0.0105 USD: the best of all pools, as part of a clearing of 312 jobs");
}

}  // namespace
}  // namespace tradewind::testing
