// Jobs that come after others, and what a job may take in all.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

class DependenciesTest : public LifecycleTest {
 protected:
  JobSpec after(std::vector<JobId> jobs) const {
    JobSpec job = spec();
    job.after = std::move(jobs);
    return job;
  }
  void succeed(const JobId& job) {
    granted("s1", {job, 1});
    ended("s1", {job, 1}, EndCode::succeeded);
  }
  LifecycleOutput fails(const JobId& job) {
    granted("s1", {job, 1});
    return ended("s1", {job, 1}, EndCode::failed);
  }
  JobSpec array(std::uint32_t tasks) const {
    JobSpec job = spec();
    job.array_count = tasks;
    return job;
  }
  const std::string& reason(const JobId& job) const { return tables.at(job).end_reason; }
};

TEST_F(DependenciesTest, IsGivenAPlaceOnceAllHaveSucceeded) {
  const JobId first = dispatched(spec());
  const JobId second = dispatched(spec());
  const JobId last = submit(after({first, second}));
  step();
  EXPECT_EQ(state(last), JobState::queued);
  succeed(second);
  EXPECT_EQ(state(last), JobState::queued);
  EXPECT_EQ(std::count(router.asked.begin(), router.asked.end(), last), 0) << "not even looked at";
  granted("s1", {first, 1});
  const LifecycleOutput output = ended("s1", {first, 1}, EndCode::succeeded);
  EXPECT_EQ(of<Dispatch>(output.sends).size(), 1U) << "with the end itself";
  EXPECT_EQ(state(last), JobState::dispatching);
}

TEST_F(DependenciesTest, RunsAtOnceAfterWhatHasSucceeded) {
  const JobId first = dispatched(spec());
  succeed(first);
  const JobId last = submit(after({first}));
  step();
  EXPECT_EQ(state(last), JobState::dispatching);
}

TEST_F(DependenciesTest, FailsInTheBatchInWhichOneOfThemEndsOtherwise) {
  const JobId first = dispatched(spec());
  const JobId second = submit(after({first}));
  const JobId last = submit(after({second}));
  step();
  const LifecycleOutput output = fails(first);
  EXPECT_EQ(output.jobs.size(), 3U);
  EXPECT_EQ(state(second), JobState::failed);
  EXPECT_EQ(reason(second), "it comes after " + first.value + ", which failed");
  EXPECT_EQ(reason(last), "it comes after " + second.value + ", which failed");
  EXPECT_EQ(lifecycle->live(), 0U);
  EXPECT_EQ(lifecycle->waiting(), 0U);
}

TEST_F(DependenciesTest, FailsWhenOneOfThemIsCanceledOrCanNeverRun) {
  const JobId first = dispatched(spec());
  const JobId waits = submit(after({first}));
  const JobId last = submit(after({waits}));
  step();
  ASSERT_TRUE(lifecycle->cancel(waits, "ada", now));
  step();
  EXPECT_EQ(state(waits), JobState::canceled);
  EXPECT_EQ(reason(last), "it comes after " + waits.value + ", which was canceled");
  succeed(first);
  EXPECT_EQ(state(waits), JobState::canceled);

  advance(11s);
  router.open.clear();
  router.never = true;
  const JobId never = submit(spec());
  const JobId after_never = submit(after({never}));
  step();
  EXPECT_EQ(state(never), JobState::unroutable);
  EXPECT_EQ(reason(after_never),
            "it comes after " + never.value + ", which could never run anywhere");
}

TEST_F(DependenciesTest, ComesAfterAllTasksOfAnArray) {
  const JobId first = submit(array(3));
  step();
  const JobId last = submit(after({first}));
  const JobId early = submit(after({array_task_id(first, 1)}));
  step();
  for (const std::uint32_t index : {1U, 0U}) succeed(array_task_id(first, index));
  EXPECT_EQ(state(early), JobState::dispatching) << "a task is a job as well";
  EXPECT_EQ(state(last), JobState::queued);
  succeed(array_task_id(first, 2));
  EXPECT_EQ(state(last), JobState::dispatching);
}

TEST_F(DependenciesTest, FailsWithTheFirstTaskThatFails) {
  const JobId first = submit(array(3));
  const JobId last = submit(after({first}));
  step();
  fails(array_task_id(first, 1));
  EXPECT_EQ(reason(last), "it comes after " + first.value + ", of which " +
                              array_task_id(first, 1).value + " failed");
  fails(array_task_id(first, 2));
  succeed(array_task_id(first, 0));
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(DependenciesTest, CountsTasksThatEndInTheBatchThatBringsWhoWaitsForThem) {
  const JobId first = submit(array(2));
  step();
  for (const std::uint32_t index : {0U, 1U}) granted("s1", {array_task_id(first, index), 1});
  AttemptEnded message{{array_task_id(first, 0), 1}, {}};
  message.report.code = EndCode::succeeded;
  lifecycle->from_site(SiteId{"s1"}, ToBroker{message}, now);
  const JobId last = submit(after({first}));
  step();
  EXPECT_EQ(state(last), JobState::queued);
  ended("s1", {array_task_id(first, 1), 1}, EndCode::succeeded);
  EXPECT_EQ(state(last), JobState::dispatching);
}

TEST_F(DependenciesTest, FailsAfterWhatFailsInTheSameBatchBeforeIt) {
  const JobId first = dispatched(spec());
  const JobId second = submit(after({first}));
  step();
  granted("s1", {first, 1});
  AttemptEnded message{{first, 1}, {}};
  message.report.code = EndCode::failed;
  lifecycle->from_site(SiteId{"s1"}, ToBroker{message}, now);
  const JobId last = submit(after({second}));
  step();
  EXPECT_EQ(state(last), JobState::failed);
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(DependenciesTest, AnArrayWaitsAndFailsWhole) {
  const JobId first = dispatched(spec());
  JobSpec tasks = array(3);
  tasks.after = {first};
  const JobId waits = submit(tasks);
  const JobId last = submit(after({waits}));
  step();
  EXPECT_EQ(lifecycle->waiting(), 4U);
  ASSERT_TRUE(lifecycle->cancel(array_task_id(waits, 1), "ada", now));
  step();
  EXPECT_EQ(state(array_task_id(waits, 0)), JobState::queued);
  EXPECT_EQ(state(last), JobState::failed);
  succeed(first);
  EXPECT_EQ(state(array_task_id(waits, 0)), JobState::dispatching);
  EXPECT_EQ(state(array_task_id(waits, 1)), JobState::canceled);
  EXPECT_EQ(state(array_task_id(waits, 2)), JobState::dispatching);

  const JobId other = dispatched(spec());
  tasks.after = {other};
  const JobId fails_too = submit(tasks);
  step();
  fails(other);
  for (std::uint32_t index = 0; index < 3; ++index) {
    EXPECT_EQ(state(array_task_id(fails_too, index)), JobState::failed);
  }
}

TEST_F(DependenciesTest, GoesOnWaitingAfterARestart) {
  const JobId done = dispatched(spec());
  const JobId first = dispatched(spec());
  const JobId tasks = submit(array(2));
  step();
  const JobId last = submit(after({done, first, tasks}));
  JobSpec more = array(2);
  more.after = {last};
  const JobId after_last = submit(more);
  step();
  succeed(done);
  succeed(array_task_id(tasks, 0));
  restart();
  succeed(first);
  restart();
  EXPECT_EQ(state(last), JobState::queued);
  succeed(array_task_id(tasks, 1));
  EXPECT_EQ(state(last), JobState::dispatching);
  restart();
  EXPECT_EQ(state(array_task_id(after_last, 1)), JobState::queued);
  fails(last);
  EXPECT_EQ(state(array_task_id(after_last, 0)), JobState::failed);
  EXPECT_EQ(state(array_task_id(after_last, 1)), JobState::failed);
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(DependenciesTest, GoesAtTheRestartWhenAllHadSucceededButItWasNotPlaced) {
  const JobId first = dispatched(spec());
  const JobId last = submit(after({first}));
  step();
  router.open.clear();
  succeed(first);
  EXPECT_EQ(state(last), JobState::queued);
  router.open = {"s1"};
  restart();
  EXPECT_EQ(state(last), JobState::dispatching);
}

TEST_F(DependenciesTest, WaitsForAPlaceNoLongerThanItMayOnceItIsFree) {
  const JobId first = running(spec());
  JobSpec waits = after({first});
  waits.queue_seconds_max = 30;
  const JobId last = submit(waits);
  step();
  advance(40s);
  EXPECT_EQ(state(last), JobState::queued) << "its time has not begun";
  router.open.clear();
  ended("s1", {first, 1}, EndCode::succeeded);
  advance(29s);
  EXPECT_EQ(state(last), JobState::queued);
  advance(2s);
  EXPECT_EQ(state(last), JobState::failed);
}

TEST_F(DependenciesTest, ARefusalDoesNotBeginTheWaitForAPlaceAnew) {
  router.open = {"s1"};
  const JobId first = running(spec());
  JobSpec waits = after({first});
  waits.queue_seconds_max = 30;
  const JobId last = submit(waits);
  step();
  ended("s1", {first, 1}, EndCode::succeeded);
  advance(3s);
  ASSERT_EQ(state(last), JobState::dispatching);
  advance(20s);
  router.open.clear();
  refused("s1", {last, 1});
  advance(6s);
  EXPECT_EQ(state(last), JobState::queued);
  advance(2s);
  EXPECT_EQ(state(last), JobState::failed);
}

TEST_F(DependenciesTest, EndsALongChainAtOnce) {
  const JobId first = dispatched(spec());
  std::vector<JobId> chain{first};
  for (int count = 0; count < 10'000; ++count) chain.push_back(submit(after({chain.back()})));
  step();
  EXPECT_EQ(lifecycle->waiting(), 10'000U);
  fails(first);
  EXPECT_EQ(lifecycle->live(), 0U);
  EXPECT_EQ(reason(chain.back()), "it comes after " + chain[9'999].value + ", which failed");
}

TEST_F(DependenciesTest, LetsAThousandGoThatCameAfterOne) {
  const JobId first = dispatched(spec());
  std::vector<JobId> rest;
  for (int count = 0; count < 1'000; ++count) rest.push_back(submit(after({first})));
  step();
  succeed(first);
  for (const JobId& each : rest) EXPECT_EQ(state(each), JobState::dispatching);
}

TEST_F(DependenciesTest, ForgetsWhoWaitedOnceItHasEnded) {
  const JobId first = dispatched(spec());
  for (int count = 0; count < 3; ++count) {
    const JobId waits = submit(after({first}));
    step();
    ASSERT_TRUE(lifecycle->cancel(waits, "ada", now));
    step();
  }
  EXPECT_EQ(lifecycle->live(), 1U);
  EXPECT_TRUE(fails(first).jobs.size() == 1U);
}

// --- total time ----------------------------------------------------------------------------------

TEST_F(DependenciesTest, FailsAQueuedJobWhoseTotalTimeIsOver) {
  const JobId first = running(spec());
  JobSpec waits = after({first});
  waits.total_seconds_max = 30;
  const JobId last = submit(waits);
  step();
  advance(20s);
  restart();
  EXPECT_EQ(state(last), JobState::queued);
  advance(11s);
  EXPECT_EQ(state(last), JobState::failed);
  EXPECT_NE(reason(last).find("total time limit"), std::string::npos);
  EXPECT_NE(reason(last).find("30 s"), std::string::npos);
}

TEST_F(DependenciesTest, StopsAnAttemptWhenTheTotalTimeIsOverAndFailsTheJob) {
  JobSpec bounded = spec();
  bounded.total_seconds_max = 30;
  const JobId job = running(bounded);
  const JobId last = submit(after({job}));
  step();
  EXPECT_TRUE(of<CancelAttempt>(advance(29s)).empty());
  EXPECT_FALSE(of<CancelAttempt>(advance(2s)).empty());
  EXPECT_EQ(state(job), JobState::running);
  restart();
  EXPECT_TRUE(lifecycle->cancel(job, "ada", now)) << "too late to make it a cancel";
  ended("s1", {job, 1}, EndCode::canceled);
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_NE(reason(job).find("total time limit"), std::string::npos);
  EXPECT_EQ(state(last), JobState::failed);
}

TEST_F(DependenciesTest, EndsByItsTotalTimeAlsoWhenTheSiteIsSilent) {
  JobSpec bounded = spec();
  bounded.total_seconds_max = 30;
  bounded.on_disconnect = OnDisconnect::resume;
  const JobId job = running(bounded);
  advance(200s);
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_EQ(tables.at(job).attempts.size(), 1U) << "it is not tried anywhere else";
  EXPECT_NE(reason(job).find("total time limit"), std::string::npos);
}

TEST_F(DependenciesTest, SucceedsWhenTheEndCrossesTheTotalTime) {
  JobSpec bounded = spec();
  bounded.total_seconds_max = 30;
  const JobId job = running(bounded);
  advance(31s);
  ended("s1", {job, 1}, EndCode::succeeded);
  EXPECT_EQ(state(job), JobState::succeeded);
  EXPECT_EQ(reason(job), "");
}

TEST_F(DependenciesTest, ACancelBeforeTheTotalTimeStaysACancel) {
  JobSpec bounded = spec();
  bounded.total_seconds_max = 30;
  const JobId job = running(bounded);
  advance(29s);
  ASSERT_TRUE(lifecycle->cancel(job, "ada", now));
  step();
  advance(10s);
  ended("s1", {job, 1}, EndCode::canceled);
  EXPECT_EQ(state(job), JobState::canceled);
}

TEST_F(DependenciesTest, ARefusedDispatchAfterTheTotalTimeIsNotDecidedAgain) {
  JobSpec bounded = spec();
  bounded.total_seconds_max = 30;
  const JobId job = dispatched(bounded);
  advance(31s);
  refused("s1", {job, 1});
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_EQ(tables.at(job).attempts.size(), 1U);
}

}  // namespace
}  // namespace tradewind
