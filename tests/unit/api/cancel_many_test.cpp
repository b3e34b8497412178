// Canceling by the filters of a list, over real sockets, in front of a broker in memory.
#include <gtest/gtest.h>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

class CancelManyTest : public EndpointTest {
 protected:
  JobId tagged(const std::string& token, const char* team) {
    return submit(token, R"({"command":["true"],"tags":{"team":")" + std::string(team) + "\"}}");
  }
  JobState state(const JobId& job) { return service.find(job)->state; }
  std::size_t cancels() {
    std::size_t count = 0;
    for (const std::string& each : service.calls()) count += each.starts_with("cancel ") ? 1 : 0;
    return count;
  }
};

TEST_F(CancelManyTest, EndsWhatMatchesAndNothingElse) {
  const JobId red = tagged(alice, "red");
  const JobId blue = tagged(alice, "blue");
  const JobId ended = tagged(alice, "red");
  service.change(ended, [](JobRecord& job) { job.state = JobState::succeeded; });
  const json::value answer = parsed(post("/v1/jobs:cancel?tag=team:red", alice));
  EXPECT_EQ(at(answer, "/canceled"), "1");
  EXPECT_EQ(at(answer, "/next_cursor"), "(absent)");
  EXPECT_EQ(state(red), JobState::canceled);
  EXPECT_EQ(state(blue), JobState::queued);
  EXPECT_EQ(state(ended), JobState::succeeded);
  EXPECT_EQ(service.calls().back(), "cancel " + red.value + " by alice");
  EXPECT_EQ(at(parsed(post("/v1/jobs:cancel?tag=team:red", alice)), "/canceled"), "0");
}

TEST_F(CancelManyTest, NeverTouchesAnotherTenant) {
  const JobId own = tagged(alice, "red");
  const JobId foreign = tagged(bob, "red");
  EXPECT_EQ(at(parsed(post("/v1/jobs:cancel?tag=team:red&tenant=beta", alice)), "/canceled"), "0");
  EXPECT_EQ(state(own), JobState::queued) << "the other tenant's were meant";
  EXPECT_EQ(at(parsed(post("/v1/jobs:cancel?tag=team:red", alice)), "/canceled"), "1");
  EXPECT_EQ(state(own), JobState::canceled);
  EXPECT_EQ(state(foreign), JobState::queued);
  const JobId another = tagged(alice, "red");
  EXPECT_EQ(at(parsed(post("/v1/jobs:cancel?tenant=beta", operator_)), "/canceled"), "1");
  EXPECT_EQ(state(foreign), JobState::canceled);
  EXPECT_EQ(state(another), JobState::queued);
  EXPECT_EQ(post("/v1/jobs:cancel?state=queued", auditor).status, 403);
  EXPECT_EQ(state(another), JobState::queued);
}

TEST_F(CancelManyTest, WithoutAFilterNothingIsCanceled) {
  const JobId job = tagged(alice, "red");
  for (const char* query : {"", "?", "?state=", "?limit=10", "?tenant=alpha"}) {
    const RawResponse refused = post(std::string("/v1/jobs:cancel") + query, alice);
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_NE(at(parsed(refused), "/remedy").find("state="), std::string::npos) << query;
  }
  EXPECT_EQ(post("/v1/jobs:cancel?stat=queued", alice).status, 400);
  EXPECT_EQ(state(job), JobState::queued);
  EXPECT_EQ(cancels(), 0U);
}

TEST_F(CancelManyTest, GoesOnByACursorUntilAllAreEnded) {
  for (int i = 0; i < 150; ++i) tagged(alice, "red");
  std::string cursor;
  std::vector<std::string> counts;
  do {
    const json::value page =
        parsed(post("/v1/jobs:cancel?state=queued&limit=64&cursor=" + cursor, alice));
    counts.push_back(at(page, "/canceled"));
    cursor = at(page, "/next_cursor");
  } while (cursor != "(absent)");
  EXPECT_EQ(counts, (std::vector<std::string>{"64", "64", "22"}));
  EXPECT_EQ(cancels(), 150U) << "each is a request of its own";
  EXPECT_EQ(parsed(get("/v1/jobs?state=queued", alice)).at("jobs").as_array().size(), 0U);
}

TEST_F(CancelManyTest, AFailureTellsWhy) {
  tagged(alice, "red");
  service.refuse_with(Error{ErrorCode::unavailable, "", "the disk is full", "free some space"});
  const RawResponse response = post("/v1/jobs:cancel?state=queued", alice);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(at(parsed(response), "/detail"), "the disk is full");
}

}  // namespace
}  // namespace tradewind::testing
