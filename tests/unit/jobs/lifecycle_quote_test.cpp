// Jobs that were submitted with a quote.
#include "tests/unit/jobs/fixture.h"

namespace tradewind {
namespace {

class QuotedLifecycleTest : public LifecycleTest {
 protected:
  QuoteTerms terms() const {
    QuoteTerms quote;
    quote.id = "q1-1-1";
    quote.total = Money{10'000'000};
    quote.pool.value = "cpu";
    quote.price_ppm = 1'100'000;
    quote.relied_on.site.value = "s1";
    quote.relied_on.quote_version = {1, 5};
    return quote;
  }
  // Decided at s1 by the quoted sheet.
  JobId submit_quoted() {
    const JobId id = job_id(Sequence{journal.size() + lifecycle->entries_pending() + 1});
    JobSubmitted submission{id, TenantId{"acme"}, "ada", "", spec()};
    submission.quote = terms();
    JobRecord record = jobs_of(submission, now.wall).front();
    Decision decision = *router.decide(record, {}, now);
    decision.relied_on = terms().relied_on;
    lifecycle->submit_decided(std::move(submission), std::move(decision), now);
    return id;
  }
};

TEST_F(QuotedLifecycleTest, IsDispatchedAtOnceAtTheQuotedSheetsPrice) {
  const JobId job = submit_quoted();
  const LifecycleOutput output = step();
  ASSERT_EQ(output.entries.size(), 2U);
  EXPECT_EQ(std::get<JobSubmitted>(output.entries[0].body).quote, terms());
  EXPECT_TRUE(std::holds_alternative<JobDecided>(output.entries[1].body));
  ASSERT_EQ(output.sends.size(), 1U);
  const auto& dispatch = std::get<Dispatch>(output.sends[0].message.body);
  EXPECT_EQ(dispatch.assignment.price_ppm, 1'100'000);
  EXPECT_EQ(dispatch.assignment.quote_version, (RecordVersion{1, 5}));
  EXPECT_EQ(tables.at(job).quote, terms());
}

TEST_F(QuotedLifecycleTest, IsChargedNoMoreThanTheTermsOfItsDecision) {
  const JobId job = submit_quoted();
  step();
  granted("s1", {job, 1});
  EndReport report;
  report.started = true;
  report.charge = Money{1'000'000'000'000};
  from("s1", AttemptEnded{{job, 1}, report});
  EXPECT_EQ(state(job), JobState::succeeded);
  // A unit of money a second: what is billed at least, and the skew bound.
  EXPECT_EQ(tables.at(job).charged, Money{15'000'000});
}

TEST_F(QuotedLifecycleTest, GoesElsewhereWhenItsSiteRefuses) {
  const JobId job = submit_quoted();
  step();
  const LifecycleOutput output = refused("s1", {job, 1});
  ASSERT_EQ(output.sends.size(), 1U);
  EXPECT_EQ(output.sends[0].site.value, "s2");
  const auto& dispatch = std::get<Dispatch>(output.sends[0].message.body);
  EXPECT_EQ(dispatch.assignment.price_ppm, 1'200'000) << "by the sheet that this decision rests on";
}

TEST_F(QuotedLifecycleTest, EndsTellingWhyWhenTheBudgetDoesNotCoverAnotherPlace) {
  const JobId job = submit_quoted();
  step();
  lifecycle->set_budget({TenantId{"acme"}, "boss", Budget{Money{5'000'000}}}, now);
  refused("s1", {job, 1});
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_EQ(tables.at(job).end_reason,
            "its quote q1-1-1 over 10 could not be kept: s1 refused it, no_capacity (full), and it "
            "needs 3600 of its tenant's budget, which is more than all of it, 5 for the month; "
            "only a raised budget covers that");
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(QuotedLifecycleTest, EndsTellingWhyWhenNoOtherPlaceKeepsTheQuote) {
  move_to(now.mono + options.settling);
  router.open = {"s1"};
  const JobId job = submit_quoted();
  step();
  refused("s1", {job, 1});
  EXPECT_EQ(state(job), JobState::failed);
  const std::string& reason = tables.at(job).end_reason;
  EXPECT_NE(reason.find("its quote q1-1-1 over 10 could not be kept"), std::string::npos) << reason;
  EXPECT_NE(reason.find("s1 refused it, no_capacity (full)"), std::string::npos) << reason;
  EXPECT_EQ(lifecycle->live(), 0U);
}

TEST_F(QuotedLifecycleTest, WaitsForTheMarketAfterARestartBeforeItGivesUp) {
  const JobId job = submit_quoted();
  step();
  restart();
  router.open = {};
  from("s1", AttemptStatus{{job, 1}, AttemptPhase::unknown, now.wall});
  EXPECT_EQ(state(job), JobState::queued);
  EXPECT_EQ(tables.at(job).quote, terms());
  advance(std::chrono::seconds(30));
  EXPECT_EQ(state(job), JobState::failed);
}

TEST_F(QuotedLifecycleTest, OnceGrantedItWaitsLikeOthersWhenItsSiteIsLost) {
  move_to(now.mono + options.settling);
  router.open = {"s1"};
  const JobId job = submit_quoted();
  step();
  granted("s1", {job, 1});
  router.open = {};
  from("s1", AttemptStatus{{job, 1}, AttemptPhase::unknown, now.wall});
  EXPECT_EQ(state(job), JobState::queued);
}

TEST_F(QuotedLifecycleTest, IsNotTriedForOthersNorTheyForIt) {
  move_to(now.mono + options.settling);
  router.open = {"s1"};
  const JobId other = submit(spec());
  const JobId job = submit_quoted();
  step();
  refused("s1", {job, 1});
  EXPECT_EQ(state(job), JobState::failed);
  EXPECT_NE(state(other), JobState::failed);
}

}  // namespace
}  // namespace tradewind
