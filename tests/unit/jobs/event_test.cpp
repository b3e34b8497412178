// The words of events, and what their log lines tell.
#include "broker/jobs/event.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

JobRecord job_at(const std::string& site) {
  JobRecord job;
  job.job = JobId{"j0000000000001"};
  AttemptRecord attempt;
  attempt.number = 2;
  attempt.decision.chosen = Candidate{};
  attempt.decision.chosen->site = SiteId{site};
  job.attempts.push_back(attempt);
  return job;
}

Entry entry_of(decltype(Entry::body) body) {
  return Entry{{}, std::move(body)};
}

const AttemptId second{JobId{"j0000000000001"}, 2};

TEST(Event, AnAttemptsLineNamesItAndItsSite) {
  const Entry granted = entry_of(AttemptGranted{second});
  EXPECT_EQ(event_name(granted), "attempt.granted");
  EXPECT_EQ(event_details(granted, job_at("eu-zurich-1")),
            "attempt=j0000000000001#2 site=eu-zurich-1");
  EXPECT_EQ(
      event_details(entry_of(AttemptRefused{second, RefusalCode::no_capacity, "2 units free"}),
                    job_at("eu-zurich-1")),
      "attempt=j0000000000001#2 site=eu-zurich-1 reason=no_capacity detail=\"2 units free\"");
  EXPECT_EQ(event_details(entry_of(AttemptAdvanced{second, AttemptPhase::running}), job_at("a")),
            "attempt=j0000000000001#2 site=a phase=running");
}

TEST(Event, TextsOfOthersCannotForgeALine) {
  const std::string line = event_details(
      entry_of(AttemptLost{second, "no\nattempt.granted \"x\" \x1b[31m"}), job_at("eu-zurich-1"));
  EXPECT_EQ(line,
            "attempt=j0000000000001#2 site=eu-zurich-1 detail=\"no?attempt.granted ?x? ?[31m\"");
}

TEST(Event, AnEntryThatIsNotAboutAnAttemptNamesTheJob) {
  EXPECT_EQ(event_details(entry_of(CancelRequested{JobId{"j0000000000001"}, "alice"}), job_at("a")),
            "job=j0000000000001 principal=\"alice\"");
  EXPECT_EQ(event_details(entry_of(JobExpired{JobId{"j0000000000001"}, "too long"}), job_at("a")),
            "job=j0000000000001 detail=\"too long\"");
}

}  // namespace
}  // namespace tradewind
