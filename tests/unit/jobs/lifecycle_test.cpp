// From submission to the end, as the sites answer.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

TEST_F(LifecycleTest, DispatchesAJobWithTheDecisionInTheSameBatch) {
  const JobId job = submit(spec());
  const LifecycleOutput output = step();
  ASSERT_EQ(output.entries.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<JobSubmitted>(output.entries[0].body));
  EXPECT_TRUE(std::holds_alternative<JobDecided>(output.entries[1].body));
  ASSERT_EQ(output.jobs.size(), 1U);
  EXPECT_EQ(output.jobs[0]->state, JobState::dispatching);
  const auto dispatches = of<Dispatch>(output.sends);
  ASSERT_EQ(dispatches.size(), 1U);
  EXPECT_EQ(dispatches[0].first, "s1");
  EXPECT_EQ(dispatches[0].second.attempt, (AttemptId{job, 1}));
  EXPECT_EQ(dispatches[0].second.assignment.price_ppm, 1'200'000);
  EXPECT_EQ(dispatches[0].second.assignment.quote_version, (RecordVersion{1, 7}));
}

TEST_F(LifecycleTest, FollowsAnAttemptThroughItsPhasesToSuccess) {
  const JobId job = dispatched(spec());
  granted("s1", {job, 1});
  EXPECT_EQ(router.granted_count, 1);
  for (const auto& [phase, expected] : {std::pair(AttemptPhase::staging, JobState::staging),
                                        std::pair(AttemptPhase::running, JobState::running),
                                        std::pair(AttemptPhase::finishing, JobState::finishing)}) {
    status("s1", {job, 1}, phase);
    EXPECT_EQ(state(job), expected);
  }
  const LifecycleOutput output = ended("s1", {job, 1}, EndCode::succeeded, Money{5});
  EXPECT_EQ(state(job), JobState::succeeded);
  EXPECT_EQ(tables.at(job).charged, Money{5});
  ASSERT_EQ(of<AcknowledgeEnd>(output.sends).size(), 1U);
  EXPECT_EQ(lifecycle->find(job), nullptr) << "an ended job leaves memory";
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(LifecycleTest, AcknowledgesAnEndThatComesAgainWithoutAnotherEntry) {
  const JobId job = running(spec());
  ended("s1", {job, 1}, EndCode::succeeded, Money{5});
  const LifecycleOutput again = ended("s1", {job, 1}, EndCode::succeeded, Money{5});
  EXPECT_TRUE(again.entries.empty());
  EXPECT_EQ(of<AcknowledgeEnd>(again.sends).size(), 1U);
  EXPECT_EQ(tables.at(job).charged, Money{5});
}

TEST_F(LifecycleTest, TakesAnEndAsTheGrantThatWasLostOnTheWay) {
  const JobId job = dispatched(spec());
  ended("s1", {job, 1}, EndCode::succeeded);
  EXPECT_EQ(state(job), JobState::succeeded);
  EXPECT_EQ(tables.at(job).attempts_granted, 1U);
}

TEST_F(LifecycleTest, IgnoresPhasesThatComeLate) {
  const JobId job = running(spec());
  EXPECT_TRUE(status("s1", {job, 1}, AttemptPhase::staging).entries.empty());
  EXPECT_TRUE(granted("s1", {job, 1}).entries.empty());
  EXPECT_TRUE(refused("s1", {job, 1}).entries.empty());
  EXPECT_EQ(state(job), JobState::running);
}

TEST_F(LifecycleTest, IgnoresSitesThatSpeakOfAttemptsThatAreNotTheirs) {
  const JobId job = running(spec());
  EXPECT_TRUE(ended("s2", {job, 1}, EndCode::failed).empty());
  EXPECT_TRUE(ended("s1", {job, 2}, EndCode::failed).empty());
  EXPECT_TRUE(status("s2", {job, 1}, AttemptPhase::unknown).empty());
  EXPECT_TRUE(refused("s2", {job, 1}).empty());
  EXPECT_EQ(state(job), JobState::running);
  EXPECT_EQ(lifecycle->counters().strays, 4U);
}

TEST_F(LifecycleTest, RoutesARefusedJobToTheNextSiteAsANewAttempt) {
  const JobId job = dispatched(spec());
  const LifecycleOutput output = refused("s1", {job, 1});
  const auto dispatches = of<Dispatch>(output.sends);
  ASSERT_EQ(dispatches.size(), 1U);
  EXPECT_EQ(dispatches[0].first, "s2");
  EXPECT_EQ(dispatches[0].second.attempt.number, 2U);
  EXPECT_EQ(tables.at(job).attempts_granted, 0U) << "refusals do not count";
  // A copy of the refusal says nothing new.
  EXPECT_TRUE(refused("s1", {job, 1}).entries.empty());
}

TEST_F(LifecycleTest, AsksARefusingSiteAgainLaterAndLaterStill) {
  router.open = {"s1"};
  const JobId job = dispatched(spec());
  refused("s1", {job, 1});
  EXPECT_EQ(state(job), JobState::queued);
  EXPECT_TRUE(of<Dispatch>(advance(1s)).empty());
  EXPECT_EQ(of<Dispatch>(advance(2s)).size(), 1U);
  refused("s1", {job, 2});
  EXPECT_TRUE(of<Dispatch>(advance(3s)).empty());
  EXPECT_EQ(of<Dispatch>(advance(2s)).size(), 1U);
}

TEST_F(LifecycleTest, PausesAJobThatEverySiteRefuses) {
  router.open = {"s1", "s2", "s3", "s4", "s5", "s6"};
  const JobId job = dispatched(spec());
  for (std::uint32_t n = 1; n <= options.refusals_per_pass; ++n) {
    refused("s" + std::to_string(n), {job, n});
  }
  EXPECT_EQ(state(job), JobState::queued);
  EXPECT_EQ(lifecycle->waiting(), 1U);
  advance(2s);
  EXPECT_EQ(state(job), JobState::dispatching);
}

TEST_F(LifecycleTest, EndsAJobByItsOwnFaultAndSaysWhy) {
  for (const EndCode code : {EndCode::failed, EndCode::time_limit, EndCode::out_of_memory,
                             EndCode::stage_in_failed, EndCode::stage_out_failed}) {
    const JobId job = running(spec());
    ended("s1", {job, 1}, code);
    EXPECT_EQ(state(job), JobState::failed);
    EXPECT_NE(tables.at(job).end_reason.find(to_string(code)), std::string::npos);
  }
}

TEST_F(LifecycleTest, RunsAJobAgainElsewhereWhenItsSiteBrokeItOff) {
  for (const EndCode code :
       {EndCode::engine_failed, EndCode::interrupted, EndCode::lease_expired, EndCode::preempted}) {
    const JobId job = running(spec());
    const LifecycleOutput output = ended("s1", {job, 1}, code);
    const auto dispatches = of<Dispatch>(output.sends);
    ASSERT_EQ(dispatches.size(), 1U);
    EXPECT_EQ(dispatches[0].first, "s2");
    EXPECT_EQ(state(job), JobState::dispatching);
  }
}

TEST_F(LifecycleTest, GivesUpAfterAsManyGrantedAttemptsAsTheJobAllows) {
  JobSpec job_spec = spec();
  job_spec.attempts_max = 2;
  const JobId job = running(job_spec);
  ended("s1", {job, 1}, EndCode::engine_failed);
  granted("s2", {job, 2});
  ended("s2", {job, 2}, EndCode::engine_failed);
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_NE(tables.at(job).end_reason.find("last of 2"), std::string::npos);
}

TEST_F(LifecycleTest, NeverRunsAJobAgainThatMayNotBe) {
  JobSpec job_spec = spec();
  job_spec.restartable = false;
  const JobId job = running(job_spec);
  ended("s1", {job, 1}, EndCode::preempted);
  EXPECT_EQ(state(job), JobState::failed);
}

TEST_F(LifecycleTest, CutsAChargeAboveTheTermsToThem) {
  const JobId job = running(spec());
  advance(5s);
  ended("s1", {job, 1}, EndCode::succeeded, Money{1'000'000'000});
  // 5 s held, 5 s of skew, 10 s billed at least, at one a second.
  EXPECT_EQ(tables.at(job).charged, Money{20'000'000});
  EXPECT_EQ(lifecycle->counters().overcharges, 1U);
}

TEST_F(LifecycleTest, CountsTheLiveJobsOfEachTenant) {
  JobSpec tasks = spec();
  tasks.array_count = 3;
  submit(tasks, "beta");
  const JobId job = running(spec());
  const std::map<TenantId, std::size_t> both{{TenantId{"acme"}, 1}, {TenantId{"beta"}, 3}};
  EXPECT_EQ(lifecycle->tenants(), both);
  ended("s1", {job, 1}, EndCode::succeeded);
  const std::map<TenantId, std::size_t> one{{TenantId{"acme"}, 0}, {TenantId{"beta"}, 3}};
  EXPECT_EQ(lifecycle->tenants(), one);
}

TEST_F(LifecycleTest, MakesAnArrayIntoTasks) {
  JobSpec job_spec = spec();
  job_spec.array_count = 3;
  const JobId array = submit(job_spec);
  const LifecycleOutput output = step();
  ASSERT_EQ(output.jobs.size(), 3U);
  EXPECT_EQ(output.jobs[2]->job, array_task_id(array, 2));
  EXPECT_EQ(output.jobs[2]->array, array);
  EXPECT_EQ(output.jobs[2]->array_count, 3U);
  EXPECT_EQ(output.jobs[2]->spec.array_count, 0U);
  const auto dispatches = of<Dispatch>(output.sends);
  ASSERT_EQ(dispatches.size(), 3U);
  EXPECT_EQ(dispatches[2].second.assignment.env.at("TRADEWIND_ARRAY_INDEX"), "2");
  EXPECT_EQ(dispatches[2].second.assignment.env.at("TRADEWIND_ARRAY_COUNT"), "3");
}

TEST_F(LifecycleTest, CancelsAQueuedJobAtOnce) {
  router.open.clear();
  const JobId job = submit(spec());
  step();
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  step();
  EXPECT_EQ(state(job), JobState::canceled);
  EXPECT_FALSE(lifecycle->cancel(job, "ada", now)) << "it is not live any more";
}

TEST_F(LifecycleTest, CancelsARunningJobByItsSiteAndAsksUntilItEnds) {
  const JobId job = running(spec());
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  EXPECT_EQ(of<CancelAttempt>(step().sends).size(), 1U);
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  EXPECT_TRUE(step().entries.empty()) << "requested once is enough";
  EXPECT_GE(of<CancelAttempt>(advance(11s)).size(), 2U);
  ended("s1", {job, 1}, EndCode::canceled);
  EXPECT_EQ(state(job), JobState::canceled);
  EXPECT_EQ(router.outstanding.size(), 0U);
}

TEST_F(LifecycleTest, NeverDispatchesACanceledJobAgain) {
  const JobId job = dispatched(spec());
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  step();
  EXPECT_TRUE(of<Dispatch>(refused("s1", {job, 1}).sends).empty());
  EXPECT_EQ(state(job), JobState::canceled);
}

TEST_F(LifecycleTest, LetsAJobSucceedThatEndedBeforeItsCancelArrived) {
  const JobId job = running(spec());
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  step();
  ended("s1", {job, 1}, EndCode::succeeded);
  EXPECT_EQ(state(job), JobState::succeeded);
}

TEST_F(LifecycleTest, CancelsEveryTaskOfAnArray) {
  JobSpec job_spec = spec();
  job_spec.array_count = 3;
  const JobId array = submit(job_spec);
  step();
  ASSERT_TRUE(lifecycle->cancel(array, "ada", now));
  EXPECT_EQ(of<CancelAttempt>(step().sends).size(), 3U);
}

TEST_F(LifecycleTest, EntriesNeverGoBackInTime) {
  const JobId job = dispatched(spec());
  now.wall -= 1h;
  granted("s1", {job, 1});
  EXPECT_GE(journal.back().at, journal[journal.size() - 2].at);
}

}  // namespace
}  // namespace tradewind
