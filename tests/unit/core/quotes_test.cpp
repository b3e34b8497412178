// Quotes as they are kept: whose they are, how long, and how many.
#include "broker/core/quotes.h"

#include <gtest/gtest.h>

#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const TenantId quoted_tenant{"physics"};
const TenantId chemistry{"chemistry"};

Now at(Wall::duration after = {}) {
  return Now{{}, sample::now + after};
}

class QuotesTest : public ::testing::Test {
 protected:
  Result<QuoteTerms> add(Quotes& quotes, const TenantId& tenant = quoted_tenant,
                         std::size_t bytes = 100, Wall::duration after = {}) {
    Decision decision;
    decision.outcome = Outcome::placed;
    decision.chosen.emplace().pool.value = "cpu";
    decision.chosen->cost.total = Money{1'250'000};
    decision.relied_on.site.value = "aa-north-1";
    decision.relied_on.quote_valid_until = sample::now + 15s;
    return quotes.add(tenant, std::make_shared<const JobSpec>(sample::job()), bytes, decision,
                      1'200'000, at(after));
  }
};

TEST_F(QuotesTest, AQuoteIsTheTenantsUntilItExpiresAndTellsWhen) {
  Quotes quotes;
  quotes.begin(Term{7});
  const auto terms = add(quotes);
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->total.micros, 1'250'000);
  EXPECT_EQ(terms->price_ppm, 1'200'000);
  EXPECT_TRUE(terms->id.starts_with("q7-1-"));
  ASSERT_TRUE(quotes.find(quoted_tenant, terms->id, at(14s)));
  EXPECT_EQ(*(*quotes.find(quoted_tenant, terms->id, at(14s)))->spec, sample::job());

  const auto others = quotes.find(chemistry, terms->id, at(14s));
  ASSERT_FALSE(others);
  EXPECT_EQ(others.error().code, ErrorCode::not_found);

  const auto expired = quotes.find(quoted_tenant, terms->id, at(15s));
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, ErrorCode::conflict);
  EXPECT_NE(expired.error().message.find("expired at " + to_rfc3339(sample::now + 15s)),
            std::string::npos);
  EXPECT_EQ(quotes.size(), 0U);
}

TEST_F(QuotesTest, AQuoteServesOneJob) {
  Quotes quotes;
  const auto terms = add(quotes);
  quotes.use(terms->id, JobId{"j0000000000007"});
  const auto again = quotes.find(quoted_tenant, terms->id, at());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_NE(again.error().message.find("j0000000000007"), std::string::npos);
}

TEST_F(QuotesTest, ARestartForgetsQuotesAndGivesNoIdTwice) {
  Quotes before;
  before.begin(Term{7});
  const auto first = add(before);
  Quotes after;
  after.begin(Term{8});
  const auto forgotten = after.find(quoted_tenant, first->id, at());
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code, ErrorCode::not_found);
  EXPECT_NE(add(after)->id, first->id);
}

TEST_F(QuotesTest, EveryBoundHasAnAnswerAndRoomComesBackWithTime) {
  Quotes quotes(QuoteLimits{2, 3, 1'000});
  ASSERT_TRUE(add(quotes));
  ASSERT_TRUE(add(quotes));
  const auto third = add(quotes);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::exhausted);
  EXPECT_NE(third.error().message.find("the tenant has 2 quotes"), std::string::npos);
  ASSERT_TRUE(add(quotes, chemistry));
  EXPECT_EQ(add(quotes, TenantId{"biology"}).error().code, ErrorCode::exhausted);
  EXPECT_TRUE(add(quotes, quoted_tenant, 100, 16s));

  Quotes small(QuoteLimits{10, 10, 150});
  ASSERT_TRUE(add(small));
  EXPECT_NE(add(small).error().message.find("bytes together"), std::string::npos);
}

TEST_F(QuotesTest, IdsThatAreNoneAreNotFound) {
  Quotes quotes;
  for (const char* const id : {"", "q", "q1", "q1-2", "q1-2-", "q1-2-3x", "q-1-2-3", "q1-2-3-4",
                               "q1-2-99999999999999999999", "../../etc"}) {
    EXPECT_EQ(quotes.find(quoted_tenant, id, at()).error().code, ErrorCode::not_found) << id;
  }
}

}  // namespace
}  // namespace tradewind
