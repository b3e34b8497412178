// What attempts hold of a tenant's budget, and what is left of it.
#include "broker/jobs/budgets.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

const TenantId acme{"acme"};
const TenantId other{"other"};

Wall::time_point at(std::string_view time) {
  return *parse_rfc3339("time", time);
}
Budget monthly(std::int64_t limit) {
  return {Money{limit}, BudgetPeriod::month, 1};
}

Candidate place(std::int64_t rate, std::uint64_t billed) {
  Candidate chosen;
  chosen.nodes = 2;
  chosen.units = 4;
  chosen.rate.micros = rate;
  chosen.billed_seconds = billed;
  chosen.finish.run_seconds = billed;
  return chosen;
}
JobSpec limited(std::uint64_t run_seconds_max) {
  JobSpec spec;
  spec.run_seconds_max = run_seconds_max;
  return spec;
}

TEST(HoldOf, IsTheComputeUpToTheTimeLimitAndTheFixedFee) {
  Candidate chosen = place(3'600, 600);
  EXPECT_EQ(hold_of(limited(1'200), chosen), Money{1'200});
  chosen.cost.fixed.micros = 7;
  chosen.cost.data_in.micros = 1'000'000;
  EXPECT_EQ(hold_of(limited(1'200), chosen), Money{1'207}) << "sites do not charge for transfers";
  EXPECT_EQ(hold_of(limited(1'201), chosen), Money{1'807}) << "a whole multiple of what is billed";
  EXPECT_EQ(hold_of(limited(5), chosen), Money{607}) << "no less than is billed at least";
}

TEST(HoldOf, WithoutATimeLimitItIsTheOneThatTheJobIsGiven) {
  EXPECT_EQ(hold_of(limited(0), place(3'600, 600)), Money{3'600}) << "an hour";
  EXPECT_EQ(hold_of(limited(0), place(3'600, 7'200)), Money{28'800}) << "four times the run";
}

TEST(HoldOf, LeavesOutWhatAContractPays) {
  Candidate chosen = place(3'600, 600);
  chosen.contract_units = 6;  // of 8
  EXPECT_EQ(hold_of(limited(600), chosen), Money{150});
  chosen.contract_units = 8;
  EXPECT_EQ(hold_of(limited(600), chosen), Money{0});
}

TEST(HoldOf, WhatDoesNotFitIsMoreThanAnyBudget) {
  EXPECT_EQ(hold_of(limited(UINT64_MAX), place(INT64_MAX, 1)), Money{INT64_MAX});
  EXPECT_EQ(hold_of(limited(3'600), place(3'600, 0)), Money{3'600});
}

TEST(Budgets, HoldsAndChargesCountAgainstTheLimitTogether) {
  Budgets budgets;
  budgets.pass(at("2026-11-10T00:00:00Z"));
  budgets.set(acme, monthly(100), at("2026-11-10T00:00:00Z"));
  budgets.hold(acme, Money{60});
  EXPECT_TRUE(budgets.covers(acme, Money{40}));
  EXPECT_FALSE(budgets.covers(acme, Money{41}));
  EXPECT_TRUE(budgets.covers(other, Money{INT64_MAX})) << "who has no budget spends what it will";
  budgets.charge(acme, Money{25});
  budgets.release(acme, Money{60});
  EXPECT_EQ(budgets.room(acme), 75);
  const auto miss = budgets.miss(acme, Money{80});
  ASSERT_TRUE(miss);
  EXPECT_EQ(*miss, (BudgetMiss{monthly(100), Money{25}, Money{0}, Money{80}}));
  EXPECT_FALSE(miss->is_over_limit());
  EXPECT_TRUE(budgets.miss(acme, Money{101})->is_over_limit());
}

TEST(Budgets, CountsWhatRanBeforeItWasSet) {
  Budgets budgets;
  budgets.hold(acme, Money{30});
  budgets.set(acme, monthly(100), at("2026-11-10T00:00:00Z"));
  EXPECT_EQ(budgets.find(acme)->held, Money{30});
  EXPECT_EQ(budgets.room(acme), 70);
}

TEST(Budgets, ALimitMayBeLoweredBelowWhatIsSpentAndNothingButFreeJobsGoesThen) {
  Budgets budgets;
  budgets.set(acme, monthly(100), at("2026-11-10T00:00:00Z"));
  budgets.charge(acme, Money{90});
  budgets.set(acme, monthly(50), at("2026-11-11T00:00:00Z"));
  EXPECT_EQ(budgets.room(acme), -40);
  EXPECT_FALSE(budgets.covers(acme, Money{1}));
  EXPECT_TRUE(budgets.covers(acme, Money{0}));
}

TEST(Budgets, AMonthIsACalendarMonthInUtcAndWhatIsHeldGoesWithIt) {
  Budgets budgets;
  budgets.pass(at("2027-01-31T23:59:59Z"));
  budgets.set(acme, monthly(100), at("2027-01-20T00:00:00Z"));
  budgets.set(other, Budget{Money{100}, BudgetPeriod::none, 2}, at("2027-01-20T00:00:00Z"));
  for (const TenantId& each : {acme, other}) {
    budgets.charge(each, Money{70});
    budgets.hold(each, Money{20});
  }
  EXPECT_FALSE(budgets.pass(at("2027-01-31T23:59:59.999Z")));
  EXPECT_EQ(budgets.find(acme)->ends, at("2027-02-01T00:00:00Z"));
  EXPECT_TRUE(budgets.pass(at("2027-02-01T00:00:00Z")));
  EXPECT_EQ(budgets.find(acme)->spent, (BudgetSpent{at("2027-02-01T00:00:00Z"), Money{0}}));
  EXPECT_EQ(budgets.find(acme)->ends, at("2027-03-01T00:00:00Z"));
  EXPECT_EQ(budgets.room(acme), 80);
  EXPECT_EQ(budgets.find(other)->spent, (BudgetSpent{at("2027-01-20T00:00:00Z"), Money{70}}));
  EXPECT_FALSE(budgets.find(other)->ends);
  EXPECT_EQ(budgets.room(other), 10);
}

TEST(Budgets, WhatWasSpentStaysWhileThePeriodDoes) {
  Budgets budgets;
  budgets.set(acme, monthly(100), at("2026-11-10T00:00:00Z"));
  budgets.charge(acme, Money{70});
  budgets.set(acme, monthly(200), at("2026-11-11T00:00:00Z"));
  EXPECT_EQ(budgets.find(acme)->spent, (BudgetSpent{at("2026-11-10T00:00:00Z"), Money{70}}));
  budgets.set(acme, Budget{Money{200}, BudgetPeriod::none, 3}, at("2026-11-12T00:00:00Z"));
  EXPECT_EQ(budgets.find(acme)->spent, (BudgetSpent{at("2026-11-12T00:00:00Z"), Money{0}}));
}

TEST(Budgets, TellsWhatIsToBeKeptAndComesBackFromThat) {
  Budgets budgets;
  budgets.pass(at("2026-11-10T00:00:00Z"));
  budgets.set(acme, monthly(100), at("2026-11-10T00:00:00Z"));
  budgets.set(other, monthly(5), at("2026-11-10T00:00:00Z"));
  budgets.charge(acme, Money{70});
  budgets.set(other, std::nullopt, at("2026-11-10T00:00:00Z"));
  const auto changed = budgets.take_changed();
  ASSERT_EQ(changed.size(), 2U);
  EXPECT_EQ(changed.at(other), std::nullopt);
  EXPECT_TRUE(budgets.take_changed().empty());

  // A month passes while nobody runs.
  for (const auto* time : {"2026-11-30T23:59:59Z", "2027-02-01T00:00:00Z"}) {
    Budgets again;
    again.recover(acme, monthly(100), *changed.at(acme));
    again.pass(at(time));
    budgets.pass(at(time));
    EXPECT_EQ(again.find(acme), budgets.find(acme)) << time;
  }
}

TEST(Budgets, SumsThatDoNotFitAreKeptExactly) {
  Budgets budgets;
  budgets.set(acme, monthly(INT64_MAX), at("2026-11-10T00:00:00Z"));
  budgets.hold(acme, Money{INT64_MAX});
  budgets.hold(acme, Money{INT64_MAX});
  EXPECT_FALSE(budgets.covers(acme, Money{1}));
  EXPECT_EQ(budgets.find(acme)->held, Money{INT64_MAX});
  budgets.release(acme, Money{INT64_MAX});
  budgets.release(acme, Money{INT64_MAX});
  EXPECT_TRUE(budgets.covers(acme, Money{INT64_MAX}));
}

TEST(Budgets, SaysInWordsWhatIsLacking) {
  const BudgetMiss miss{monthly(500'000'000), Money{480'000'000}, Money{10'000'000},
                        Money{12'500'000}};
  EXPECT_EQ(explain(miss, "USD"),
            "it needs 12.5 USD of its tenant's budget; of 500 USD for the month, 480 USD is spent "
            "and 10 USD is held by attempts that are not over");
  const BudgetMiss never{{Money{5}, BudgetPeriod::none, 1}, Money{}, Money{}, Money{6}};
  EXPECT_EQ(explain(never, {}),
            "it needs 0.000006 of its tenant's budget, which is more than all of it, 0.000005; "
            "only a raised budget covers that");
}

}  // namespace
}  // namespace tradewind
