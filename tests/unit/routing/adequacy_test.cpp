// The predicates of what a site and its pools are, whoever asks and whenever: each with its reason
// code, its numbers, its words, and whether the job waits for it. And which reason is told of
// several.
#include "broker/routing/adequacy.h"

#include <gtest/gtest.h>

#include "tests/unit/routing/adequacy_fixture.h"

namespace tradewind {
namespace {

using sample::expect_refused;
using sample::gpu_pool;
using sample::job;
using sample::Market;
using sample::on;
using sample::only_rejection;
using sample::pool;
using sample::site;

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
