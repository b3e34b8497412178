// Objectives, ties, tolerance, data gravity, the choice among architectures, and what is told
// besides the choice.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "broker/routing/route.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using sample::job;
using sample::Market;
using sample::pool;
using sample::site;

std::string chosen_site(const Market& market, const JobSpec& spec) {
  const Decision decision = market.route(spec);
  return decision.chosen ? decision.chosen->site.value : "none";
}

// The market of the sample workload in small: a dear site that holds data, a cheap one across the
// ocean.
Market two_sites() {
  SiteRecord dear = site("dd-dear-1", {pool("cpu", 60'000)});
  dear.network = {NetworkTariff{"default", MoneyPerGigabyte{90'000}, {}, 1'000, 80}};
  SiteRecord cheap = site("cc-cheap-1", {pool("cpu", 20'000)});
  cheap.network = {NetworkTariff{"default", MoneyPerGigabyte{10'000}, {}, 200, 80}};
  Market market;
  market.add(dear);
  market.add(cheap);
  return market;
}

JobSpec job_with_data_at_the_dear_site(std::uint64_t bytes) {
  JobSpec spec = job();
  spec.variants[0].duration_seconds = 60;
  spec.inputs.resize(1);
  spec.inputs[0].size_bytes = bytes;
  spec.inputs[0].replicas = {Replica{"https://dear.example/data", "dd-dear-1", "dd-dear"}};
  return spec;
}

TEST(Choice, MuchDataKeepsAJobAndLittleDataLetsItMove) {
  const Market market = two_sites();
  // A minute costs 4,000 at the dear site and 1,334 at the cheap one; moving 64 MiB costs 6,040.
  const JobSpec big = job_with_data_at_the_dear_site(64 * 1024 * 1024);
  EXPECT_EQ(chosen_site(market, big), "dd-dear-1");
  const Decision decision = market.route(big);
  EXPECT_EQ(decision.chosen->cost.total.micros, 4'000);
  ASSERT_EQ(decision.runners_up.size(), 1U);
  EXPECT_EQ(decision.runners_up[0].cost.compute.micros, 1'334);
  EXPECT_EQ(decision.runners_up[0].cost.data_in.micros, 6'040);

  const JobSpec tiny = job_with_data_at_the_dear_site(1024);
  EXPECT_EQ(chosen_site(market, tiny), "cc-cheap-1");
  EXPECT_EQ(market.route(tiny).chosen->cost.data_in.micros, 1);
}

TEST(Choice, TheArchitectureWithTheLeastCostForTheWorkIsChosenBothWays) {
  Pool arm = pool("arm", 8'000);
  arm.architecture = Architecture::arm64;
  JobSpec spec = job();
  spec.variants[0] = Variant{};
  spec.variants[0].name = "amd64";
  spec.variants[0].architectures = {Architecture::amd64};
  spec.variants[0].work_seconds = 3'600;
  spec.variants.push_back(spec.variants[0]);
  spec.variants[1].name = "arm64";
  spec.variants[1].architectures = {Architecture::arm64};
  const auto chosen = [&](std::int64_t arm_performance) {
    arm.performance_ppm["default"] = arm_performance;
    Market market;
    market.add(site("aa-north-1", {pool("amd", 10'000)}));
    market.add(site("bb-south-1", {arm}));
    return *market.route(spec).chosen;
  };
  const Candidate fast = chosen(900'000);  // 32,000 / 0.9 < 40,000
  EXPECT_EQ(fast.pool.value, "arm");
  EXPECT_EQ(fast.variant, 1U);
  EXPECT_EQ(fast.finish.run_seconds, 4'000U);
  const Candidate slow = chosen(700'000);  // 32,000 / 0.7 > 40,000
  EXPECT_EQ(slow.pool.value, "amd");
  EXPECT_EQ(slow.variant, 0U);
}

TEST(Choice, ObjectivesMakeTheLeastOfCostTimeOrBoth) {
  Pool slow = pool("slow", 10'000);
  slow.performance_ppm["default"] = 500'000;
  const Pool fast = pool("fast", 30'000);
  Market market;
  market.add(site("aa-north-1", {slow}));
  market.add(site("bb-south-1", {fast}));
  JobSpec spec = job();
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 3'600;
  EXPECT_EQ(market.route(spec).chosen->pool.value, "slow");  // 80,000 in 2 h; 120,000 in 1 h
  spec.objective = Objective::fastest;
  EXPECT_EQ(market.route(spec).chosen->pool.value, "fast");
  spec.objective = Objective::balanced;
  spec.value_per_hour = MoneyPerHour{39'999};
  EXPECT_EQ(market.route(spec).chosen->pool.value, "slow");
  spec.value_per_hour = MoneyPerHour{40'001};
  EXPECT_EQ(market.route(spec).chosen->pool.value, "fast");
  spec.value_per_hour = MoneyPerHour{40'000};  // even: the cheaper one
  EXPECT_EQ(market.route(spec).chosen->pool.value, "slow");
}

TEST(Choice, AnEqualCostGoesToTheEarlierFinishThenToTheMoreFree) {
  Pool quick = pool("quick", 20'000);
  quick.performance_ppm["default"] = 2'000'000;
  JobSpec spec = job();
  spec.variants[0].duration_seconds = 0;
  spec.variants[0].work_seconds = 3'600;
  Market market;
  market.add(site("aa-north-1", {pool("cpu", 10'000)}));
  market.add(site("bb-south-1", {quick}));
  Decision decision = market.route(spec);
  EXPECT_EQ(decision.chosen->pool.value, "quick");
  EXPECT_EQ(decision.chosen->cost.total, decision.runners_up[0].cost.total);

  Market even;
  even.add(site("aa-north-1", {pool("small", 10'000, 4)}));
  even.add(site("bb-south-1", {pool("large", 10'000, 5)}));
  EXPECT_EQ(even.route(spec).chosen->pool.value, "large");
  even.view.debit(SiteId{"bb-south-1"}, PoolId{"large"}, 5, 5);
  EXPECT_EQ(even.route(spec).chosen->pool.value, "small");
}

TEST(Choice, LikePoolsShareTheJobsEvenly) {
  Market market;
  for (const char* id : {"aa-north-1", "aa-north-2", "aa-north-3", "aa-north-4"}) {
    market.add(site(id, {pool("cpu")}));
  }
  std::map<std::string, int> counts;
  for (int number = 0; number < 2'000; ++number) {
    market.tie_key = job_id(Sequence{static_cast<std::uint64_t>(number)}).value;
    ++counts[chosen_site(market, job())];
  }
  ASSERT_EQ(counts.size(), 4U);
  for (const auto& [id, count] : counts) {
    EXPECT_GT(count, 420) << id;
    EXPECT_LT(count, 580) << id;
  }
}

TEST(Choice, TheSameJobFallsTheSameWayEveryTime) {
  Market market;
  for (const char* id : {"aa-north-1", "bb-south-1", "cc-west-1"}) {
    market.add(site(id, {pool("cpu")}));
  }
  // These are fixed for ever: a replay of an old log must come to the same site.
  std::string chosen;
  for (const char* key : {"j0000000000001", "j0000000000002", "j0000000000003", "quote"}) {
    market.tie_key = key;
    chosen += chosen_site(market, job()) + " ";
  }
  EXPECT_EQ(chosen, "bb-south-1 bb-south-1 aa-north-1 cc-west-1 ");
}

TEST(Choice, ToleranceSpreadsOverWhatIsNearTheLeastAndNoFurther) {
  Market market;
  market.add(site("aa-north-1", {pool("cpu", 10'000)}));
  market.add(site("bb-south-1", {pool("cpu", 10'500)}));
  market.add(site("cc-west-1", {pool("cpu", 10'501)}));
  market.options.tolerance_ppm = 50'000;
  std::set<std::string> seen;
  for (std::uint64_t number = 0; number < 200; ++number) {
    market.tie_key = job_id(Sequence{number}).value;
    const Decision decision = market.route(job());
    seen.insert(decision.chosen->site.value);
    EXPECT_EQ(decision.tolerance_ppm, 50'000);
    EXPECT_EQ(decision.runners_up.size(), 2U);
    for (const Candidate& each : decision.runners_up) EXPECT_NE(each.site, decision.chosen->site);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"aa-north-1", "bb-south-1"}));
}

TEST(Choice, ToleranceReachesBeyondTheRunnersUp) {
  Market market;
  for (int number = 10; number < 40; ++number) {
    market.add(site("aa-north-" + std::to_string(number), {pool("cpu", 10'000 + number)}));
  }
  market.options.tolerance_ppm = 50'000;
  bool beyond = false;
  for (std::uint64_t number = 0; number < 50; ++number) {
    market.tie_key = job_id(Sequence{number}).value;
    const Decision decision = market.route(job());
    beyond = beyond || decision.chosen->rate.micros > 4 * 10'020;
    ASSERT_EQ(decision.runners_up.size(), limits::runners_up_max);
    EXPECT_TRUE(std::ranges::is_sorted(decision.runners_up, {},
                                       [](const Candidate& each) { return each.cost.total; }));
    EXPECT_LE(decision.runners_up[0].rate.micros, 4 * 10'011);
  }
  EXPECT_TRUE(beyond);
}

TEST(Choice, PreemptibleIsTakenOnlyWhenAllowedAndCheaperWithItsRerun) {
  Pool spot = pool("cpu");
  spot.tariff.preemptible_ppm = 500'000;
  spot.tariff.interruptions_ppm_hour = 100'000;
  const auto preemptible = [&](const JobSpec& spec) {
    Market market;
    market.add(site("aa-north-1", {spot}));
    return market.route(spec).chosen->preemptible;
  };
  JobSpec spec = job();
  EXPECT_FALSE(preemptible(spec));
  spec.constraints.preemptible_allowed = true;
  EXPECT_TRUE(preemptible(spec));
  spec.variants[0].duration_seconds = 36'000;  // one interruption to be expected: 1.5 times as long
  EXPECT_TRUE(preemptible(spec));
  spot.tariff.interruptions_ppm_hour = 300'000;  // three of them: 2.5 times as long at half price
  EXPECT_FALSE(preemptible(spec));
}

TEST(Route, AnEmptyMarketIsNoReasonToRefuse) {
  const Decision decision = Market().route(job());
  EXPECT_EQ(decision.outcome, Outcome::waiting);
  EXPECT_EQ(decision.pools_considered, 0U);
  EXPECT_TRUE(decision.rejections.empty());
}

TEST(Route, AJobWaitsWhenAnyWayMayStillOpen) {
  // The first variant only lacks capacity; the second comes further, and fails for good.
  SiteRecord record = site("aa-north-1", {pool("cpu")});
  record.pools[0].tariff.preemptible_ppm = 100'000;
  QuoteSheet sheet = sample::sheet(record);
  sheet.pools[0].units_free = 0;
  Market market;
  market.add(record, sheet);
  Pool other = pool("cpu");
  other.architecture = Architecture::riscv64;
  market.add(site("bb-south-1", {other}));
  const Decision decision = market.route(job());
  EXPECT_EQ(decision.outcome, Outcome::waiting);
  EXPECT_EQ(decision.pools_considered, 2U);
  EXPECT_EQ(decision.pools_adequate, 0U);
}

TEST(Route, NearestMissesComeFirst) {
  const auto with_memory = [](std::string_view id, std::uint32_t gib) {
    Pool gpu = pool("gpu");
    gpu.accelerator = Accelerator{"cuda", "x", gib, Interconnect::pcie};
    gpu.node.accelerators = gpu.unit.accelerators = 1;
    return site(id, {gpu});
  };
  Market market;
  market.add(with_memory("aa-north-1", 16));
  market.add(with_memory("bb-south-1", 48));
  market.add(with_memory("cc-west-1", 24));
  market.add(site("dd-east-1", {pool("cpu")}));
  JobSpec spec = job();
  spec.resources.accelerators = 1;
  spec.variants[0].accelerator.memory_gib_min = 80;
  const Decision decision = market.route(spec);
  EXPECT_EQ(decision.outcome, Outcome::unroutable);
  ASSERT_EQ(decision.rejections.size(), 4U);
  EXPECT_EQ(decision.rejections[0].detail, "needs 80 GiB of memory for each accelerator, has 48");
  EXPECT_EQ(decision.rejections[0].site.value, "bb-south-1");
  EXPECT_EQ(decision.rejections[1].site.value, "cc-west-1");
  EXPECT_EQ(decision.rejections[2].site.value, "aa-north-1");
  EXPECT_EQ(decision.rejections[3].reason, ReasonCode::accelerator_family);
}

TEST(Route, RejectionsAreBoundedAndTheNearestAreKept) {
  Market market;
  for (int number = 100; number < 200; ++number) {
    Pool other = pool("cpu");
    if (number != 150) other.architecture = Architecture::riscv64;
    market.add(site("aa-north-" + std::to_string(number), {other}));
  }
  JobSpec spec = job();
  spec.resources.cpus = 64;
  const Decision decision = market.route(spec);
  EXPECT_EQ(decision.pools_considered, 100U);
  ASSERT_EQ(decision.rejections.size(), limits::rejections_max);
  EXPECT_EQ(decision.rejections[0].site.value, "aa-north-150");
  EXPECT_EQ(decision.rejections[1].site.value, "aa-north-100");
}

TEST(Route, ExtremeNumbersOverflowNothing) {
  // Each field at its extreme on its own and all at once; sanitizers watch.
  const auto largest = [](SiteRecord& record, QuoteSheet& sheet, JobSpec& spec, int which) {
    Pool& pool = record.pools[0];
    const auto is = [which](int number) { return which == number || which < 0; };
    if (is(0)) pool.tariff.node_hour.micros = INT64_MAX;
    if (is(1)) pool.tariff.cpu_hour.micros = INT64_MAX;
    if (is(2)) pool.tariff.gib_hour.micros = INT64_MAX;
    if (is(3)) sheet.pools[0].price_ppm = INT64_MAX;
    if (is(4)) pool.tariff.fixed_fee.micros = INT64_MAX;
    if (is(5)) pool.tariff.increment_seconds = pool.tariff.minimum_seconds = UINT32_MAX;
    if (is(6)) pool.performance_ppm["default"] = 1;
    if (is(7)) spec.variants[0].work_seconds = UINT64_MAX;
    if (is(8)) spec.inputs[0].size_bytes = UINT64_MAX;
    if (is(9)) spec.outputs[0].size_bytes = UINT64_MAX;
    if (is(10)) {
      record.network[0] =
          NetworkTariff{"default", {INT64_MAX}, {INT64_MAX}, UINT64_MAX, UINT32_MAX};
    }
    if (is(11)) sheet.pools[0].wait_seconds = UINT32_MAX;
    if (is(12)) spec.value_per_hour.micros = INT64_MAX;
    if (is(13)) pool.tariff.interruptions_ppm_hour = INT64_MAX;
    if (is(14)) pool.tariff.preemptible_ppm = INT64_MAX;
    if (is(15)) spec.constraints.deadline = Wall::time_point::max();
    if (is(16)) record.policy.run_seconds_max = UINT32_MAX;
    if (is(17)) {
      pool.nodes = UINT32_MAX;
      pool.node.cpus = UINT32_MAX;
      pool.node.memory_mib = pool.node.disk_mib = UINT64_MAX;
      spec.nodes = UINT32_MAX;
      spec.resources = Resources{UINT32_MAX, UINT64_MAX / 2, 0, 0};
    }
    if (is(18)) sheet.pools[0].units_free = sheet.pools[0].nodes_free = UINT32_MAX;
    if (is(19)) record.network[0].egress.micros = record.network[0].ingress.micros = INT64_MIN;
    if (is(20)) pool.tariff.node_hour.micros = pool.tariff.fixed_fee.micros = INT64_MIN;
    if (is(21)) sheet.pools[0].price_ppm = INT64_MIN;
    if (is(22)) spec.constraints.deadline = Wall::time_point::min();
    if (is(23)) spec.inputs[0].replicas[0].site = "aa-north-1";
  };
  for (const Objective objective : {Objective::cheapest, Objective::fastest, Objective::balanced}) {
    for (int which = -1; which <= 23; ++which) {
      SiteRecord record = site("aa-north-1", {pool("cpu")});
      record.network = {NetworkTariff{"default", {1'000}, {1'000}, 100, 10}};
      record.policy.run_seconds_max = UINT32_MAX;
      QuoteSheet sheet = sample::sheet(record);
      JobSpec spec = job();
      spec.objective = objective;
      spec.variants[0].duration_seconds = 0;
      spec.variants[0].work_seconds = 1'000;
      spec.inputs.resize(1);
      spec.inputs[0].size_bytes = 1'000;
      spec.inputs[0].replicas = {Replica{"https://x.example/", "", ""}};
      spec.outputs.resize(1);
      spec.outputs[0].url = "https://x.example/out";
      spec.constraints.preemptible_allowed = true;
      largest(record, sheet, spec, which);
      Market market;
      market.add(record, sheet);
      market.options.tolerance_ppm = INT64_MAX;
      market.options.spare_units = which == 18 ? UINT32_MAX : 0;
      const Decision decision = market.route(spec);
      EXPECT_EQ(decision.pools_considered, 1U);
      if (decision.chosen) {
        EXPECT_GE(decision.chosen->cost.total.micros, 0) << which;
        EXPECT_LT(decision.chosen->cost.total.micros, INT64_MAX) << which;
        EXPECT_GE(decision.chosen->rate.micros, 0) << which;
      } else {
        EXPECT_FALSE(decision.rejections[0].detail.empty()) << which;
      }
    }
  }
}

TEST(Route, TheOrderInWhichRecordsCameDoesNotMatter) {
  std::vector<SiteRecord> records;
  for (int number = 10; number < 30; ++number) {
    Pool cpu = pool("cpu", 10'000 + number % 3);
    if (number % 5 == 0) cpu.architecture = Architecture::s390x;
    records.push_back(site("aa-north-" + std::to_string(number), {cpu, pool("more")}));
  }
  Market forward;
  for (const SiteRecord& each : records) forward.add(each);
  Market backward;
  std::ranges::reverse(records);
  for (const SiteRecord& each : records) backward.add(each);
  forward.options.tolerance_ppm = backward.options.tolerance_ppm = 50'000;
  const Bytes bytes = encode(forward.route(job()));
  EXPECT_EQ(bytes, encode(forward.route(job())));
  EXPECT_EQ(bytes, encode(backward.route(job())));
}

}  // namespace
}  // namespace tradewind
