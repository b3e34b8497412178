#include "broker/jobs/assignment.h"

#include <gtest/gtest.h>

#include "schemas/limits.h"

namespace tradewind {
namespace {

JobRecord job() {
  JobRecord record;
  record.job = job_id(Sequence{1});
  record.tenant.value = "acme";
  record.spec.variants.resize(2);
  record.spec.variants[1].executors.resize(1);
  record.spec.variants[1].executors[0].command = {"second"};
  return record;
}

Decision decision() {
  Decision made;
  made.outcome = Outcome::placed;
  made.chosen.emplace();
  made.chosen->site.value = "s1";
  made.chosen->pool.value = "cpu";
  made.chosen->variant = 1;
  made.chosen->finish.run_seconds = 2'000;
  return made;
}

TEST(Assignment, CarriesTheChosenVariantAndOneReplicaOfEachInput) {
  JobRecord record = job();
  Input input;
  input.replicas = {{"https://a/x", "", ""}, {"https://b/x", "", ""}};
  Input inlined;
  inlined.content = "bytes";
  inlined.replicas = {{"https://a/y", "", ""}};
  record.spec.inputs = {input, inlined};
  Decision made = decision();
  made.chosen->replicas = {1, 0};
  const Assignment assignment = make_assignment(record, 3, made, AssignmentTerms{});
  EXPECT_EQ(assignment.executors[0].command, std::vector<std::string>{"second"});
  ASSERT_EQ(assignment.inputs[0].replicas.size(), 1U);
  EXPECT_EQ(assignment.inputs[0].replicas[0].url, "https://b/x");
  EXPECT_TRUE(assignment.inputs[1].replicas.empty());
  EXPECT_EQ(assignment.env.at("TRADEWIND_ATTEMPT"), "3");
  EXPECT_EQ(assignment.env.at("TRADEWIND_SITE"), "s1");
  EXPECT_EQ(assignment.env.count("TRADEWIND_ARRAY_INDEX"), 0U);
}

TEST(Assignment, NamesTheContractAndWhatItCovers) {
  Decision made = decision();
  made.chosen->contract.value = "c1";
  made.chosen->contract_units = 3;
  const Assignment assignment = make_assignment(job(), 1, made, {.conversion_ppm = 1'080'000});
  EXPECT_EQ(assignment.contract.value, "c1");
  EXPECT_EQ(assignment.contract_units, 3U);
  EXPECT_EQ(assignment.conversion_ppm, 1'080'000);
}

TEST(Assignment, LimitsTheRunToWhatWasStatedOrFourTimesTheExpected) {
  JobRecord record = job();
  EXPECT_EQ(make_assignment(record, 1, decision(), AssignmentTerms{}).run_seconds_max, 8'000U);
  EXPECT_EQ(make_assignment(record, 1, decision(), AssignmentTerms{.run_seconds_max = 5'000})
                .run_seconds_max,
            5'000U);
  Decision brief = decision();
  brief.chosen->finish.run_seconds = 1;
  EXPECT_EQ(make_assignment(record, 1, brief, AssignmentTerms{}).run_seconds_max,
            limits::run_seconds_default);
  record.spec.run_seconds_max = 7;
  EXPECT_EQ(make_assignment(record, 1, decision(), AssignmentTerms{.run_seconds_max = 5'000})
                .run_seconds_max,
            7U);
}

}  // namespace
}  // namespace tradewind
