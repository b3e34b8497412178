// Costs to the micro-unit, times to the second.
#include "broker/routing/cost.h"

#include <gtest/gtest.h>

#include "broker/routing/finish.h"
#include "broker/routing/limits.h"
#include "schemas/limits.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using sample::job;
using sample::Market;
using sample::pool;
using sample::site;

// The job of the worked example of docs/routing.md, with the contract that is told after its table.
TEST(Cost, AContractPaysItsShareOfTheWorkedExample) {
  Pool gpu = pool("gpu", 0, 8);
  gpu.architecture = Architecture::arm64;
  gpu.accelerator = Accelerator{"cuda", "a100", 80, Interconnect::nvlink};
  gpu.node = Resources{64, 512 * 1024, 0, 4};
  gpu.unit = Resources{16, 128 * 1024, 0, 1};
  gpu.performance_ppm = {{"default", 1'000'000}, {"train", 1'250'000}};
  gpu.tariff.currency = "EUR";
  gpu.tariff.node_hour = MoneyPerHour{50'000};
  gpu.tariff.cpu_hour = MoneyPerHour{20'000};
  gpu.tariff.gib_hour = MoneyPerHour{2'500};
  gpu.tariff.accelerator_hour = MoneyPerHour{900'000};
  gpu.tariff.increment_seconds = 60;
  gpu.tariff.minimum_seconds = 600;
  gpu.tariff.fixed_fee = Money{10'000};
  gpu.tariff.preemptible_ppm = 400'000;
  gpu.tariff.interruptions_ppm_hour = 100'000;
  SiteRecord alps = site("ch-alps-1", {gpu});
  alps.network = {
      NetworkTariff{"region:pt-sea", MoneyPerGigabyte{8'000}, MoneyPerGigabyte{1'000}, 400, 45}};
  SiteRecord sea = site("pt-sea-1", {});
  sea.network = {NetworkTariff{"default", MoneyPerGigabyte{20'000}, {}, 1'000, 0}};
  QuoteSheet sheet = sample::sheet(alps);
  sheet.pools[0].price_ppm = 1'250'000;

  Market market;
  market.add(alps, sheet);
  market.add(sea);
  market.options.rates.rates_ppm = {{"EUR", 1'080'000}};

  JobSpec spec = job();
  spec.resources = Resources{24, 200 * 1024, 0, 2};
  spec.nodes = 2;
  spec.variants[0].accelerator.family = "cuda";
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 10'000;
  spec.variants[0].workload_class = "train";
  spec.inputs.resize(1);
  spec.inputs[0].name = "images";
  spec.inputs[0].size_bytes = 25'000'000'000;
  spec.inputs[0].replicas = {Replica{"https://sea.example/images", "pt-sea-1", "pt-sea"}};
  spec.outputs.resize(1);
  spec.outputs[0].url = "https://sea.example/model";
  spec.outputs[0].size_bytes = 2'000'000'000;
  spec.outputs[0].region = "pt-sea";

  const Decision decision = market.route(spec);
  ASSERT_TRUE(decision.chosen.has_value());
  const Candidate& chosen = *decision.chosen;
  EXPECT_EQ(chosen.units, 2U);
  EXPECT_FALSE(chosen.preemptible);
  EXPECT_EQ(chosen.rate.micros, 8'451'000);
  EXPECT_EQ(chosen.finish.stage_in_seconds, 501U);
  EXPECT_EQ(chosen.finish.run_seconds, 8'000U);
  EXPECT_EQ(chosen.finish.stage_out_seconds, 41U);
  EXPECT_EQ(chosen.finish.total_seconds, 8'542U);
  EXPECT_EQ(chosen.billed_seconds, 8'040U);
  EXPECT_EQ(chosen.cost.compute.micros, 18'873'900);
  EXPECT_EQ(chosen.cost.data_in.micros, 525'000);
  EXPECT_EQ(chosen.cost.data_out.micros, 16'000);
  EXPECT_EQ(chosen.cost.fixed.micros, 10'800);
  EXPECT_EQ(chosen.cost.total.micros, 19'425'700);
  EXPECT_EQ(decision.relied_on.site.value, "ch-alps-1");
  EXPECT_EQ(decision.relied_on.site_version, (RecordVersion{1, 3}));
  EXPECT_EQ(decision.relied_on.quote_version, (RecordVersion{1, 7}));

  spec.constraints.preemptible_allowed = true;
  const Candidate spot = *market.route(spec).chosen;
  EXPECT_TRUE(spot.preemptible);
  EXPECT_EQ(spot.rate.micros, 3'380'400);
  EXPECT_EQ(spot.finish.run_seconds, 8'889U);
  EXPECT_EQ(spot.billed_seconds, 8'940U);
  EXPECT_EQ(spot.cost.compute.micros, 8'394'660);

  // With a contract of 3 units idle the reserved way is cheaper again.
  alps.contracts = {{ContractId{"c1"}, market.tenant, PoolId{"gpu"}, 5,
                     sample::now - std::chrono::hours(1), sample::now + std::chrono::hours(1)}};
  sheet.contracts = {{ContractId{"c1"}, 3}};
  Market with;
  with.add(alps, sheet);
  with.add(sea);
  with.options = market.options;
  const Candidate owned = *with.route(spec).chosen;
  EXPECT_FALSE(owned.preemptible);
  EXPECT_EQ(owned.contract.value, "c1");
  EXPECT_EQ(owned.contract_units, 3U);
  EXPECT_EQ(owned.rate.micros, 8'451'000);
  EXPECT_EQ(owned.cost.compute.micros, 18'873'900);
  EXPECT_EQ(owned.cost.contract_paid.micros, 14'155'425);
  EXPECT_EQ(owned.cost.total.micros, 5'270'275);
}

TEST(Cost, EachFactorRoundsUp) {
  Pool odd = pool("cpu", 1);
  odd.unit = Resources{1, 1, 0, 0};
  odd.tariff.gib_hour = MoneyPerHour{1};  // 1/1024 of a micro-unit: a whole one
  EXPECT_EQ(job_rate(odd, 1, 1, ppm_one, false, ppm_one)->micros, 2);
  EXPECT_EQ(job_rate(odd, 1, 1, ppm_one + 1, false, ppm_one)->micros, 3);
  odd.tariff.preemptible_ppm = 500'000;
  EXPECT_EQ(job_rate(odd, 1, 1, ppm_one + 1, true, ppm_one)->micros, 2);
  EXPECT_EQ(job_rate(odd, 1, 1, ppm_one + 1, true, 1)->micros, 1);
}

TEST(Cost, PricesThatNobodyMayAskAreNoPrices) {
  Pool odd = pool("cpu", 1);
  EXPECT_FALSE(job_rate(odd, 1, 1, -1, false, ppm_one));
  odd.tariff.node_hour = MoneyPerHour{-1};
  EXPECT_FALSE(job_rate(odd, 1, 1, ppm_one, false, ppm_one));
  odd.tariff.node_hour = MoneyPerHour{INT64_MAX};
  EXPECT_FALSE(job_rate(odd, 2, 1, ppm_one, false, ppm_one));
}

TEST(Finish, BilledTimeHasAMinimumAndAnIncrement) {
  Tariff tariff;
  tariff.increment_seconds = 60;
  tariff.minimum_seconds = 90;
  EXPECT_EQ(billed_seconds(0, tariff), 120U);
  EXPECT_EQ(billed_seconds(120, tariff), 120U);
  EXPECT_EQ(billed_seconds(121, tariff), 180U);
  tariff.increment_seconds = 0;
  EXPECT_EQ(billed_seconds(121, tariff), 121U);
}

TEST(Finish, RunTimeIsStatedOrFollowsFromWorkOrIsTheDefault) {
  Pool fast = pool("cpu");
  fast.performance_ppm["default"] = 3'000'000;
  JobSpec spec = job();
  Variant& variant = spec.variants[0];
  variant.work_seconds = 100;
  EXPECT_EQ(run_seconds(spec, variant, fast), 3'600U);
  variant.duration_seconds = 0;
  EXPECT_EQ(run_seconds(spec, variant, fast), 34U);
  variant.work_seconds = 0;
  EXPECT_EQ(run_seconds(spec, variant, fast), limits::run_seconds_default);
  spec.run_seconds_max = 120;
  EXPECT_EQ(run_seconds(spec, variant, fast), 120U);
  variant.work_seconds = 1;
  fast.performance_ppm["default"] = 0;
  EXPECT_FALSE(run_seconds(spec, variant, fast));
}

TEST(Finish, AnInterruptionCostsHalfARun) {
  // One interruption in ten hours; a run of ten hours expects one: half a run more.
  EXPECT_EQ(rerun_seconds(36'000, 100'000), 18'000U);
  EXPECT_EQ(rerun_seconds(3'600, 1), 1U);
  EXPECT_EQ(rerun_seconds(3'600, 0), 0U);
  EXPECT_EQ(rerun_seconds(UINT64_MAX, INT64_MAX), limits::seconds_forever);
}

TEST(Finish, TheTimeLimitGivesTheRunRoomWithinThePolicy) {
  JobSpec spec = job();
  SitePolicy policy;
  EXPECT_EQ(time_limit_seconds(spec, 60, policy), limits::run_seconds_default);
  EXPECT_EQ(time_limit_seconds(spec, 7'200, policy), 14'400U);
  policy.run_seconds_max = 8'000;
  EXPECT_EQ(time_limit_seconds(spec, 7'200, policy), 8'000U);
  spec.run_seconds_max = 100;
  EXPECT_EQ(time_limit_seconds(spec, 60, policy), 100U);
}

TEST(Network, TheMostExactRowHolds) {
  SiteRecord record = site("aa-north-1", {});
  record.network = {NetworkTariff{"default", {}, {}, 1, 0},
                    NetworkTariff{"jurisdiction:BB", {}, {}, 2, 0},
                    NetworkTariff{"region:bb-south", {}, {}, 3, 0},
                    NetworkTariff{"region:bb-south", {}, {}, 4, 0},
                    NetworkTariff{"site:bb-south-1", {}, {}, 5, 0}};
  const auto mbit = [&record](std::string_view id) {
    const SiteRecord other = site(id, {});
    return network_row(record, place_of(other))->bandwidth_mbit;
  };
  EXPECT_EQ(mbit("bb-south-1"), 5U);
  EXPECT_EQ(mbit("bb-south-2"), 3U);
  EXPECT_EQ(mbit("bb-east-1"), 2U);
  EXPECT_EQ(mbit("cc-west-1"), 1U);
  EXPECT_EQ(network_row(record, Place{})->bandwidth_mbit, 1U);
  record.network.erase(record.network.begin());
  EXPECT_EQ(network_row(record, Place{}), nullptr);
}

TEST(Network, ARegionLiesWhereItsSitesLie) {
  Market market;
  market.add(site("bb-south-1", {}));
  EXPECT_EQ(place_of_region("bb-south", market.view).jurisdiction, "BB");
  EXPECT_EQ(place_of_region("dd-far", market.view).jurisdiction, "");
}

TEST(Network, AMeasuredRoundTripGoesBeforeAStatedOneWhicheverEndMeasuredIt) {
  SiteRecord from = site("aa-north-1", {});
  SiteRecord to = site("bb-south-1", {});
  to.network = {NetworkTariff{"default", {}, {}, 0, 10}};
  EXPECT_EQ(path(place_of(from), place_of(to)).rtt_ms, 10U);
  from.round_trips = {{RegionId{"bb-south"}, round_trip_code(std::chrono::milliseconds(80))}};
  const std::uint32_t measured = path(place_of(from), place_of(to)).rtt_ms;
  EXPECT_GE(measured, 78U);
  EXPECT_LE(measured, 83U);
  EXPECT_EQ(path(place_of(to), place_of(from)).rtt_ms, measured);
  to.round_trips = {{RegionId{"aa-north"}, 1}, {RegionId{"zz"}, 255}};
  EXPECT_EQ(path(place_of(from), place_of(to)).rtt_ms, 1U) << "the arriving end's own";
}

TEST(Network, ABandwidthThatStagingAchievedGoesBeforeAStatedOneAndIsDirected) {
  SiteRecord from = site("aa-north-1", {});
  SiteRecord to = site("bb-south-1", {});
  from.network = {NetworkTariff{"default", {}, {}, 60, 0}};
  to.network = {NetworkTariff{"default", {}, {}, 50, 0}};
  const auto mbit = [&] { return path(place_of(from), place_of(to)).bandwidth_mbit; };
  EXPECT_EQ(mbit(), 50U);
  from.bandwidths = {{RegionId{"bb-south"}, 900, 0, {}}};
  EXPECT_EQ(mbit(), 50U) << "that is the way back";
  from.bandwidths = {{RegionId{"bb-south"}, 0, 700, {}}};
  EXPECT_EQ(mbit(), 700U) << "as the leaving end has it";
  to.bandwidths = {{RegionId{"aa-north"}, 300, 0, {}}, {RegionId{"zz"}, 1, 1, {}}};
  EXPECT_EQ(mbit(), 300U) << "the arriving end's own";
  EXPECT_EQ(path(place_of(to), place_of(from)).bandwidth_mbit, 60U);
}

TEST(Network, APathPricesBothEndsAndIsDirected) {
  SiteRecord from = site("aa-north-1", {});
  SiteRecord to = site("bb-south-1", {});
  from.network = {NetworkTariff{"default", MoneyPerGigabyte{90}, MoneyPerGigabyte{7}, 50, 30}};
  to.network = {NetworkTariff{"default", MoneyPerGigabyte{20}, MoneyPerGigabyte{3}, 200, 0}};
  const Path there = path(place_of(from), place_of(to));
  EXPECT_EQ(there.price.micros, 93);
  EXPECT_EQ(there.bandwidth_mbit, 200U);
  EXPECT_EQ(there.rtt_ms, 30U);  // the arriving end does not say, the leaving end does
  const Path back = path(place_of(to), place_of(from));
  EXPECT_EQ(back.price.micros, 27);
  EXPECT_EQ(back.bandwidth_mbit, 50U);
  const Path inside = path(place_of(from), place_of(from));
  EXPECT_EQ(inside.price.micros, 0);
  EXPECT_EQ(inside.bandwidth_mbit, limits::bandwidth_mbit_local);
  EXPECT_EQ(path(Place{}, Place{}).bandwidth_mbit, limits::bandwidth_mbit_default);
}

TEST(Network, TransferTimesRoundUpAndHoldTheRoundTrip) {
  EXPECT_EQ(transfer_milliseconds(Path{{}, 100, 45}, 12'500), 46U);
  EXPECT_EQ(transfer_milliseconds(Path{{}, 100, 45}, 12'501), 47U);
  EXPECT_EQ(transfer_milliseconds(Path{{}, 100, 45}, 0), 45U);
}

TEST(Transfer, TheCheapestReplicaIsTakenThenTheFastestThenTheFirst) {
  SiteRecord here = site("aa-north-1", {pool("cpu")});
  here.network = {NetworkTariff{"region:bb-south", {}, MoneyPerGigabyte{500}, 1'000, 10},
                  NetworkTariff{"region:cc-west", {}, MoneyPerGigabyte{100}, 50, 10},
                  NetworkTariff{"region:dd-east", {}, MoneyPerGigabyte{100}, 60, 10}};
  Market market;
  market.add(here);
  JobSpec spec = job();
  spec.inputs.resize(1);
  spec.inputs[0].size_bytes = 1'000'000'000;
  spec.inputs[0].replicas = {
      Replica{"https://b.example/x", "", "bb-south"}, Replica{"https://c.example/x", "", "cc-west"},
      Replica{"https://d.example/x", "", "dd-east"}, Replica{"https://e.example/x", "", "dd-east"}};
  Candidate chosen = *market.route(spec).chosen;
  EXPECT_EQ(chosen.replicas, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(chosen.cost.data_in.micros, 100);
  EXPECT_EQ(chosen.finish.stage_in_seconds, 134U);  // 8 * 10^9 bit at 60 Mbit/s and 10 ms
  spec.inputs[0].replicas.push_back(Replica{"file:///x", "aa-north-1", "aa-north"});
  chosen = *market.route(spec).chosen;
  EXPECT_EQ(chosen.replicas, (std::vector<std::uint32_t>{4}));
  EXPECT_EQ(chosen.cost.data_in.micros, 0);
  EXPECT_EQ(chosen.finish.stage_in_seconds, 1U);
}

TEST(Transfer, DataWithoutAPlaceComesFromTheHomeRegionAndGoesThere) {
  SiteRecord here = site("aa-north-1", {pool("cpu")});
  here.network = {
      NetworkTariff{"region:bb-south", MoneyPerGigabyte{70}, MoneyPerGigabyte{30}, 1'000, 0},
      NetworkTariff{"default", MoneyPerGigabyte{700}, MoneyPerGigabyte{300}, 1'000, 0}};
  Market market;
  market.add(here);
  JobSpec spec = job();
  spec.inputs.resize(1);
  spec.inputs[0].size_bytes = 1'000'000'000;
  spec.inputs[0].replicas = {Replica{"https://x.example/in", "", ""}};
  spec.outputs.resize(3);
  spec.outputs[0].size_bytes = 2'000'000'000;
  spec.outputs[0].url = "https://x.example/out";
  spec.outputs[1].size_bytes = 1'000'000'000'000;  // kept at the site: no traffic
  spec.outputs[2].size_bytes = 1'000'000'000'000;
  spec.outputs[2].url = "file:///results/out";
  Candidate chosen = *market.route(spec).chosen;
  EXPECT_EQ(chosen.cost.data_in.micros, 300);
  EXPECT_EQ(chosen.cost.data_out.micros, 1'400);
  EXPECT_EQ(chosen.finish.stage_out_seconds, 16U);
  spec.home_region = "bb-south";
  chosen = *market.route(spec).chosen;
  EXPECT_EQ(chosen.cost.data_in.micros, 30);
  EXPECT_EQ(chosen.cost.data_out.micros, 140);
}

TEST(Transfer, InlineContentIsFreeAndReplicasAreThenIgnored) {
  Market market;
  market.add(site("aa-north-1", {pool("cpu")}));
  JobSpec spec = job();
  spec.inputs.resize(1);
  spec.inputs[0].content = "x";
  spec.inputs[0].size_bytes = 1'000'000'000;
  spec.inputs[0].replicas = {Replica{"gs://nowhere", "", ""}};
  const Candidate chosen = *market.route(spec).chosen;
  EXPECT_EQ(chosen.cost.data_in.micros, 0);
  EXPECT_EQ(chosen.finish.stage_in_seconds, 0U);
}

}  // namespace
}  // namespace tradewind
