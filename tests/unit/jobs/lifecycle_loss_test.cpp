// Silence, restarts, and when an attempt is over for sure.
#include <gmock/gmock.h>

#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// 60 s of lease, 5 s of skew, 30 s of delay.
constexpr auto kLossAfter = 95s;

TEST_F(LifecycleTest, AsksTheSameSiteAboutAnUnansweredDispatchAndNoOther) {
  const JobId job = dispatched(spec());
  const std::vector<SendToSite> sends = advance(kLossAfter - 1s);
  EXPECT_TRUE(of<Dispatch>(sends).empty());
  const auto asks = of<AskAttempt>(sends);
  EXPECT_GE(asks.size(), 18U);
  for (const auto& [site, ask] : asks) {
    EXPECT_EQ(site, "s1");
    EXPECT_EQ(ask.attempt, (AttemptId{job, 1}));
  }
  // Now it is over for sure.
  const auto dispatches = of<Dispatch>(advance(2s));
  ASSERT_EQ(dispatches.size(), 1U);
  EXPECT_EQ(dispatches[0].first, "s2");
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
}

TEST_F(LifecycleTest, GoesElsewhereAtOnceWhenTheSiteDeniesKnowingTheDispatch) {
  const JobId job = dispatched(spec());
  const auto dispatches = of<Dispatch>(status("s1", {job, 1}, AttemptPhase::unknown).sends);
  ASSERT_EQ(dispatches.size(), 1U);
  EXPECT_EQ(dispatches[0].first, "s2");
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::refused);
  EXPECT_EQ(tables.at(job).attempts[0].refusal, RefusalCode::fenced);
}

TEST_F(LifecycleTest, TakesAStatusAsTheAnswerToItsQuestion) {
  const JobId job = dispatched(spec());
  status("s1", {job, 1}, AttemptPhase::running);
  EXPECT_EQ(state(job), JobState::running);
  EXPECT_EQ(tables.at(job).attempts_granted, 1U);
}

TEST_F(LifecycleTest, RenewsTheLeasesOfASiteThatAnswers) {
  const JobId job = running(spec());
  for (int round = 0; round < 20; ++round) {
    const std::vector<SendToSite> sends = advance(20s);
    const auto renewals = of<RenewLeases>(sends);
    ASSERT_EQ(renewals.size(), 1U);
    EXPECT_EQ(renewals[0].second.attempts, (std::vector<AttemptId>{{job, 1}}));
    EXPECT_FALSE(of<AskAttempt>(sends).empty());
    status("s1", {job, 1}, AttemptPhase::running);
  }
  EXPECT_EQ(state(job), JobState::running);
}

TEST_F(LifecycleTest, LetsTheLeasesOfASilentSiteRunOut) {
  const JobId job = running(spec());
  const std::vector<SendToSite> sends = advance(60s);
  EXPECT_EQ(of<RenewLeases>(sends).size(), 1U) << "only while it was heard of";
  EXPECT_FALSE(of<AskAttempt>(sends).empty());
  EXPECT_EQ(state(job), JobState::running);
  advance(60s);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
  EXPECT_EQ(state(job), JobState::dispatching);
  EXPECT_EQ(tables.at(job).attempts.back().decision.chosen->site.value, "s2");
}

TEST_F(LifecycleTest, RenewsAtOnceWhenASilentSiteIsHeardAgain) {
  const JobId job = running(spec());
  advance(50s);
  status("s1", {job, 1}, AttemptPhase::running);
  EXPECT_EQ(of<RenewLeases>(advance(1s)).size(), 1U);
  EXPECT_EQ(state(job), JobState::running);
}

TEST_F(LifecycleTest, CountsTheLeaseFromWhenASlowCommitLetTheDispatchGo) {
  const JobId job = submit(spec());
  step(50s);
  advance(kLossAfter - 1s);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::dispatching);
  advance(2s);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
}

TEST_F(LifecycleTest, WaitsForTheSiteOfAJobThatRunsOnWithoutIt) {
  JobSpec job_spec = spec();
  job_spec.on_disconnect = OnDisconnect::resume;
  const JobId job = running(job_spec);
  advance(std::chrono::hours(5));
  EXPECT_EQ(state(job), JobState::running);
  ended("s1", {job, 1}, EndCode::succeeded);
  EXPECT_EQ(state(job), JobState::succeeded);
}

TEST_F(LifecycleTest, EndsTheWaitForASilentSiteWhenTheJobIsCanceled) {
  JobSpec job_spec = spec();
  job_spec.on_disconnect = OnDisconnect::resume;
  const JobId job = running(job_spec);
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  step();
  advance(200s);
  EXPECT_EQ(state(job), JobState::canceled);
  // It is found again, still running: it is stopped.
  EXPECT_EQ(of<CancelAttempt>(status("s1", {job, 1}, AttemptPhase::running).sends).size(), 1U);
}

// A site that answers, and does nothing.
TEST_F(LifecycleTest, TakesAnAttemptBackOfWhichNothingBegins) {
  const JobId job = dispatched(spec());
  granted("s1", {job, 1});
  const auto grant = now.mono;
  const auto answer = [&] { return status("s1", {job, 1}, AttemptPhase::granted).sends; };
  while (now.mono - grant < 580s) {
    EXPECT_TRUE(of<CancelAttempt>(advance(20s)).empty());
    EXPECT_TRUE(of<CancelAttempt>(answer()).empty());
  }
  EXPECT_EQ(state(job), JobState::dispatching);
  // It is told to end it, and gets no more renewals.
  const std::vector<SendToSite> sends = advance(40s);
  EXPECT_FALSE(of<CancelAttempt>(sends).empty());
  EXPECT_EQ(lifecycle->counters().taken_back, 1U);
  for (int round = 0; round < 4; ++round) {
    answer();
    EXPECT_TRUE(of<RenewLeases>(advance(15s)).empty());
  }
  advance(60s);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
  EXPECT_THAT(tables.at(job).attempts[0].detail, testing::HasSubstr("taken back"));
  EXPECT_EQ(tables.at(job).attempts.back().decision.chosen->site.value, "s2");
}

TEST_F(LifecycleTest, GoesElsewhereAsSoonAsTheSiteGivesBackWhatItHadNotBegun) {
  const JobId job = dispatched(spec());
  granted("s1", {job, 1});
  for (int round = 0; round < 31; ++round) {
    advance(20s);
    status("s1", {job, 1}, AttemptPhase::granted);
  }
  const auto dispatches = of<Dispatch>(ended("s1", {job, 1}, EndCode::canceled).sends);
  ASSERT_EQ(dispatches.size(), 1U);
  EXPECT_EQ(dispatches[0].first, "s2");
}

TEST_F(LifecycleTest, LeavesAnAttemptWhoseInputsAreBeingStagedWhereItIs) {
  const JobId job = dispatched(spec());
  status("s1", {job, 1}, AttemptPhase::staging);
  for (int round = 0; round < 300; ++round) {
    EXPECT_TRUE(of<CancelAttempt>(advance(20s)).empty());
    status("s1", {job, 1}, AttemptPhase::staging);
  }
  EXPECT_EQ(lifecycle->counters().taken_back, 0U);
  EXPECT_EQ(state(job), JobState::staging);
}

TEST_F(LifecycleTest, LosesARunningAttemptThatItsSiteDoesNotKnowAnyMore) {
  const JobId job = running(spec());
  status("s1", {job, 1}, AttemptPhase::unknown);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
  EXPECT_EQ(tables.at(job).attempts.back().decision.chosen->site.value, "s2");
}

TEST_F(LifecycleTest, FailsAJobThatMayNotRunAgainWhenItsSiteIsLost) {
  JobSpec job_spec = spec();
  job_spec.restartable = false;
  const JobId job = running(job_spec);
  advance(200s);
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_NE(tables.at(job).end_reason.find("may not be run again"), std::string::npos);
}

TEST_F(LifecycleTest, ChargesALostAttemptThatIsReportedLateOnceAndKeepsItsResultOut) {
  const JobId job = running(spec());
  advance(130s);
  ASSERT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
  const LifecycleOutput late = ended("s1", {job, 1}, EndCode::succeeded, Money{7});
  EXPECT_EQ(of<AcknowledgeEnd>(late.sends).size(), 1U);
  EXPECT_EQ(tables.at(job).charged, Money{7});
  EXPECT_EQ(state(job), JobState::dispatching) << "the attempt at the other site is the job's";
  const LifecycleOutput again = ended("s1", {job, 1}, EndCode::succeeded, Money{7});
  EXPECT_TRUE(again.entries.empty());
  EXPECT_EQ(tables.at(job).charged, Money{7});
}

TEST_F(LifecycleTest, StopsALostAttemptThatStillRuns) {
  const JobId job = running(spec());
  advance(130s);
  const LifecycleOutput output = status("s1", {job, 1}, AttemptPhase::running);
  EXPECT_EQ(of<CancelAttempt>(output.sends).size(), 1U);
  EXPECT_TRUE(output.entries.empty());
}

TEST_F(LifecycleTest, AsksTheSameSitesAgainAfterARestart) {
  const JobId unanswered = dispatched(spec());
  const JobId held = running(spec());
  lifecycle = std::make_unique<Lifecycle>(options, router);
  router.outstanding.clear();
  for (const auto& [id, job] : tables) lifecycle->recover(job);
  lifecycle->begin(Term{++term}, journal.back().at, now);
  lifecycle->tick(now);
  const LifecycleOutput output = step();
  EXPECT_TRUE(of<Dispatch>(output.sends).empty());
  const auto asks = of<AskAttempt>(output.sends);
  ASSERT_FALSE(asks.empty());
  EXPECT_EQ(asks[0].second.attempt, (AttemptId{unanswered, 1}));
  const auto renewals = of<RenewLeases>(output.sends);
  ASSERT_EQ(renewals.size(), 1U);
  EXPECT_EQ(renewals[0].second.attempts, (std::vector<AttemptId>{{held, 1}}));
  EXPECT_EQ(router.outstanding.count({unanswered, 1}), 1U) << "its debit is back";
}

TEST_F(LifecycleTest, CountsALeaseFromTheRestart) {
  const JobId job = running(spec());
  advance(19s);
  restart();
  advance(kLossAfter - 1s);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::running);
  advance(60s);
  EXPECT_EQ(tables.at(job).attempts[0].state, AttemptState::lost);
}

TEST_F(LifecycleTest, KeepsACancelOverARestart) {
  const JobId job = running(spec());
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  step();
  lifecycle = std::make_unique<Lifecycle>(options, router);
  for (const auto& [id, each] : tables) lifecycle->recover(each);
  lifecycle->begin(Term{++term}, journal.back().at, now);
  EXPECT_EQ(of<CancelAttempt>(step().sends).size(), 1U);
  ended("s1", {job, 1}, EndCode::canceled);
  EXPECT_EQ(state(job), JobState::canceled);
}

}  // namespace
}  // namespace tradewind
