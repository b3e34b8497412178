// The predicates of what a site offers now, and what it would come to: each with its reason code,
// its numbers, its words, and whether the job waits for it.
#include "broker/routing/adequacy.h"

#include <gtest/gtest.h>

#include "tests/unit/routing/adequacy_fixture.h"

namespace tradewind {
namespace {

using sample::expect_refused;
using sample::job;
using sample::Market;
using sample::on;
using sample::only_rejection;
using sample::pool;
using sample::site;

TEST(Adequacy, ARateCapIsHeldAgainstTheQuotedPrice) {
  JobSpec spec = job();
  spec.constraints.rate_max = MoneyPerHour{59'999};
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].price_ppm = 1'500'000;
  Market market;
  market.add(record, sheet);
  expect_refused(market.route(spec), ReasonCode::rate_cap, 59'999, 60'000,
                 "wants at most 0.059999 USD an hour, costs 0.06 USD");
  spec.constraints.rate_max = MoneyPerHour{60'000};
  EXPECT_EQ(market.route(spec).outcome, Outcome::placed);
}

TEST(Adequacy, AForeignCurrencyNeedsARate) {
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.pools[0].tariff.currency = "EUR";
  Market market;
  market.add(record);
  expect_refused(market.route(job()), ReasonCode::currency, 0, 0,
                 "no rate from EUR to USD is known");
  market.options.rates.rates_ppm = {{"EUR", 1'080'001}};
  const Decision placed = market.route(job());
  ASSERT_EQ(placed.outcome, Outcome::placed);
  EXPECT_EQ(placed.chosen->rate.micros, 43'201);  // 40,000 * 1.080001, rounded up
  market.options.rates.version = 7;
  EXPECT_EQ(market.route(job()).rates_version, 7U);
}

TEST(Adequacy, WhatContractsHoldIsForTheirOwnersOnly) {
  SiteRecord record = site("aa-north-1", {pool("cpu", 10'000, 1)});
  record.contracts = {{ContractId{"c1"}, TenantId{"physics"}, PoolId{"cpu"}, 3,
                       sample::now - std::chrono::hours(1), sample::now + std::chrono::hours(1)}};
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].units_free = 1;
  sheet.contracts = {{ContractId{"c1"}, 3}};
  JobSpec spec = job();
  spec.resources.cpus = 16;  // 4 units
  Market market;
  market.add(record, sheet);
  const Decision placed = market.route(spec);
  ASSERT_TRUE(placed.chosen.has_value());
  EXPECT_EQ(placed.chosen->contract.value, "c1");
  EXPECT_EQ(placed.chosen->contract_units, 3U);

  market.tenant.value = "chemistry";
  expect_refused(market.route(spec), ReasonCode::contract_capacity, 4, 1,
                 "needs 4 free units, has 1 now; what else is free is held for contracts");
  EXPECT_EQ(market.route(spec).outcome, Outcome::waiting);
  EXPECT_EQ(market.route(job()).chosen->contract_units, 0U);

  market.tenant.value = "physics";
  market.view.debit_contract(record.site, ContractId{"c1"}, 1);
  EXPECT_EQ(only_rejection(market.route(spec)).reason, ReasonCode::capacity);
  market.view.credit_contract(record.site, ContractId{"c1"}, 1);
  EXPECT_TRUE(market.route(spec).chosen.has_value());
}

TEST(Adequacy, ARateCapCountsWhatIsLeftToPay) {
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.contracts = {{ContractId{"c1"}, TenantId{"physics"}, PoolId{"cpu"}, 4,
                       sample::now - std::chrono::hours(1), sample::now + std::chrono::hours(1)}};
  QuoteSheet sheet = sample::sheet(record);
  sheet.contracts = {{ContractId{"c1"}, 4}};
  JobSpec spec = job();
  spec.constraints.rate_max = MoneyPerHour{0};
  Market market;
  market.add(record, sheet);
  const Decision placed = market.route(spec);
  ASSERT_TRUE(placed.chosen.has_value());
  EXPECT_EQ(placed.chosen->cost.total.micros, 0);
  spec.constraints.preemptible_allowed = true;
  EXPECT_FALSE(market.route(spec).chosen->preemptible);
}

TEST(Adequacy, OnlyActiveSitesOfActiveMembersServe) {
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.state = SiteState::draining;
  expect_refused(on(record, job()), ReasonCode::site_state, 0, 0,
                 "the site is in the state draining");
  record.state = SiteState::active;
  Market market;
  market.add(record);
  market.add_member(record.site, MemberState::suspended);
  const Rejection rejection = only_rejection(market.route(job()));
  EXPECT_EQ(rejection.reason, ReasonCode::site_state);
  EXPECT_EQ(rejection.detail, "the site's membership is suspended");
}

TEST(Adequacy, AnExcludedSiteIsPassedOver) {
  Market market;
  market.add(site("aa-north-1", {pool("cpu")}));
  market.excluded = {SiteId{"aa-north-1"}};
  expect_refused(market.route(job()), ReasonCode::excluded, 0, 0,
                 "the job was refused or lost there just now");
}

TEST(Adequacy, ADistrustedSiteIsPassedOverUntilItIsOnTrial) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  Market market;
  market.add(record);
  SiteTrust trust{187'500, TrustState::distrusted, sample::now};
  market.view.set_trust(record.site, trust);
  expect_refused(market.route(job()), ReasonCode::distrusted, 250'000, 187'500,
                 "its trust is 18 %, below 25 %: attempts were refused or lost there lately; it is "
                 "tried again at " +
                     to_rfc3339(sample::now));
  EXPECT_EQ(market.route(job()).outcome, Outcome::waiting);
  trust.state = TrustState::on_trial;
  market.view.set_trust(record.site, trust);
  EXPECT_EQ(market.route(job()).outcome, Outcome::placed);
  trust.state = TrustState::tried;
  market.view.set_trust(record.site, trust);
  expect_refused(market.route(job()), ReasonCode::distrusted, 250'000, 187'500,
                 "its trust is 18 %, below 25 %: attempts were refused or lost there lately; one "
                 "attempt is there on trial");
  market.excluded = {record.site};
  EXPECT_EQ(only_rejection(market.route(job())).reason, ReasonCode::excluded)
      << "what is the job's own comes first";
}

TEST(Adequacy, WithoutAValidQuoteNothingBinds) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  Market silent;
  silent.add_without_sheet(record);
  expect_refused(silent.route(job()), ReasonCode::quote_missing, 0, 0, "has no valid quote");

  Market other_pool;
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].pool = PoolId{"another"};
  other_pool.add(record, sheet);
  expect_refused(other_pool.route(job()), ReasonCode::quote_missing, 0, 0, "has no valid quote");

  Market expired;
  expired.add(record);
  const JobSpec spec = job();
  const Decision late =
      route(RouteRequest{spec, expired.tenant, expired.tie_key, expired.excluded}, expired.view,
            expired.options, sample::now + std::chrono::seconds(15));
  EXPECT_EQ(only_rejection(late).reason, ReasonCode::quote_missing);
}

TEST(Adequacy, AUsedUpEnergyQuotaStopsASite) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  QuoteSheet sheet = sample::sheet(record);
  sheet.energy_left_wh = 0;
  Market market;
  market.add(record, sheet);
  expect_refused(market.route(job()), ReasonCode::energy_quota, 1, 0,
                 "the site's energy quota is used up");
}

TEST(Adequacy, AJobDrawsNoMoreThanWhatIsLeftOfTheEnergyQuota) {
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  Pool& cpu = record.pools[0];
  cpu.unit_watts = 150;
  cpu.tariff.preemptible_ppm = 500'000;
  cpu.tariff.interruptions_ppm_hour = 500'000;
  JobSpec spec = job();
  spec.nodes = 2;
  spec.resources.cpus = 8;                    // 2 units on each: 600 W
  spec.variants[0].duration_seconds = 3'601;  // 600 Wh and a sixth
  QuoteSheet sheet = sample::sheet(record);
  const auto with = [&](std::int64_t left) {
    sheet.energy_left_wh = left;
    Market market;
    market.add(record, sheet);
    return market.route(spec);
  };
  expect_refused(with(600), ReasonCode::energy_quota, 601, 600,
                 "would draw 601 Wh, the site's energy quota has 600 left");
  EXPECT_EQ(with(601).outcome, Outcome::placed);
  EXPECT_EQ(with(-1).outcome, Outcome::placed);
  // A preemptible run draws for its expected rerun as well: a quarter of the run here.
  spec.constraints.preemptible_allowed = true;
  EXPECT_FALSE(with(601).chosen->preemptible);
  EXPECT_TRUE(with(751).chosen->preemptible);
  spec.constraints.preemptible_allowed = false;
  // Where the power is unknown, any watt-hour will do.
  cpu.unit_watts = 0;
  EXPECT_EQ(with(1).outcome, Outcome::placed);
}

TEST(Adequacy, CapacityMustBeFreeOnOneNodeNow) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].units_free = 8;
  sheet.pools[0].units_free_node = 2;
  sheet.pools[0].nodes_free = 0;
  Market market;
  market.add(record, sheet);
  JobSpec spec = job();
  spec.resources.cpus = 12;
  expect_refused(market.route(spec), ReasonCode::capacity, 3, 2, "needs 3 free units, has 2 now");
  spec.resources.cpus = 8;
  EXPECT_EQ(market.route(spec).outcome, Outcome::placed);
}

TEST(Adequacy, DebitedAndSpareUnitsAreNotFree) {
  const SiteRecord record = site("aa-north-1", {pool("cpu", 10'000, 2)});  // 8 units
  Market market;
  market.add(record);
  market.view.debit(record.site, PoolId{"cpu"}, 6, 6);
  JobSpec spec = job();
  spec.resources.cpus = 8;
  EXPECT_EQ(market.route(spec).outcome, Outcome::placed);
  market.options.spare_units = 1;
  expect_refused(market.route(spec), ReasonCode::capacity, 3, 2, "needs 3 free units, has 2 now");
}

TEST(Adequacy, AMarginThatAPoolCouldNeverHaveIsNotAskedOfIt) {
  Market market;
  market.add(site("aa-north-1", {pool("cpu", 10'000, 1)}));
  market.options.spare_units = 2;
  JobSpec spec = job();
  spec.resources.cpus = 16;
  EXPECT_EQ(market.route(spec).outcome, Outcome::placed);
}

TEST(Adequacy, SeveralNodesMustBeFreeAsWholes) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].units_free = 12;
  sheet.pools[0].nodes_free = 2;
  Market market;
  market.add(record, sheet);
  JobSpec spec = job();
  spec.nodes = 3;
  expect_refused(market.route(spec), ReasonCode::capacity, 3, 2, "needs 3 free nodes, has 2 now");
  spec.nodes = 2;
  EXPECT_EQ(market.route(spec).outcome, Outcome::placed);
  market.view.debit(record.site, PoolId{"cpu"}, 1, 1);
  expect_refused(market.route(spec), ReasonCode::capacity, 2, 1, "needs 2 free nodes, has 1 now");
}

TEST(Adequacy, AWaitBoundIsHeldAgainstTheExpectedWait) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].wait_seconds = 61;
  Market market;
  market.add(record, sheet);
  JobSpec spec = job();
  spec.constraints.wait_seconds_max = 60;
  expect_refused(market.route(spec), ReasonCode::wait, 60, 61,
                 "wants to wait at most 60 s, the expected wait is 61 s");
  spec.constraints.wait_seconds_max = 61;
  EXPECT_EQ(market.route(spec).chosen->finish.wait_seconds, 61U);
}

TEST(Adequacy, TheExpectedFinishMustMeetTheDeadline) {
  JobSpec spec = job();
  spec.constraints.deadline =
      sample::now + std::chrono::seconds(3'600) - std::chrono::microseconds(1);
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  expect_refused(on(record, spec), ReasonCode::deadline, 3'599, 3'600,
                 "would be done in 3600 s, the deadline is in 3599 s");
  spec.constraints.deadline = sample::now + std::chrono::seconds(3'600);
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
  spec.constraints.deadline = sample::now - std::chrono::microseconds(1);
  expect_refused(on(record, spec), ReasonCode::deadline, -1, 3'600, "the deadline has passed");
}

TEST(Adequacy, APoolTooSlowForTheJobsOwnTimeLimitIsPassedOver) {
  JobSpec spec = job();
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 1'000;
  spec.run_seconds_max = 1'500;
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.pools[0].performance_ppm["default"] = 500'000;
  expect_refused(on(record, spec), ReasonCode::deadline, 1'500, 2'000,
                 "would run 2000 s, the job's own time limit is 1500 s");
}

TEST(Adequacy, TheWholeCostMustFitTheBudget) {
  JobSpec spec = job();
  spec.constraints.cost_max = Money{39'999};
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  expect_refused(on(record, spec), ReasonCode::budget, 39'999, 40'000,
                 "wants to pay at most 0.039999 USD, would cost 0.04 USD");
  spec.constraints.cost_max = Money{40'000};
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
}

}  // namespace
}  // namespace tradewind
