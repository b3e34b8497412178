// What options make of a job, and what a job that has ended makes of `tradewind run`.
#include "broker/cli/job_document.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker/api/job_json.h"
#include "broker/cli/run.h"

namespace tradewind::cli {
namespace {

Result<boost::json::object> document(std::vector<std::string> words,
                                     const JobDefaults& defaults = {}) {
  CLI::App app;
  JobOptions options;
  add_job_options(app, options);
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return job_document(options, defaults);
}

// As the broker reads it.
JobSpec spec(const std::vector<std::string>& words, const JobDefaults& defaults = {}) {
  const auto made = document(words, defaults);
  EXPECT_TRUE(made) << describe(made.error());
  if (!made) return {};
  const std::string text = boost::json::serialize(*made);
  const auto read = parse_job_spec(text);
  EXPECT_TRUE(read) << describe(read.error()) << text;
  return read ? *read : JobSpec{};
}

TEST(JobDocument, OptionsSayAllThatADocumentCan) {
  const JobSpec job = spec({"--name",
                            "n",
                            "--description",
                            "d",
                            "--tag",
                            "team=blue",
                            "--cpus",
                            "2",
                            "--memory-gib",
                            "1.5",
                            "--accelerators",
                            "2",
                            "--accelerator-family",
                            "cuda",
                            "--accelerator-model",
                            "a100,h100",
                            "--accelerator-memory-gib",
                            "40",
                            "--nodes",
                            "2",
                            "--arch",
                            "amd64,arm64",
                            "--work-seconds",
                            "60",
                            "--workload-class",
                            "training",
                            "--time-limit-seconds",
                            "100",
                            "--queue-limit-seconds",
                            "200",
                            "--total-limit-seconds",
                            "300",
                            "--deadline",
                            "2030-01-01T00:00:00Z",
                            "--image",
                            "debian:12",
                            "--workdir",
                            "/w",
                            "--stdin",
                            "/i",
                            "--stdout",
                            "/o",
                            "--stderr",
                            "/e",
                            "--env",
                            "A=b",
                            "--network",
                            "--no-restart",
                            "--attempts-max",
                            "5",
                            "--on-disconnect",
                            "continue",
                            "--region",
                            "eu-zurich",
                            "--region-denied",
                            "us-iowa",
                            "--site",
                            "a,b",
                            "--site-denied",
                            "c",
                            "--jurisdiction",
                            "CH",
                            "--jurisdiction-denied",
                            "US",
                            "--provider",
                            "alpha",
                            "--provider-denied",
                            "beta",
                            "--label",
                            "tier=gold",
                            "--label-denied",
                            "spot=yes",
                            "--latency",
                            "eu-zurich=20",
                            "--cost-max",
                            "2.50",
                            "--rate-max",
                            "1",
                            "--wait-seconds-max",
                            "30",
                            "--carbon-max",
                            "100",
                            "--preemptible",
                            "--objective",
                            "balanced",
                            "--value-per-hour",
                            "3",
                            "--home-region",
                            "eu-zurich",
                            "--priority",
                            "7",
                            "--array",
                            "3",
                            "--",
                            "./train",
                            "--cpus",
                            "x"});
  EXPECT_EQ(job.description, "d");
  EXPECT_EQ(job.tags.at("team"), "blue");
  EXPECT_EQ(job.resources.accelerators, 2U);
  const Variant& variant = job.variants.at(0);
  EXPECT_EQ(variant.accelerator.family, "cuda");
  EXPECT_EQ(variant.accelerator.models, (std::vector<std::string>{"a100", "h100"}));
  EXPECT_EQ(variant.accelerator.memory_gib_min, 40U);
  EXPECT_EQ(variant.workload_class, "training");
  const Executor& executor = variant.executors.at(0);
  EXPECT_EQ(executor.command, (std::vector<std::string>{"./train", "--cpus", "x"}));
  EXPECT_EQ(executor.workdir + executor.stdin_path + executor.stdout_path + executor.stderr_path,
            "/w/i/o/e");
  EXPECT_EQ(job.queue_seconds_max, 200U);
  EXPECT_FALSE(job.restartable);
  EXPECT_EQ(job.attempts_max, 5U);
  EXPECT_EQ(job.on_disconnect, OnDisconnect::resume);
  const Constraints& limits = job.constraints;
  EXPECT_EQ(limits.sites_allowed, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(limits.sites_denied, std::vector<std::string>{"c"});
  EXPECT_EQ(limits.regions_denied, std::vector<std::string>{"us-iowa"});
  EXPECT_EQ(limits.jurisdictions_allowed, std::vector<std::string>{"CH"});
  EXPECT_EQ(limits.providers_denied, std::vector<std::string>{"beta"});
  EXPECT_EQ(limits.labels.at("tier"), "gold");
  EXPECT_EQ(limits.labels_denied.at("spot"), "yes");
  EXPECT_EQ(limits.latency_region, "eu-zurich");
  EXPECT_EQ(limits.latency_ms_max, 20U);
  EXPECT_EQ(limits.rate_max->micros, 1'000'000);
  EXPECT_EQ(limits.wait_seconds_max, 30U);
  EXPECT_EQ(limits.carbon_g_kwh_max, 100U);
  EXPECT_EQ(job.value_per_hour.micros, 3'000'000);
  EXPECT_EQ(job.array_count, 3U);
}

TEST(JobDocument, DefaultsCountWhereNothingElseIsSaid) {
  const JobDefaults defaults{"eu-zurich", {{"team", "blue"}, {"project", "x"}}};
  const JobSpec job = spec({"--tag", "team=red", "--", "true"}, defaults);
  EXPECT_EQ(job.home_region, "eu-zurich");
  EXPECT_EQ(job.tags, (std::map<std::string, std::string>{{"team", "red"}, {"project", "x"}}));
  EXPECT_EQ(spec({"--home-region", "us-iowa", "--", "true"}, defaults).home_region, "us-iowa");
}

TEST(JobDocument, WhatIsWrongIsNamedByItsOption) {
  EXPECT_EQ(document({"--latency", "eu-zurich", "--", "x"}).error().field, "--latency");
  EXPECT_EQ(document({"--latency", "eu-zurich=fast", "--", "x"}).error().field, "--latency");
  EXPECT_EQ(document({"--label", "gold", "--", "x"}).error().field, "--label");
  EXPECT_EQ(document({}).error().field, "command");
  EXPECT_EQ(document({"nowhere.yaml"}).error().field, "file");
}

int exit_of(const char* job, int signal = 0) {
  return run_exit_of(boost::json::parse(job), signal);
}

TEST(RunExit, IsTheCommandsOwnCodeOrSaysWhyThereIsNone) {
  EXPECT_EQ(exit_of(R"({"state":"succeeded","exit_code":0})"), 0);
  EXPECT_EQ(
      exit_of(R"({"state":"failed","exit_code":3,"attempts":[{"report":{"code":"failed"}}]})"), 3);
  EXPECT_EQ(
      exit_of(
          R"({"state":"failed","exit_code":137,"attempts":[{"report":{"code":"out_of_memory"}}]})"),
      137);
  EXPECT_EQ(
      exit_of(
          R"({"state":"failed","exit_code":143,"attempts":[{"report":{"code":"time_limit"}}]})"),
      124);
  EXPECT_EQ(exit_of(R"({"state":"failed","end_reason":"total time limit: …","attempts":[]})"), 124);
  EXPECT_EQ(exit_of(R"({"state":"failed","attempts":[{"report":{"code":"stage_in_failed"}}]})"),
            125);
  EXPECT_EQ(exit_of(R"({"state":"failed","attempts":[{"state":"lost"}]})"), 125);
  EXPECT_EQ(exit_of(R"({"state":"unroutable","attempts":[]})"), 125);
  EXPECT_EQ(exit_of(R"({"state":"canceled","attempts":[]})"), 130);
  EXPECT_EQ(exit_of(R"({"state":"canceled","attempts":[]})", 2), 130);
  EXPECT_EQ(exit_of(R"({"state":"canceled","attempts":[]})", 15), 143);
}

}  // namespace
}  // namespace tradewind::cli
