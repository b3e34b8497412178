// What the makers' tools print is understood, and what is not is refused with tool and line.
#include "gateway/discovery/accelerator_report.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/unit/discovery/tool_reports.h"

namespace tradewind {

void PrintTo(const ReportedAccelerator& device, std::ostream* out) {
  *out << device.name << " " << device.memory_mib;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Device = ReportedAccelerator;

std::vector<Device> listed(std::string_view program, std::string_view report) {
  const auto devices = parse_accelerator_report(tool_named(program), tool_report(report));
  EXPECT_TRUE(devices) << describe(devices.error());
  return devices ? *devices : std::vector<Device>();
}

std::string refusal(std::string_view program, std::string_view text) {
  const auto devices = parse_accelerator_report(tool_named(program), text);
  return devices ? "taken" : describe(devices.error());
}

TEST(AcceleratorReport, NvidiasTableTellsNamesAndMemory) {
  EXPECT_THAT(
      listed("nvidia-smi", "nvidia-smi.txt"),
      ElementsAre(Device{"NVIDIA A100-SXM4-40GB", 40960}, Device{"NVIDIA A100-SXM4-40GB", 40960},
                  Device{"NVIDIA H100 80GB HBM3", 81559}, Device{"NVIDIA GeForce RTX 4090", 24564},
                  Device{"Tesla T4", 15360}));
}

TEST(AcceleratorReport, ADeviceThatIsCutGivesWayToItsSlices) {
  const auto all =
      with_slices(listed("nvidia-smi", "nvidia-smi.txt"), tool_report("nvidia-smi-l.txt"));
  ASSERT_TRUE(all) << describe(all.error());
  EXPECT_THAT(
      *all,
      ElementsAre(Device{"NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20 * 1024},
                  Device{"NVIDIA A100-SXM4-40GB MIG 1g.5gb", 5 * 1024},
                  Device{"NVIDIA A100-SXM4-40GB MIG 1g.5gb", 5 * 1024},
                  Device{"NVIDIA A100-SXM4-40GB", 40960}, Device{"NVIDIA H100 80GB HBM3", 81559},
                  Device{"NVIDIA GeForce RTX 4090", 24564}, Device{"Tesla T4", 15360}));
}

TEST(AcceleratorReport, SlicesOfADeviceThatTheTableHasNotAreRefused) {
  const auto all = with_slices({{"NVIDIA A100-SXM4-40GB", 40960}},
                               "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-0)\n"
                               "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-1)\n");
  ASSERT_FALSE(all);
  EXPECT_THAT(describe(all.error()), HasSubstr("nvidia-smi -L: line 2 numbers no device"));
}

TEST(AcceleratorReport, AscendsTableTellsNameAndMemoryOnTwoLines) {
  EXPECT_THAT(listed("npu-smi", "npu-smi.txt"),
              ElementsAre(Device{"910B3", 65536}, Device{"910B3", 65536}, Device{"910B4", 32768}));
  EXPECT_THAT(listed("npu-smi", "npu-smi-dies.txt"),
              ElementsAre(Device{"Ascend910", 65536}, Device{"Ascend910", 65536}));
  EXPECT_THAT(listed("npu-smi", "npu-smi-310p.txt"), ElementsAre(Device{"310P3", 21527}));
}

TEST(AcceleratorReport, RocmsJsonIsReadOfOldAndNewReleases) {
  EXPECT_THAT(
      listed("rocm-smi", "rocm-smi.txt"),
      ElementsAre(Device{"AMD Instinct MI300X OAM", 196592}, Device{"Radeon RX 7900 XT", 20464}));
  EXPECT_THAT(listed("rocm-smi", "rocm-smi-5.txt"),
              ElementsAre(Device{"AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2", 65520}));
}

TEST(AcceleratorReport, TheOtherMakersToolsAreReadToo) {
  EXPECT_THAT(listed("hy-smi", "hy-smi.txt"),
              ElementsAre(Device{"K100_AI", 65520}, Device{"K100_AI", 65520}));
  EXPECT_THAT(listed("cnmon", "cnmon.txt"),
              ElementsAre(Device{"MLU370-X8", 23374}, Device{"MLU370-X4", 23308}));
  EXPECT_THAT(listed("mthreads-gmi", "mthreads-gmi.txt"),
              ElementsAre(Device{"MTT S4000", 49152}, Device{"MTT S5000", 81920}));
  EXPECT_THAT(listed("ixsmi", "ixsmi.txt"),
              ElementsAre(Device{"Iluvatar BI-V150", 32768}, Device{"Iluvatar BI-V150", 32768}));
  EXPECT_THAT(listed("xpu-smi", "xpu-smi.txt"),
              ElementsAre(Device{"Intel(R) Data Center GPU Max 1550", 131072},
                          Device{"Intel(R) Graphics [0x56c0]", 14248}));
  EXPECT_THAT(listed("hl-smi", "hl-smi.txt"),
              ElementsAre(Device{"HL-225", 98304}, Device{"HL-325L", 131072}));
}

TEST(AcceleratorReport, MemoryThatADeviceDoesNotTellIsUnknown) {
  const auto devices = parse_accelerator_report(tool_named("nvidia-smi"),
                                                "name, memory.total [MiB]\nNVIDIA GB10, [N/A]\n");
  ASSERT_TRUE(devices);
  EXPECT_THAT(*devices, ElementsAre(Device{"NVIDIA GB10", 0}));
}

TEST(AcceleratorReport, WhatIsNotUnderstoodIsRefusedWithToolAndLine) {
  EXPECT_THAT(refusal("nvidia-smi", "No devices were found\n"),
              HasSubstr("nvidia-smi: line 1 is not the heading"));
  EXPECT_THAT(refusal("nvidia-smi", "name, memory.total [MiB]\nA100, lots\n"),
              HasSubstr("nvidia-smi: line 2 has no amount of memory"));
  EXPECT_THAT(refusal("nvidia-smi", "name, memory.total [MiB]\n\xff\xfe, 4 MiB\n"),
              HasSubstr("nvidia-smi: line 2 names a device with no name"));
  EXPECT_THAT(refusal("npu-smi", "| 0 | 0000:C1:00.0 | 0 0 / 0 3400 / 65536 |\n"),
              HasSubstr("npu-smi: line 1 tells of a chip without a name"));
  EXPECT_THAT(refusal("npu-smi", "| 0 910B3 | OK | 90.1 40 0 / 0 |\n"),
              HasSubstr("npu-smi: line 1 ends before a chip's memory"));
  EXPECT_THAT(refusal("rocm-smi", "{\"card0\": {\n\"Card Series\": }"),
              HasSubstr("rocm-smi: line 2 is no JSON"));
  EXPECT_THAT(refusal("rocm-smi", "{\"card0\": {\"Card Series\": \"a\\nb\"}}"),
              HasSubstr("rocm-smi: line 1 names a device with no name"));
  EXPECT_THAT(refusal("cnmon", "| 0 / MLU370-X8 v1 | 0000:13:00.0 | 0% 0 |\n"),
              HasSubstr("cnmon: line 1 ends before a card's memory"));
  EXPECT_THAT(refusal("mthreads-gmi", "0 MTT S4000 |00000000:08:00.0 |0% 0MiB(49152MiB\n"),
              HasSubstr("mthreads-gmi: line 1 has no amount of memory"));
}

TEST(AcceleratorReport, HasBounds) {
  std::string many = "name, memory.total [MiB]\n";
  for (std::size_t i = 0; i <= reported_accelerators_max; ++i) many += "Tesla T4, 15360 MiB\n";
  EXPECT_THAT(refusal("nvidia-smi", many), HasSubstr("is one device too many"));
  EXPECT_THAT(refusal("nvidia-smi", "name, memory.total [MiB]\n" + std::string(5000, 'x')),
              HasSubstr("line 2 is too long"));
  EXPECT_THAT(refusal("nvidia-smi", "name, memory.total [MiB]\nT4, 99999999999 MiB\n"),
              HasSubstr("line 2 has no amount of memory"));
  EXPECT_THAT(refusal("rocm-smi", std::string(20, '{')), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal("cnmon", std::string(report_bytes_max + 1, '\n')),
              HasSubstr("prints more than"));
}

}  // namespace
}  // namespace tradewind
