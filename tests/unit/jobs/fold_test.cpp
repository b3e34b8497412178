#include "broker/jobs/fold.h"

#include <gtest/gtest.h>

#include "schemas/limits.h"

namespace tradewind {
namespace {

const JobId kJob = job_id(Sequence{1});

Entry entry(std::int64_t second, decltype(Entry::body) body) {
  return Entry{wall_from_ms(second * 1'000), std::move(body)};
}

Decision placed() {
  Decision decision;
  decision.outcome = Outcome::placed;
  decision.chosen.emplace();
  decision.chosen->site.value = "s1";
  return decision;
}

TEST(Fold, GivesTheRecordOfAWholeLife) {
  EndReport report;
  report.charge = Money{9};
  const auto jobs = fold({
      entry(1, TermBegan{Term{1}}),
      entry(2, JobSubmitted{kJob, TenantId{"acme"}, "ada", "", {}}),
      entry(3, JobDecided{{kJob, 1}, placed()}),
      entry(4, AttemptGranted{{kJob, 1}}),
      entry(5, AttemptAdvanced{{kJob, 1}, AttemptPhase::running}),
      entry(6, AttemptFinished{{kJob, 1}, report}),
  });
  ASSERT_EQ(jobs.size(), 1U);
  const JobRecord& job = jobs.at(kJob);
  EXPECT_EQ(job.state, JobState::succeeded);
  EXPECT_EQ(job.submitted, wall_from_ms(2'000));
  EXPECT_EQ(job.attempts[0].granted, wall_from_ms(4'000));
  EXPECT_EQ(job.attempts[0].started, wall_from_ms(5'000));
  EXPECT_EQ(job.ended, wall_from_ms(6'000));
  EXPECT_EQ(job.charged, Money{9});
}

TEST(Fold, ChangesNothingForEntriesThatCannotFollow) {
  JobRecord job = jobs_of(JobSubmitted{kJob, TenantId{"acme"}, "ada", "", {}}, {})[0];
  const JobRecord before = job;
  apply(job, entry(1, AttemptGranted{{kJob, 1}}));
  apply(job, entry(1, AttemptLost{{kJob, 1}, "gone"}));
  apply(job, entry(1, AttemptFinished{{kJob, 1}, {}}));
  EXPECT_EQ(job, before);
  apply(job, entry(2, CancelRequested{kJob, "ada"}));
  ASSERT_EQ(job.state, JobState::canceled);
  const JobRecord ended = job;
  apply(job, entry(3, JobDecided{{kJob, 1}, placed()}));
  EXPECT_EQ(job, ended) << "what has ended stays as it is";
}

TEST(Fold, KeepsOnlyTheNewestRefusals) {
  JobRecord job = jobs_of(JobSubmitted{kJob, TenantId{"acme"}, "ada", "", {}}, {})[0];
  for (std::uint32_t n = 1; n <= 100; ++n) {
    apply(job, entry(n, JobDecided{{kJob, n}, placed()}));
    apply(job, entry(n, AttemptRefused{{kJob, n}, RefusalCode::no_capacity, "full"}));
  }
  EXPECT_LE(job.attempts.size(), limits::refused_attempts_kept + 1);
  EXPECT_EQ(job.attempts.back().number, 100U);
  EXPECT_EQ(job.attempts_count, 100U);
}

TEST(Fold, NamesTheJobOfAnEntry) {
  EXPECT_EQ(job_of(entry(1, AttemptGranted{{kJob, 1}})), kJob);
  EXPECT_EQ(job_of(entry(1, CancelRequested{kJob, ""})), kJob);
  EXPECT_EQ(job_of(entry(1, TermBegan{})), std::nullopt);
}

}  // namespace
}  // namespace tradewind
