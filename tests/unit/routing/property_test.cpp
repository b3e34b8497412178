// Routing against its naive twin, over random markets and jobs from fixed seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "broker/routing/route.h"
#include "schemas/limits.h"
#include "tests/unit/routing/random_market.h"
#include "tests/unit/routing/twin.h"

namespace tradewind {
namespace {

void expect_same(const Decision& decision, twin::Answer answer) {
  ASSERT_EQ(decision.outcome, answer.outcome);
  ASSERT_EQ(decision.pools_adequate, answer.candidates.size());
  ASSERT_EQ(decision.pools_considered, answer.candidates.size() + answer.rejections.size());
  std::vector<Candidate> candidates = decision.runners_up;
  if (decision.chosen) candidates.insert(candidates.begin(), *decision.chosen);
  answer.candidates.resize(std::min(answer.candidates.size(), limits::runners_up_max + 1));
  ASSERT_EQ(candidates, answer.candidates);
  std::vector<Rejection> rejections = decision.rejections;
  for (Rejection& each : rejections) {
    ASSERT_FALSE(each.detail.empty()) << to_string(each.reason);
    each.detail.clear();
  }
  ASSERT_EQ(rejections, answer.rejections);
}

TEST(RoutingProperty, AgreesWithItsNaiveTwin) {
  std::set<ReasonCode> seen;
  std::map<Outcome, int> outcomes;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    sample::Random random(seed);
    const sample::Market market = sample::random_market(random);
    const JobSpec spec = sample::random_job(random);
    const Decision decision = market.route(spec);
    expect_same(decision, twin::route(market, spec));
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
    for (const Rejection& each : decision.rejections) seen.insert(each.reason);
    ++outcomes[decision.outcome];
  }
  // The cases reach every reason that a pool can have, and each outcome often.
  for (std::uint16_t code = 1; code < reason_codes_count; ++code) {
    const auto reason = static_cast<ReasonCode>(code);
    EXPECT_TRUE(seen.contains(reason)) << to_string(reason);
  }
  EXPECT_GT(outcomes[Outcome::placed], 2'000);
  EXPECT_GT(outcomes[Outcome::waiting], 1'000);
  EXPECT_GT(outcomes[Outcome::unroutable], 1'000);
}

}  // namespace
}  // namespace tradewind
