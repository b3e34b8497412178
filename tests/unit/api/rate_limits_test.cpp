// Token buckets by key.
#include "broker/api/rate_limits.h"

#include <gtest/gtest.h>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::seconds;

const Mono::time_point start{seconds(1'000)};

TEST(RateLimits, WhatIsUsedUpComesBackWithTime) {
  RateLimits limits(3, 0.5, 10);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits.take("a", 1, start).wait);
  EXPECT_EQ(limits.take("a", 1, start).wait, seconds(1));
  EXPECT_FALSE(limits.take("b", 1, start).wait) << "another key has its own";
  EXPECT_FALSE(limits.take("a", 1, start + seconds(2)).wait);
  EXPECT_TRUE(limits.take("a", 1, start + seconds(2)).wait);
}

TEST(RateLimits, WhatTurnsOutDearIsPaidBeforeTheNext) {
  RateLimits limits(10, 5, 10);
  EXPECT_FALSE(limits.take("a", 1, start).wait);
  limits.charge("a", 59, start);
  EXPECT_EQ(limits.take("a", 1, start).wait, seconds(10));
  EXPECT_EQ(limits.take("a", 1, start + seconds(9)).wait, seconds(1));
  EXPECT_FALSE(limits.take("a", 1, start + seconds(11)).wait);
}

TEST(RateLimits, TellWhatIsLeftAndWhenThatIsAll) {
  RateLimits limits(10, 5, 10);
  const Quota first = limits.take("a", 1, start);
  EXPECT_EQ(first.limit, 10U);
  EXPECT_EQ(first.left, 9U);
  EXPECT_EQ(first.reset, seconds(1));
  EXPECT_EQ(limits.charge("a", 5, start).left, 4U);
  EXPECT_EQ(limits.take("a", 1, start).reset, seconds(2));
  const Quota last = limits.take("a", 10, start);
  EXPECT_EQ(last.left, 0U);
  EXPECT_EQ(last.reset, seconds(2)) << "when it may go on";
  EXPECT_FALSE(last.wait) << "this one may";
  const Quota refused = limits.take("a", 1, start + seconds(1));
  EXPECT_EQ(refused.left, 0U);
  EXPECT_EQ(refused.wait, refused.reset);
  EXPECT_EQ(limits.take("a", 0, start + seconds(60)).left, 10U);
}

TEST(RateLimits, ARateOfNothingIsNoLimit) {
  RateLimits limits(0, 0, 10);
  limits.charge("a", 1'000'000, start);
  EXPECT_FALSE(limits.take("a", 1, start).wait);
  EXPECT_EQ(limits.take("a", 1, start).limit, 0U);
  EXPECT_EQ(limits.keys_count(), 0U);
}

TEST(RateLimits, ManyKeysTakeBoundedMemoryAndIdleOnesAreForgotten) {
  RateLimits limits(2, 1, 100);
  for (int i = 0; i < 10'000; ++i) limits.charge("k" + std::to_string(i), 1, start);
  EXPECT_LE(limits.keys_count(), 101U);
  EXPECT_TRUE(limits.take("one more", 1, start).wait) << "it shares what the others have used up";
  EXPECT_FALSE(limits.take("k1", 1, start).wait) << "who was there before is not touched";
  limits.charge("later", 1, start + seconds(60));
  EXPECT_LE(limits.keys_count(), 3U);
  EXPECT_FALSE(limits.take("one more", 1, start + seconds(20'000)).wait);
}

class TenantRateTest : public EndpointTest {
 protected:
  void SetUp() override {
    options_.tenant_rate = 1;
    EndpointTest::SetUp();
  }
  RawResponse until_refused(std::string_view token) {
    for (int i = 0; i < 1'000; ++i) {
      RawResponse response = get("/v1/jobs/j0000000000000", token);
      if (response.status != 404) return response;
    }
    return {};
  }
};

TEST_F(TenantRateTest, ATenantThatAsksTooMuchWaitsAndOthersDoNot) {
  const RawResponse refused = until_refused(alice);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(refused.headers.at("ratelimit-limit"), "2");
  EXPECT_EQ(refused.headers.at("ratelimit-remaining"), "0");
  EXPECT_EQ(refused.headers.at("ratelimit-reset"), "1");
  EXPECT_EQ(get("/v1/jobs/j0000000000000", amy).status, 429) << "of the same tenant";
  EXPECT_EQ(get("/v1/jobs/j0000000000000", bob).status, 404);
  EXPECT_EQ(get("/healthz", "").status, 200);
}

TEST_F(TenantRateTest, EveryLineOfABatchCountsAndNoneIsCutOff) {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += "{\"command\":[\"true\"]}\n";
  const RawResponse batch =
      call("POST", "/v1/jobs", alice, lines, "Content-Type: application/x-ndjson\r\n");
  EXPECT_EQ(batch.status, 200);
  EXPECT_EQ(batch.headers.at("ratelimit-remaining"), "0") << "with the lines taken off";
  EXPECT_GT(std::stoi(batch.headers.at("ratelimit-reset")), 30);
  EXPECT_EQ(service.jobs_count(), 50U);
  const RawResponse next = post("/v1/jobs", alice, R"({"command":["true"]})");
  EXPECT_EQ(next.status, 429);
  EXPECT_GT(std::stoi(next.headers.at("retry-after")), 30);
  EXPECT_EQ(post("/v1/jobs", bob, R"({"command":["true"],"array":{"count":20}})").status, 201);
  EXPECT_GT(std::stoi(get("/v1/jobs", bob).headers.at("retry-after")), 10);
}

TEST_F(TenantRateTest, EveryAnswerToATenantTellsWhatIsLeft) {
  EXPECT_EQ(get("/v1/jobs/j0000000000000", alice).headers.at("ratelimit-limit"), "2");
  EXPECT_EQ(post("/v1/jobs", bob, R"({"command":["true"]})").headers.at("ratelimit-remaining"),
            "1");
  EXPECT_EQ(get("/v1/tokens", centre).headers.at("ratelimit-limit"), "2") << "refused by its role";
  EXPECT_FALSE(get("/healthz", "").headers.contains("ratelimit-limit")) << "nobody's";
  EXPECT_FALSE(get("/v1/jobs", "guess").headers.contains("ratelimit-limit"));
}

TEST_F(EndpointTest, ATenantWithoutALimitIsToldOfNone) {
  endpoint_.reset();
  options_.tenant_rate = 0;
  start();
  EXPECT_FALSE(get("/v1/jobs", alice).headers.contains("ratelimit-limit"));
}

class WrongCredentialsTest : public EndpointTest {
 protected:
  void SetUp() override {
    options_.wrong_credentials_per_minute = 8;  // two at once
    EndpointTest::SetUp();
  }
  int status_from(const char* address, const std::string& token) {
    RawClient client(endpoint_->port(), address);
    client.send(request_text("GET", "/v1/jobs", "", "Authorization: Bearer " + token + "\r\n"));
    return client.read().status;
  }
};

TEST_F(WrongCredentialsTest, WhoeverGuessesIsNotListenedTo) {
  int guesses = 0;
  while (guesses < 10 && status_from("127.0.0.2", "guess") == 401) ++guesses;
  EXPECT_GE(guesses, 2);
  EXPECT_LT(guesses, 10);
  EXPECT_EQ(status_from("127.0.0.2", alice), 429) << "a good guess would tell";
  EXPECT_EQ(status_from("127.0.0.3", alice), 200);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/v1/jobs", "").status, 401) << "none is no guess";
  EXPECT_EQ(get("/v1/jobs", alice).status, 200);
}

}  // namespace
}  // namespace tradewind::testing
