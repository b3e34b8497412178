// Every predicate: its reason code, its numbers, its words, and whether the job waits for it.
#include "broker/routing/adequacy.h"

#include <gtest/gtest.h>

#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using sample::job;
using sample::Market;
using sample::only_rejection;
using sample::pool;
using sample::site;

void expect_refused(const Decision& decision, ReasonCode reason, std::int64_t wanted,
                    std::int64_t offered, const std::string& detail) {
  const Rejection rejection = only_rejection(decision);
  EXPECT_EQ(to_string(rejection.reason), to_string(reason));
  EXPECT_EQ(rejection.wanted, wanted);
  EXPECT_EQ(rejection.offered, offered);
  EXPECT_EQ(rejection.detail, detail);
  EXPECT_EQ(decision.outcome, is_passing(reason) ? Outcome::waiting : Outcome::unroutable);
}

Decision on(const SiteRecord& record, const JobSpec& spec) {
  Market market;
  market.add(record);
  return market.route(spec);
}

Pool gpu_pool() {
  Pool result = pool("gpu");
  result.accelerator = Accelerator{"cuda", "a100", 48, Interconnect::pcie};
  result.node.accelerators = 4;
  result.unit.accelerators = 1;
  return result;
}

TEST(Adequacy, ArchitectureMustBeOneOfTheVariants) {
  Pool riscv = pool("cpu");
  riscv.architecture = Architecture::riscv64;
  expect_refused(on(site("aa-north-1", {riscv}), job()), ReasonCode::architecture, 0, 0,
                 "needs amd64 or arm64, is riscv64");
}

TEST(Adequacy, AnAcceleratorOfTheFamilyMustBeThere) {
  JobSpec spec = job();
  spec.resources.accelerators = 1;
  spec.variants[0].accelerator.family = "rocm";
  expect_refused(on(site("aa-north-1", {pool("cpu")}), spec), ReasonCode::accelerator_family, 0, 0,
                 "needs an accelerator, has none");
  expect_refused(on(site("aa-north-1", {gpu_pool()}), spec), ReasonCode::accelerator_family, 0, 0,
                 "needs a rocm accelerator, has cuda");
  spec.variants[0].accelerator.family = "";
  EXPECT_EQ(on(site("aa-north-1", {gpu_pool()}), spec).outcome, Outcome::placed);
}

TEST(Adequacy, AJobWithoutAcceleratorsMayUseAPoolThatHasThem) {
  EXPECT_EQ(on(site("aa-north-1", {gpu_pool()}), job()).outcome, Outcome::placed);
}

TEST(Adequacy, AcceleratorModelMemoryCountAndInterconnectAreChecked) {
  JobSpec spec = job();
  spec.resources.accelerators = 2;
  spec.variants[0].accelerator = AcceleratorNeed{"cuda", {"h100", "h200"}, 0, Interconnect::none};
  const SiteRecord record = site("aa-north-1", {gpu_pool()});
  expect_refused(on(record, spec), ReasonCode::accelerator_model, 0, 0,
                 "needs the accelerator h100 or h200, has a100");
  spec.variants[0].accelerator.models = {};
  spec.variants[0].accelerator.memory_gib_min = 80;
  expect_refused(on(record, spec), ReasonCode::accelerator_memory, 80, 48,
                 "needs 80 GiB of memory for each accelerator, has 48");
  spec.variants[0].accelerator.memory_gib_min = 48;
  spec.resources.accelerators = 5;
  expect_refused(on(record, spec), ReasonCode::accelerator_count, 5, 4,
                 "needs 5 accelerators on a node, has 4");
  spec.resources.accelerators = 4;
  spec.variants[0].accelerator.interconnect_min = Interconnect::nvlink;
  expect_refused(on(record, spec), ReasonCode::interconnect, 4, 1,
                 "needs accelerators joined by nvlink or better, has pcie");
  spec.variants[0].accelerator.interconnect_min = Interconnect::pcie;
  const Decision placed = on(record, spec);
  ASSERT_EQ(placed.outcome, Outcome::placed);
  EXPECT_EQ(placed.chosen->units, 4U);
}

TEST(Adequacy, CpusMemoryAndDiskOfOneNodeMustHold) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  JobSpec spec = job();
  spec.resources.cpus = 17;
  expect_refused(on(record, spec), ReasonCode::cpus, 17, 16, "needs 17 CPUs on a node, has 16");
  spec = job();
  spec.resources.memory_mib = 65'537;
  expect_refused(on(record, spec), ReasonCode::memory, 65'537, 65'536,
                 "needs 65537 MiB of memory on a node, has 65536");
  spec = job();
  spec.resources.disk_mib = 2'000'000;
  expect_refused(on(record, spec), ReasonCode::disk, 2'000'000, 1'024'000,
                 "needs 2000000 MiB of disk on a node, has 1024000");
}

TEST(Adequacy, WhatAPoolsUnitsDoNotHoldCannotBeReserved) {
  Pool without = pool("cpu");
  without.unit.disk_mib = 0;
  JobSpec spec = job();
  spec.resources.disk_mib = 1;
  expect_refused(on(site("aa-north-1", {without}), spec), ReasonCode::disk, 1, 0,
                 "needs 1 MiB of disk on a node, has 0");
}

TEST(Adequacy, AUnitLargerThanItsNodeOffersNothing) {
  Pool absurd = pool("cpu");
  absurd.unit.cpus = 17;
  JobSpec spec = job();
  spec.resources = Resources{};
  expect_refused(on(site("aa-north-1", {absurd}), spec), ReasonCode::nodes, 1, 0,
                 "needs 1 nodes, has 0");
}

TEST(Adequacy, ThePoolMustHaveTheNodes) {
  JobSpec spec = job();
  spec.nodes = 5;
  expect_refused(on(site("aa-north-1", {pool("cpu")}), spec), ReasonCode::nodes, 5, 4,
                 "needs 5 nodes, has 4");
}

TEST(Adequacy, AllowedAndDeniedPlacesAreKept) {
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  JobSpec spec = job();
  spec.constraints.sites_allowed = {"bb-south-1"};
  expect_refused(on(record, spec), ReasonCode::site_denied, 0, 0,
                 "site aa-north-1 is not among those that the job allows");
  spec.constraints.sites_allowed = {"bb-south-1", "aa-north-1"};
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
  spec.constraints.sites_denied = {"aa-north-1"};
  expect_refused(on(record, spec), ReasonCode::site_denied, 0, 0, "the job denies site aa-north-1");

  spec = job();
  spec.constraints.regions_denied = {"aa-north"};
  expect_refused(on(record, spec), ReasonCode::region_denied, 0, 0,
                 "the job denies region aa-north");
  spec = job();
  spec.constraints.jurisdictions_allowed = {"BB"};
  expect_refused(on(record, spec), ReasonCode::jurisdiction_denied, 0, 0,
                 "jurisdiction AA is not among those that the job allows");
  spec = job();
  spec.constraints.providers_denied = {"institute-aa"};
  expect_refused(on(record, spec), ReasonCode::provider_denied, 0, 0,
                 "the job denies provider institute-aa");
}

TEST(Adequacy, DataStaysWhereItMayBeProcessed) {
  JobSpec spec = job();
  spec.inputs.emplace_back();
  spec.inputs[0].path = "/in/genome";
  spec.inputs[0].content = "ACGT";
  spec.inputs[0].residency = {Jurisdiction{"BB"}, Jurisdiction{"CC"}};
  expect_refused(on(site("aa-north-1", {pool("cpu")}), spec), ReasonCode::data_residency, 0, 0,
                 "input /in/genome may be processed in BB or CC only, the site is in AA");
  EXPECT_EQ(on(site("cc-west-1", {pool("cpu")}), spec).outcome, Outcome::placed);
}

TEST(Adequacy, LabelsMayStandOnThePoolOrItsSite) {
  JobSpec spec = job();
  spec.constraints.labels = {{"security", "high"}, {"tier", "gold"}};
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.labels = {{"tier", "gold"}};
  record.pools[0].labels = {{"security", "low"}};
  expect_refused(on(record, spec), ReasonCode::label, 0, 0, "lacks the label security=high");
  record.pools[0].labels = {{"security", "high"}};
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
}

TEST(Adequacy, NoDeniedLabelMayStandOnThePoolOrItsSite) {
  JobSpec spec = job();
  spec.constraints.labels_denied = {{"cooling", "river"}, {"tier", "spot"}};
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.labels = {{"cooling", "air"}, {"tier", "gold"}};
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
  record.pools[0].labels = {{"tier", "spot"}};
  expect_refused(on(record, spec), ReasonCode::label, 0, 0, "the job denies the label tier=spot");
  record.pools[0].labels = {};
  record.labels["cooling"] = "river";
  expect_refused(on(record, spec), ReasonCode::label, 0, 0,
                 "the job denies the label cooling=river");
}

TEST(Adequacy, TheSiteDecidesWhomItServesAndHowLong) {
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.policy.tenants_allowed = {TenantId{"chemistry"}};
  expect_refused(on(record, job()), ReasonCode::site_policy, 0, 0,
                 "the site does not serve the tenant physics");
  record.policy.tenants_allowed = {};
  record.policy.tenants_denied = {TenantId{"physics"}};
  expect_refused(on(record, job()), ReasonCode::site_policy, 0, 0,
                 "the site does not serve the tenant physics");
  record.policy.tenants_denied = {};
  record.policy.run_seconds_max = 3'599;
  expect_refused(on(record, job()), ReasonCode::site_policy, 3'600, 3'599,
                 "needs a run of 3600 s, the site grants at most 3599 s");
  record.policy.run_seconds_max = 3'600;
  JobSpec spec = job();
  spec.run_seconds_max = 7'200;
  expect_refused(on(record, spec), ReasonCode::site_policy, 7'200, 3'600,
                 "needs a run of 7200 s, the site grants at most 3600 s");
}

TEST(Adequacy, StatedWorkNeedsAPerformanceOfItsClass) {
  JobSpec spec = job();
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 100;
  spec.variants[0].workload_class = "fft";
  const SiteRecord record = site("aa-north-1", {pool("cpu")});
  expect_refused(on(record, spec), ReasonCode::workload_class, 0, 0,
                 "states no performance for the workload class fft");
  spec.variants[0].workload_class = "default";
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
  spec.variants[0].workload_class = "fft";
  spec.variants[0].duration_seconds = 100;
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
}

TEST(Adequacy, ACarbonCapRefusesMoreAndUnknown) {
  JobSpec spec = job();
  spec.constraints.carbon_g_kwh_max = 100;
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  expect_refused(on(record, spec), ReasonCode::carbon, 100, 0,
                 "wants at most 100 g/kWh of carbon, the site states none");
  record.carbon_g_kwh = 101;
  expect_refused(on(record, spec), ReasonCode::carbon, 100, 101,
                 "wants at most 100 g/kWh of carbon, the site has 101");
  record.carbon_g_kwh = 100;
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
}

TEST(Adequacy, ALatencyBoundRefusesMoreAndUnknown) {
  JobSpec spec = job();
  spec.constraints.latency_region = "bb-south";
  spec.constraints.latency_ms_max = 50;
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  expect_refused(on(record, spec), ReasonCode::latency, 50, 0,
                 "wants a round trip of at most 50 ms, the site's is unknown");
  record.network = {NetworkTariff{"region:bb-south", {}, {}, 0, 51},
                    NetworkTariff{"default", {}, {}, 0, 10}};
  expect_refused(on(record, spec), ReasonCode::latency, 50, 51,
                 "wants a round trip of at most 50 ms, the site's is 51 ms");
  record.network[0].rtt_ms = 50;
  EXPECT_EQ(on(record, spec).outcome, Outcome::placed);
  record.round_trips = {{RegionId{"bb-south"}, 255}};
  expect_refused(on(record, spec), ReasonCode::latency, 50, 10'000,
                 "wants a round trip of at most 50 ms, the site's is 10000 ms");
}

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

TEST(Adequacy, APoolSoldOnlyAsPreemptibleNeedsAJobThatAllowsIt) {
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.pools[0].tariff.preemptible_ppm = 250'000;
  record.pools[0].tariff.preemptible_only = true;
  JobSpec spec = job();
  expect_refused(on(record, spec), ReasonCode::preemptible_only, 0, 0,
                 "is sold as preemptible only, which the job does not allow");
  spec.constraints.preemptible_allowed = true;
  const Decision placed = on(record, spec);
  ASSERT_EQ(placed.outcome, Outcome::placed);
  EXPECT_TRUE(placed.chosen->preemptible);
  EXPECT_EQ(placed.chosen->rate.micros, 10'000);  // a quarter of 4 * 10,000
  // Where it is dearer than on demand elsewhere, it is not taken for being preemptible.
  Market market;
  market.add(record);
  market.add(site("bb-south-1", {pool("cpu", 2'000)}));
  EXPECT_EQ(market.route(spec).chosen->site.value, "bb-south-1");
  // A record that sells nothing preemptible sells nothing at all then, and says so.
  record.pools[0].tariff.preemptible_ppm = 0;
  EXPECT_EQ(only_rejection(on(record, spec)).reason, ReasonCode::preemptible_only);
}

TEST(Adequacy, EachArchitectureHasItsOwnVariantAndWork) {
  // 8,000 s of reference work for amd64, 6,000 for arm64; the arm64 pool is 1.5 times as fast.
  JobSpec spec = job();
  Variant& amd = spec.variants[0];
  amd.architectures = {Architecture::amd64};
  amd.duration_seconds = 0;
  amd.work_seconds = 8'000;
  Variant arm = amd;
  arm.name = "arm";
  arm.architectures = {Architecture::arm64};
  arm.work_seconds = 6'000;
  spec.variants.push_back(arm);
  Pool fast = pool("fast", 12'000);
  fast.architecture = Architecture::arm64;
  fast.performance_ppm["default"] = 1'500'000;
  Market market;
  market.add(site("aa-north-1", {pool("plain", 10'000), fast}));
  const Decision decision = market.route(spec);
  ASSERT_EQ(decision.outcome, Outcome::placed);
  EXPECT_EQ(decision.chosen->pool.value, "fast");
  EXPECT_EQ(decision.chosen->variant, 1U);
  EXPECT_EQ(decision.chosen->finish.run_seconds, 4'000U);
  EXPECT_EQ(decision.chosen->cost.total.micros, 53'334);  // 48,000 an hour for 4,000 s
  ASSERT_EQ(decision.runners_up.size(), 1U);
  EXPECT_EQ(decision.runners_up[0].variant, 0U);
  EXPECT_EQ(decision.runners_up[0].finish.run_seconds, 8'000U);
  EXPECT_EQ(decision.runners_up[0].cost.total.micros, 88'889);  // 40,000 an hour for 8,000 s
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

TEST(Adequacy, EveryInputNeedsAReplicaThatTheSiteCanReach) {
  JobSpec spec = job();
  spec.inputs.resize(2);
  spec.inputs[0].content = "inline";
  spec.inputs[1].name = "table";
  spec.inputs[1].replicas = {Replica{"gs://bucket/table", "", ""},
                             Replica{"file:///data/table", "bb-south-1", "bb-south"},
                             Replica{"file:///data/table", "", "cc-west"}};
  expect_refused(on(site("aa-north-1", {pool("cpu")}), spec), ReasonCode::transfer_unknown, 2, 0,
                 "the site can reach no replica of input table");
  EXPECT_EQ(on(site("bb-south-1", {pool("cpu")}), spec).chosen->replicas,
            (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(on(site("bb-south-2", {pool("cpu")}), spec).outcome, Outcome::unroutable);
  EXPECT_EQ(on(site("cc-west-2", {pool("cpu")}), spec).chosen->replicas,
            (std::vector<std::uint32_t>{0, 2}));
}

TEST(Adequacy, TheVariantThatCameFurthestIsReported) {
  JobSpec spec = job();
  spec.variants.push_back(spec.variants[0]);
  spec.variants[0].architectures = {Architecture::s390x};
  spec.variants[1].name = "second";
  spec.resources.cpus = 32;
  const Rejection rejection = only_rejection(on(site("aa-north-1", {pool("cpu")}), spec));
  EXPECT_EQ(rejection.reason, ReasonCode::cpus);
  EXPECT_EQ(rejection.variant, 1U);
}

TEST(Adequacy, ReasonsAreOrderedAsTheCodes) {
  // Everything is wrong at once: the first code is told; put right one by one, the next follows.
  JobSpec spec = job();
  spec.resources.cpus = 17;
  spec.constraints.sites_denied = {"aa-north-1"};
  spec.constraints.carbon_g_kwh_max = 1;
  spec.constraints.cost_max = Money{1};
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.state = SiteState::maintenance;
  EXPECT_EQ(only_rejection(on(record, spec)).reason, ReasonCode::cpus);
  spec.resources.cpus = 4;
  EXPECT_EQ(only_rejection(on(record, spec)).reason, ReasonCode::site_denied);
  spec.constraints.sites_denied = {};
  EXPECT_EQ(only_rejection(on(record, spec)).reason, ReasonCode::carbon);
  spec.constraints.carbon_g_kwh_max = 0;
  EXPECT_EQ(only_rejection(on(record, spec)).reason, ReasonCode::site_state);
  record.state = SiteState::active;
  EXPECT_EQ(only_rejection(on(record, spec)).reason, ReasonCode::budget);
}

}  // namespace
}  // namespace tradewind
