// The written site file is one that the gateway's reader takes, and says what the machine has.
#include "gateway/discovery/discovered_site.h"

#include <gmock/gmock.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string>

#include "gateway/site_file.h"

namespace tradewind {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const SiteNaming lincoln{"us-lincoln-1", "us-lincoln", "US", "Lincoln \"HPC\" \\ Inc"};

Machine machine_with(std::vector<ListedAccelerators> accelerators) {
  Machine machine;
  machine.architecture = Architecture::arm64;
  machine.cpus = 96;
  machine.memory_mib = 512 * 1024;
  machine.disk_mib = 1000 * 1024;
  machine.accelerators = std::move(accelerators);
  return machine;
}

SiteRecord record_of(const Machine& machine) {
  const std::string text = discovered_site_file(lincoln, machine);
  const auto file = parse_site_file(text, "site.toml");
  EXPECT_TRUE(file) << describe(file.error()) << "\n" << text;
  return file ? file->record : SiteRecord{};
}

TEST(DiscoveredSite, AMachineWithoutAcceleratorsSellsItsProcessors) {
  const SiteRecord site = record_of(machine_with({}));
  EXPECT_EQ(site.site.value, "us-lincoln-1");
  EXPECT_EQ(site.provider, lincoln.provider);
  ASSERT_EQ(site.pools.size(), 1U);
  const Pool& pool = site.pools[0];
  EXPECT_EQ(pool.id.value, "cpu");
  EXPECT_EQ(pool.architecture, Architecture::arm64);
  EXPECT_EQ(pool.node.cpus, 96U);
  EXPECT_EQ(pool.node.memory_mib, 480U * 1024);
  EXPECT_EQ(pool.node.disk_mib, 900U * 1024);
  EXPECT_EQ(units_per_node(pool), 96U);
}

TEST(DiscoveredSite, SellsNothingBeforeSomebodyHasSetPrices) {
  EXPECT_EQ(record_of(machine_with({})).state, SiteState::draining);
}

TEST(DiscoveredSite, EightOfOneKindAreEightUnitsOfOnePool) {
  const std::vector<ReportedAccelerator> devices(8, {"NVIDIA H100 80GB HBM3", 81559});
  const SiteRecord site = record_of(machine_with({{"cuda", devices}}));
  ASSERT_EQ(site.pools.size(), 1U);
  const Pool& pool = site.pools[0];
  EXPECT_EQ(pool.id.value, "h100-sxm");
  EXPECT_EQ(pool.accelerator, (Accelerator{"cuda", "h100-sxm", 80, Interconnect::nvlink}));
  EXPECT_EQ(pool.unit, (Resources{12, 60 * 1024, pool.node.disk_mib / 8, 1}));
  EXPECT_EQ(units_per_node(pool), 8U);
  EXPECT_EQ(pool.unit_watts, 700U);
}

TEST(DiscoveredSite, EachKindGetsItsShareOfTheMachineAndNothingIsSoldTwice) {
  const Machine machine =
      machine_with({{"cuda", {{"Tesla T4", 15360}, {"NVIDIA L4", 23034}, {"NVIDIA L4", 23034}}},
                    {"rocm", {{"AMD Instinct MI210", 65520}}}});
  const SiteRecord site = record_of(machine);
  ASSERT_EQ(site.pools.size(), 3U);
  Resources all;
  for (const Pool& each : site.pools) {
    all.cpus += each.node.cpus;
    all.memory_mib += each.node.memory_mib;
    all.disk_mib += each.node.disk_mib;
    all.accelerators += each.node.accelerators;
    EXPECT_EQ(each.node.cpus, 24U * each.node.accelerators) << each.id.value;
  }
  EXPECT_LE(all.memory_mib, machine.memory_mib);
  EXPECT_LE(all.disk_mib, machine.disk_mib);
  EXPECT_EQ(all.accelerators, 4U);
}

TEST(DiscoveredSite, ADeviceThatTheCatalogueKnowsNotIsDescribedAsListed) {
  const SiteRecord site =
      record_of(machine_with({{"cuda", {{"NVIDIA X9000 Super (2031)", 250'000}}}}));
  ASSERT_EQ(site.pools.size(), 1U);
  EXPECT_EQ(site.pools[0].accelerator,
            (Accelerator{"cuda", "nvidia-x9000-super-2031", 244, Interconnect::none}));
}

TEST(DiscoveredSite, MemoryFarFromTheCataloguesIsTakenAsListed) {
  const SiteRecord site = record_of(machine_with({{"mlu", {{"MLU370-X8", 23374}}}}));
  ASSERT_EQ(site.pools.size(), 1U);
  EXPECT_EQ(site.pools[0].accelerator.model, "mlu370-x8");
  EXPECT_EQ(site.pools[0].accelerator.memory_gib, 22U);
}

TEST(DiscoveredSite, ASliceIsAModelOfItsOwn) {
  const std::vector<ReportedAccelerator> slices(7, {"NVIDIA A100-SXM4-40GB MIG 1g.5gb", 5 * 1024});
  const SiteRecord site = record_of(machine_with({{"cuda", slices}}));
  ASSERT_EQ(site.pools.size(), 1U);
  EXPECT_EQ(site.pools[0].accelerator,
            (Accelerator{"cuda", "a100-sxm4-40gb-1g-5gb", 5, Interconnect::none}));
  EXPECT_EQ(site.pools[0].node.accelerators, 7U);
}

TEST(DiscoveredSite, WithFewerProcessorsThanDevicesAsManyDevicesAreSoldAsProcessors) {
  Machine machine = machine_with({{"cuda", {8, {"Tesla T4", 15360}}}});
  machine.cpus = 4;
  const SiteRecord site = record_of(machine);
  ASSERT_EQ(site.pools.size(), 1U);
  EXPECT_EQ(site.pools[0].node.accelerators, 4U);
  EXPECT_THAT(discovered_site_file(lincoln, machine), HasSubstr("4 of 8 devices are sold"));
}

TEST(DiscoveredSite, WithFewerProcessorsThanKindsTheRestIsLeftOutWithAWord) {
  Machine machine = machine_with({{"cuda", {{"Tesla T4", 15360}, {"NVIDIA L4", 23034}}},
                                  {"rocm", {{"AMD Instinct MI210", 65520}}}});
  machine.cpus = 2;
  EXPECT_EQ(record_of(machine).pools.size(), 2U);
  EXPECT_THAT(discovered_site_file(lincoln, machine), HasSubstr("0 of 1 devices are sold"));
}

TEST(DiscoveredSite, ADeviceWhoseMemoryNobodyTellsIsLeftOutWithAWord) {
  const Machine machine = machine_with({{"cuda", {{"NVIDIA X9000", 0}}}});
  const SiteRecord site = record_of(machine);
  ASSERT_EQ(site.pools.size(), 1U);
  EXPECT_EQ(site.pools[0].id.value, "cpu");
  EXPECT_THAT(discovered_site_file(lincoln, machine), HasSubstr("NVIDIA X9000 is left out"));
}

TEST(DiscoveredSite, TellsOfSlurmOnlyWhereItIs) {
  Machine machine = machine_with({});
  EXPECT_THAT(discovered_site_file(lincoln, machine), Not(HasSubstr("Slurm")));
  machine.slurm = true;
  EXPECT_THAT(discovered_site_file(lincoln, machine),
              HasSubstr("tradewind-gateway discover --slurm"));
  record_of(machine);
}

TEST(DiscoveredSite, ProgramsGetTheSameAsJson) {
  Machine machine = machine_with({{"cuda", {{"NVIDIA L4", 23034}}}});
  machine.warnings = {"npu-smi: ended with code 1"};
  const auto json = boost::json::parse(discovered_machine_json(machine)).as_object();
  EXPECT_EQ(json.at("architecture").as_string(), "arm64");
  EXPECT_EQ(json.at("warnings").as_array().size(), 1U);
  const auto& pool = json.at("pools").as_array().at(0).as_object();
  EXPECT_EQ(pool.at("id").as_string(), "l4");
  EXPECT_EQ(pool.at("accelerator").as_object().at("memory_gib").as_int64(), 24);
  EXPECT_TRUE(pool.at("accelerator").as_object().at("in_catalogue").as_bool());
}

TEST(MachineFiles, TellMemoryAndLimits) {
  EXPECT_EQ(*parse_memory_total("MemTotal:       16316404 kB\nMemFree: 1 kB\n"), 15933U);
  EXPECT_FALSE(parse_memory_total("nonsense"));
  EXPECT_EQ(parse_memory_max("2147483648\n"), 2048U);
  EXPECT_EQ(parse_memory_max("max\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("250000 100000\n"), 2U);
  EXPECT_EQ(parse_cpu_max("50000 100000\n"), 1U);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("5 0\n"), std::nullopt);
}

}  // namespace
}  // namespace tradewind
