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
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits.take("a", 1, start));
  EXPECT_EQ(limits.take("a", 1, start), seconds(1));
  EXPECT_FALSE(limits.take("b", 1, start)) << "another key has its own";
  EXPECT_FALSE(limits.take("a", 1, start + seconds(2)));
  EXPECT_TRUE(limits.take("a", 1, start + seconds(2)));
}

TEST(RateLimits, WhatTurnsOutDearIsPaidBeforeTheNext) {
  RateLimits limits(10, 5, 10);
  EXPECT_FALSE(limits.take("a", 1, start));
  limits.charge("a", 59, start);
  EXPECT_EQ(limits.take("a", 1, start), seconds(10));
  EXPECT_EQ(limits.take("a", 1, start + seconds(9)), seconds(1));
  EXPECT_FALSE(limits.take("a", 1, start + seconds(11)));
}

TEST(RateLimits, ARateOfNothingIsNoLimit) {
  RateLimits limits(0, 0, 10);
  limits.charge("a", 1'000'000, start);
  EXPECT_FALSE(limits.take("a", 1, start));
  EXPECT_EQ(limits.keys_count(), 0U);
}

TEST(RateLimits, ManyKeysTakeBoundedMemoryAndIdleOnesAreForgotten) {
  RateLimits limits(2, 1, 100);
  for (int i = 0; i < 10'000; ++i) limits.charge("k" + std::to_string(i), 1, start);
  EXPECT_LE(limits.keys_count(), 101U);
  EXPECT_TRUE(limits.take("one more", 1, start)) << "it shares what the others have used up";
  EXPECT_FALSE(limits.take("k1", 1, start)) << "who was there before is not touched";
  limits.charge("later", 1, start + seconds(60));
  EXPECT_LE(limits.keys_count(), 3U);
  EXPECT_FALSE(limits.take("one more", 1, start + seconds(20'000)));
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
  EXPECT_EQ(service.jobs_count(), 50U);
  const RawResponse next = post("/v1/jobs", alice, R"({"command":["true"]})");
  EXPECT_EQ(next.status, 429);
  EXPECT_GT(std::stoi(next.headers.at("retry-after")), 30);
  EXPECT_EQ(post("/v1/jobs", bob, R"({"command":["true"],"array":{"count":20}})").status, 201);
  EXPECT_GT(std::stoi(get("/v1/jobs", bob).headers.at("retry-after")), 10);
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
