#include "gateway/performance/learnt_performance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "schemas/limits.h"
#include "schemas/money.h"

namespace tradewind {
namespace {

using Factor = LearntPerformance::Factor;

const LearntClass training{PoolId{"gpu"}, "training"};

class Learning : public testing::Test {
 protected:
  Learning() { performance.learn({{training, ppm_one}}); }

  // A job of so much work that took so long.
  std::optional<LearntClass> run(std::uint64_t work_seconds, std::uint64_t run_milliseconds,
                                 const std::string& tenant = "physics",
                                 EndCode code = EndCode::succeeded) {
    Assignment assignment;
    assignment.tenant.value = tenant;
    assignment.pool = training.first;
    assignment.workload_class = training.second;
    assignment.work_seconds = work_seconds;
    EndReport report;
    report.code = code;
    report.usage.started = Wall::time_point(std::chrono::seconds(1'000));
    report.usage.ended = report.usage.started + std::chrono::milliseconds(run_milliseconds);
    return performance.ended(assignment, report);
  }
  void run_many(int count, std::uint64_t work_seconds, std::uint64_t run_milliseconds,
                const std::string& tenant = "physics") {
    for (int each = 0; each < count; ++each) run(work_seconds, run_milliseconds, tenant);
  }
  std::int64_t ppm() const { return performance.factors().at(training).ppm; }

  LearntPerformance performance;
};

TEST_F(Learning, AFactorComesToWhatIsMeasured) {
  EXPECT_EQ(ppm(), ppm_one);
  run_many(4, 100, 50'000);
  EXPECT_EQ(ppm(), ppm_one) << "too few to say";
  EXPECT_EQ(run(100, 50'000), training);
  EXPECT_EQ(ppm(), 1'250'000) << "by a quarter at most";
  run_many(20, 100, 50'000);
  EXPECT_EQ(ppm(), 2'000'000);
  run_many(40, 100, 200'000);
  EXPECT_EQ(ppm(), 500'000);
  EXPECT_EQ(performance.factors().at(training), (Factor{ppm_one, 500'000, 65, 1}));
}

TEST_F(Learning, OneOddRunAmongManyChangesNothing) {
  run_many(25, 100, 50'000);
  run(100, 5'000'000);
  run_many(4, 100, 50'000);
  EXPECT_EQ(ppm(), 2'000'000);
}

TEST_F(Learning, WhatSaysNothingIsNotCounted) {
  for (const EndCode code : {EndCode::failed, EndCode::canceled, EndCode::time_limit,
                             EndCode::preempted, EndCode::stage_out_failed}) {
    EXPECT_FALSE(run(100, 50'000, "physics", code));
  }
  EXPECT_FALSE(run(0, 50'000)) << "it states no work";
  EXPECT_FALSE(run(100, LearntPerformance::run_milliseconds_min - 1));
  EXPECT_TRUE(run(100, LearntPerformance::run_milliseconds_min));
  Assignment other;
  other.pool = training.first;
  other.workload_class = "inference";
  other.work_seconds = 100;
  EndReport report;
  report.usage.ended += std::chrono::seconds(100);
  EXPECT_FALSE(performance.ended(other, report)) << "its class is not learnt";
  EXPECT_EQ(performance.factors().at(training).successes, 1U);
}

TEST_F(Learning, ItStaysBetweenAQuarterAndFourTimesOfTheStart) {
  run_many(200, limits::seconds_max, LearntPerformance::run_milliseconds_min);
  EXPECT_EQ(ppm(), 4 * ppm_one);
  run_many(200, 1, 1'000'000'000'000);
  EXPECT_EQ(ppm(), ppm_one / 4);
  performance.learn({{training, 1}});
  run_many(200, 1, 1'000'000'000'000);
  EXPECT_EQ(ppm(), 1);
  performance.learn({{training, limits::performance_ppm_max}});
  run_many(200, UINT64_MAX, LearntPerformance::run_milliseconds_min);
  EXPECT_EQ(ppm(), limits::performance_ppm_max);
}

TEST_F(Learning, AFloodOfOneTenantCountsAsMuchAsAnother) {
  for (const char* tenant : {"physics", "biology", "chemistry"}) {
    run_many(20, 100, 50'000, tenant);
  }
  EXPECT_EQ(ppm(), 2'000'000);
  run_many(1'000, 1, 1'000'000, "flood");
  EXPECT_EQ(ppm(), 2'000'000);
  EXPECT_EQ(performance.factors().at(training).tenants, 4U);
  for (int each = 0; each < 100; ++each) run(100, 50'000, "tenant" + std::to_string(each));
  EXPECT_EQ(performance.factors().at(training).tenants, LearntPerformance::tenants_max);
}

TEST_F(Learning, WhatIsKeptComesBack) {
  run_many(13, 100, 50'000);
  run_many(3, 100, 80'000, "biology");
  const std::string kept = performance.encode(training);
  LearntPerformance again;
  again.learn({{training, ppm_one}});
  ASSERT_TRUE(again.restore(training, kept));
  EXPECT_EQ(again.factors(), performance.factors());
  EXPECT_EQ(again.encode(training), kept);
  // From another start, or of a class that is fixed now, it is no news.
  again.learn({{training, 2 * ppm_one}});
  ASSERT_TRUE(again.restore(training, kept));
  EXPECT_EQ(again.factors().at(training), (Factor{2 * ppm_one, 2 * ppm_one, 0, 0}));
  again.learn({});
  EXPECT_TRUE(again.restore(training, kept));
  EXPECT_TRUE(again.factors().empty());
}

TEST_F(Learning, AnotherStartBeginsAnewAndTheSameGoesOn) {
  run_many(5, 100, 50'000);
  const LearntClass inference{PoolId{"gpu"}, "inference"};
  performance.learn({{training, ppm_one}, {inference, 3 * ppm_one}});
  EXPECT_EQ(ppm(), 1'250'000);
  performance.learn({{training, 2 * ppm_one}});
  EXPECT_EQ(ppm(), 2 * ppm_one);
  EXPECT_FALSE(performance.factors().contains(inference));
}

TEST_F(Learning, ATextThatDoesNotFitIsRefused) {
  run_many(6, 100, 50'000);
  const std::string kept = performance.encode(training);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = kept;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& each :
       {std::string(), std::string("performance 1\n"), changed("performance 1", "performance 2"),
        changed("1250000 ", "0 "), changed("1250000 ", "9000000 "), changed("1250000 ", "100 "),
        changed("1250000 ", "1250000x "), changed("6 1\n", "6 5\n"), changed("6 1\n", "6\n"),
        changed("physics ", "Physics "),
        changed("physics 2000000 2000000 2000000 2000000 2000000", "physics"),
        changed("physics ", "physics 1 1 1 "), changed("physics 2000000", "physics -1"),
        kept + kept}) {
    LearntPerformance fresh;
    fresh.learn({{training, ppm_one}});
    const Status restored = fresh.restore(training, each);
    EXPECT_FALSE(restored) << each;
    EXPECT_EQ(fresh.factors().at(training), (Factor{ppm_one, ppm_one, 0, 0}));
  }
}

}  // namespace
}  // namespace tradewind
