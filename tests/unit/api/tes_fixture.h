// Tasks of GA4GH TES 1.1, what strict clients accept in them, and an endpoint that serves them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {

inline constexpr const char* kBase = "/ga4gh/tes/v1/tasks";
inline constexpr const char* kTask = R"({
  "name": "t1", "description": "d", "tags": {"team": "blue", "empty": ""},
  "inputs": [{"name": "i", "url": "file:///data/a", "path": "/in/a"},
             {"path": "/in/b", "content": "inline", "type": "FILE", "url": "s3://ignored/x"},
             {"path": "/in/c", "url": "/plain/path", "type": "DIRECTORY", "streamable": true}],
  "outputs": [{"path": "/out/*", "path_prefix": "/out", "url": "file:///results"}],
  "resources": {"cpu_cores": 2, "ram_gb": 1.5, "disk_gb": 10, "preemptible": true,
    "zones": ["eu-west"], "backend_parameters": {"Max_Cost": "1.25", "VmSize": "big",
    "architecture": "amd64, arm64", "deadline": "2030-01-01T00:00:00Z", "max_runtime_s": "600",
    "priority": "5", "data_region": "eu-west", "network": "true"}},
  "executors": [{"image": "debian:12", "command": ["echo", "hi"], "workdir": "/w", "stdin": "/in/b",
    "stdout": "/out/stdout", "stderr": "/out/stderr", "env": {"K": "V"}, "ignore_error": true}],
  "volumes": ["/vol"]
})";
inline constexpr const char* kSmall = R"({"executors":[{"image":"i","command":["true"]}]})";

// What TES 1.1 has in each of its objects.
inline const std::map<std::string, std::set<std::string>> kMembers = {
    {"task",
     {"id", "state", "name", "description", "inputs", "outputs", "resources", "executors",
      "volumes", "tags", "logs", "creation_time"}},
    {"input", {"name", "description", "url", "path", "type", "content", "streamable"}},
    {"output", {"name", "description", "url", "path", "path_prefix", "type"}},
    {"executor",
     {"image", "command", "workdir", "stdin", "stdout", "stderr", "env", "ignore_error"}},
    {"resources",
     {"cpu_cores", "ram_gb", "disk_gb", "preemptible", "zones", "backend_parameters",
      "backend_parameters_strict"}},
    {"log", {"logs", "metadata", "start_time", "end_time", "outputs", "system_logs"}},
    {"executor_log", {"start_time", "end_time", "stdout", "stderr", "exit_code"}},
    {"output_log", {"url", "path", "size_bytes"}},
};

inline void expect_members(const std::string& kind, const json::value& value) {
  for (const auto& each : value.as_object()) {
    EXPECT_TRUE(kMembers.at(kind).contains(std::string(each.key())))
        << kind << " must not have " << std::string(each.key());
  }
}

inline void expect_no_null(const json::value& value) {
  EXPECT_FALSE(value.is_null());
  if (const auto* object = value.if_object()) {
    for (const auto& each : *object) expect_no_null(each.value());
  }
  if (const auto* array = value.if_array()) {
    for (const auto& each : *array) expect_no_null(each);
  }
}

inline void expect_time(const json::object& object, const char* name) {
  if (!object.contains(name)) return;
  const auto& text = object.at(name).as_string();
  EXPECT_TRUE(parse_rfc3339(name, std::string_view(text.data(), text.size())).has_value()) << text;
}

// The whole schema, as strict clients check it.
inline void expect_schema(const json::value& task) {
  expect_no_null(task);
  expect_members("task", task);
  const json::object& object = task.as_object();
  expect_time(object, "creation_time");
  const auto each = [&](const json::object& parent, const char* list, const char* kind) {
    if (!parent.contains(list)) return;
    for (const auto& one : parent.at(list).as_array()) expect_members(kind, one);
  };
  each(object, "inputs", "input");
  each(object, "outputs", "output");
  each(object, "executors", "executor");
  if (object.contains("resources")) {
    expect_members("resources", object.at("resources"));
    const json::object& resources = object.at("resources").as_object();
    if (resources.contains("cpu_cores")) {
      EXPECT_TRUE(resources.at("cpu_cores").is_int64() || resources.at("cpu_cores").is_uint64());
    }
  }
  for (const char* list : {"inputs", "outputs"}) {
    if (!object.contains(list)) continue;
    for (const auto& one : object.at(list).as_array())
      EXPECT_TRUE(one.as_object().contains("type"));
  }
  if (!object.contains("logs")) return;
  for (const auto& log : object.at("logs").as_array()) {
    expect_members("log", log);
    EXPECT_TRUE(log.at("logs").is_array());
    EXPECT_TRUE(log.at("outputs").is_array());
    expect_time(log.as_object(), "start_time");
    expect_time(log.as_object(), "end_time");
    for (const auto& one : log.at("logs").as_array()) {
      expect_members("executor_log", one);
      EXPECT_TRUE(one.at("exit_code").is_int64());
    }
    for (const auto& one : log.at("outputs").as_array()) {
      expect_members("output_log", one);
      EXPECT_TRUE(one.at("size_bytes").is_string());
    }
    if (log.as_object().contains("metadata")) {
      for (const auto& one : log.at("metadata").as_object()) EXPECT_TRUE(one.value().is_string());
    }
  }
}

class TesTest : public EndpointTest {
 protected:
  void SetUp() override {
    EndpointTest::SetUp();
    service.set_market(sample_market());
  }
  JobId create(std::string_view document = kSmall, std::string_view token = {}) {
    const RawResponse response = post(kBase, token.empty() ? alice : token, document);
    EXPECT_EQ(response.status, 200) << response.body;
    return JobId{at(parsed(response), "/id")};
  }
  json::value task(const JobId& id, const char* view) {
    const json::value value =
        parsed(get(std::string(kBase) + "/" + id.value + "?view=" + view, alice));
    expect_schema(value);
    return value;
  }
  static AttemptRecord attempt(std::uint32_t number, AttemptState state, const char* site) {
    AttemptRecord record;
    record.number = number;
    record.state = state;
    record.decision = sample_decision(site);
    record.decided = wall_from_ms(1'700'000'000'000);
    if (state >= AttemptState::running && state <= AttemptState::ended) {
      record.started = wall_from_ms(1'700'000'001'000);
    }
    if (is_over(state)) record.over = wall_from_ms(1'700'000'009'000);
    return record;
  }
  static AttemptRecord ended(std::uint32_t number, const char* site, EndCode code,
                             std::vector<std::int32_t> exit_codes) {
    AttemptRecord record = attempt(number, AttemptState::ended, site);
    EndReport report;
    report.code = code;
    report.started = true;
    report.detail = code == EndCode::succeeded ? "" : "why it ended";
    for (const std::int32_t exit_code : exit_codes) {
      ExecutorEnd end;
      end.exit_code = exit_code;
      end.started = wall_from_ms(1'700'000'001'000);
      end.ended = wall_from_ms(1'700'000'002'000);
      end.stdout_tail = "out\xff";
      end.stderr_tail = "err";
      report.executors.push_back(end);
    }
    report.outputs = {OutputFile{"/out/a", "file:///results/a", 9'007'199'254'740'993, "aa"}};
    report.charge = Money{2'500};
    report.system_log = {"a line of the engine"};
    record.report = report;
    return record;
  }
  void place(const JobId& id, JobState state, std::vector<AttemptRecord> attempts) {
    service.change(id, [&](JobRecord& job) {
      job.state = state;
      job.attempts = std::move(attempts);
    });
  }
  std::string state_of(const JobId& id) { return at(task(id, "MINIMAL"), "/state"); }
};

}  // namespace tradewind::testing
