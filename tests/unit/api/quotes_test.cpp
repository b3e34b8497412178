// Quotes over real sockets, in front of a broker in memory.
#include <gtest/gtest.h>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

constexpr const char* kQuotedJob = R"({"name":"n1","command":["true"]})";

QuoteTerms sample_terms() {
  QuoteTerms terms;
  terms.id = "q7-1-1790308220500";
  terms.total = Money{10'500};
  terms.pool.value = "cpu";
  terms.relied_on.site.value = "alpha-1";
  terms.relied_on.quote_valid_until = wall_from_ms(1'790'308'220'500);
  return terms;
}

class QuotesApiTest : public EndpointTest {};

TEST_F(QuotesApiTest, AQuoteTellsItsTermsPoolsByReasonAndWhatWouldChangeIt) {
  QuoteAnswer answer;
  answer.terms = sample_terms();
  answer.explanation.decision = sample_decision();
  answer.explanation.reasons = {{ReasonCode::cpus, 3}, {ReasonCode::capacity, 1'200}};
  Relaxation relaxation;
  relaxation.constraint = ReasonCode::deadline;
  relaxation.from = 3'600;
  relaxation.to = 10'800;
  relaxation.saving = Money{3'255};
  relaxation.better_ppm = 310'000;
  relaxation.chosen = *answer.explanation.decision.chosen;
  relaxation.detail = "7200 s more until the deadline saves 0.003255 USD (31.0 %)";
  answer.explanation.relaxations.list = {relaxation};
  service.set_quoted(answer);
  const json::value quote = parsed(post("/v1/quotes?rejections=5000", alice, kQuotedJob));
  EXPECT_EQ(service.calls().back(), "quote for alpha of n1, 5000 rejections");
  EXPECT_EQ(at(quote, "/quote/id"), "q7-1-1790308220500");
  EXPECT_EQ(at(quote, "/quote/total"), "0.0105");
  EXPECT_EQ(at(quote, "/quote/expires_at"), to_rfc3339(wall_from_ms(1'790'308'220'500)));
  EXPECT_EQ(at(quote, "/reasons/0/reason"), "capacity");
  EXPECT_EQ(at(quote, "/reasons/0/pools"), "1200");
  EXPECT_EQ(at(quote, "/reasons/0/passing"), "true");
  EXPECT_EQ(at(quote, "/reasons/1/reason"), "cpus");
  EXPECT_EQ(at(quote, "/relaxations/0/field"), "constraints.deadline");
  EXPECT_EQ(at(quote, "/relaxations/0/from"), "3600");
  EXPECT_EQ(at(quote, "/relaxations/0/to"), "10800");
  EXPECT_EQ(at(quote, "/relaxations/0/saving"), "0.003255");
  EXPECT_EQ(at(quote, "/relaxations/0/better_ppm"), "310000");
  EXPECT_EQ(at(quote, "/relaxations/0/choice/site"), "alpha-1");
  EXPECT_EQ(at(quote, "/relaxations_complete"), "true");
  for (const char* query : {"?rejections=-1", "?rejections=100001", "?rejections=all"}) {
    const RawResponse wrong = post(std::string("/v1/quotes") + query, alice, kQuotedJob);
    EXPECT_EQ(wrong.status, 400);
    EXPECT_EQ(at(parsed(wrong), "/field"), "rejections");
  }
}

TEST_F(QuotesApiTest, AQuoteIsSubmittedByItsIdAlone) {
  const RawResponse response = post("/v1/jobs", alice, R"({"quote":"q7-1-1790308220500"})");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(service.last_submission().quote, "q7-1-1790308220500");
  EXPECT_EQ(service.last_submission().tenant.value, "alpha");
  const json::value job = parsed(get("/v1/jobs/" + at(parsed(response), "/id"), alice));
  EXPECT_EQ(at(job, "/quote/id"), "q7-1-1790308220500");
}

TEST_F(QuotesApiTest, WhatIsNoIdOrStandsBesideOneIsRefused) {
  const std::pair<std::string, int> cases[] = {
      {R"({"quote":7})", 400},
      {R"({"quote":null})", 400},
      {R"({"quote":""})", 400},
      {R"({"quote":["q1-1-1"]})", 400},
      {R"({"quote":"q1-1-1","command":["true"]})", 400},
      {R"({"quote":"q1-1-1","tenant":"other"})", 400},
      {R"({"quote":")" + std::string(65, 'q') + "\"}", 413},
  };
  for (const auto& [document, status] : cases) {
    const RawResponse response = post("/v1/jobs", alice, document);
    EXPECT_EQ(response.status, status) << document << response.body;
    EXPECT_EQ(at(parsed(response), "/field"), "quote") << document;
    EXPECT_NE(at(parsed(response), "/remedy"), "(absent)") << document;
  }
  EXPECT_EQ(service.submissions_count(), 0U);
}

TEST_F(QuotesApiTest, AKeyGivesTheFirstJobForTheSameQuoteAndRefusesAnother) {
  const auto again = [&](const char* document) {
    return call("POST", "/v1/jobs", alice, document, "Idempotency-Key: key-1\r\n");
  };
  EXPECT_EQ(again(R"({"quote":"q1-1-1"})").status, 201);
  EXPECT_EQ(again(R"({"quote":"q1-1-1"})").status, 200);
  EXPECT_EQ(again(R"({"quote":"q1-2-1"})").status, 409);
  EXPECT_EQ(again(kQuotedJob).status, 409);
}

TEST_F(QuotesApiTest, AQuoteThatCannotBeKeptTellsWhyAndWhatThereIsNow) {
  QuoteNotKept why;
  why.quote = sample_terms();
  why.reason = Rejection{SiteId{"alpha-1"},
                         PoolId{"cpu"},
                         0,
                         ReasonCode::capacity,
                         4,
                         1,
                         "needs 4 free units, has 1 now"};
  why.now = sample_decision("beta-1");
  JobSpec spec;
  spec.variants.resize(1);
  why.spec = std::make_shared<const JobSpec>(spec);
  service.set_not_kept(why);
  const RawResponse response = post("/v1/jobs", alice, R"({"quote":"q7-1-1790308220500"})");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
  const json::value problem = parsed(response);
  EXPECT_EQ(at(problem, "/code"), "conflict");
  EXPECT_EQ(at(problem, "/reason"), "capacity");
  EXPECT_EQ(at(problem, "/wanted"), "4");
  EXPECT_EQ(at(problem, "/offered"), "1");
  EXPECT_EQ(at(problem, "/quote/total"), "0.0105");
  EXPECT_EQ(at(problem, "/now/chosen/site"), "beta-1");
  EXPECT_NE(at(problem, "/detail").find("alpha-1/cpu: needs 4 free units, has 1 now (capacity)"),
            std::string::npos)
      << at(problem, "/detail");
  EXPECT_EQ(service.jobs_count(), 0U);
}

}  // namespace
}  // namespace tradewind::testing
