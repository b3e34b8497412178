// The catalogue is well-formed, no name means two devices, and its numbers can be.
#include "gateway/discovery/accelerator_catalogue.h"

#include <gmock/gmock.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <map>
#include <set>
#include <string>

#include "gateway/discovery/accelerator_list.h"
#include "tests/unit/discovery/tool_reports.h"

namespace tradewind {
namespace {

using ::testing::HasSubstr;

TEST(AcceleratorCatalogue, EveryNameMeansOneModel) {
  std::map<std::string, std::string> models;
  std::set<std::string> seen;
  for (const CatalogueAccelerator& row : accelerator_catalogue()) {
    EXPECT_TRUE(seen.insert(row.model).second) << row.model;
    std::set<std::string> names{accelerator_slug(row.model)};
    for (const std::string& each : row.names) names.insert(accelerator_slug(each));
    for (const std::string& each : names) {
      EXPECT_TRUE(models.emplace(each, row.model).second) << each << " of " << row.model;
    }
  }
}

TEST(AcceleratorCatalogue, NumbersAreOfTheSizeThatDevicesHave) {
  const std::set<std::string> families = {"cuda", "rocm",  "ascend", "mlu", "dcu", "musa",
                                          "supa", "corex", "maca",   "xpu", "hpu"};
  for (const CatalogueAccelerator& row : accelerator_catalogue()) {
    EXPECT_TRUE(families.contains(row.family)) << row.model << ": " << row.family;
    EXPECT_GE(row.memory_gib, 8U) << row.model;
    EXPECT_LE(row.memory_gib, 512U) << row.model;
    if (row.peak_gigaflops != 0) {
      EXPECT_GE(row.peak_gigaflops, 10'000U) << row.model;
      EXPECT_LE(row.peak_gigaflops, 5'000'000U) << row.model;
    }
    if (row.watts != 0) {
      EXPECT_GE(row.watts, 40U) << row.model;
      EXPECT_LE(row.watts, 2'000U) << row.model;
    }
    // No device of today does more than ten TFLOPS with a watt; a slipped digit does.
    if (row.watts != 0) EXPECT_LE(row.peak_gigaflops, row.watts * 10'000U) << row.model;
    EXPECT_NE(row.interconnect, Interconnect::none) << row.model;
  }
}

TEST(AcceleratorCatalogue, HasRowsOfEveryMakerWhoseToolIsRead) {
  std::set<std::string> families;
  for (const CatalogueAccelerator& row : accelerator_catalogue()) families.insert(row.family);
  for (const AcceleratorTool& tool : accelerator_tools()) {
    EXPECT_TRUE(families.contains(std::string(tool.family))) << tool.program;
  }
}

TEST(AcceleratorCatalogue, KnowsEveryNameThatTheToolsPrint) {
  const std::map<std::string, std::string> reports = {{"nvidia-smi.txt", "nvidia-smi"},
                                                      {"npu-smi.txt", "npu-smi"},
                                                      {"npu-smi-dies.txt", "npu-smi"},
                                                      {"npu-smi-310p.txt", "npu-smi"},
                                                      {"rocm-smi.txt", "rocm-smi"},
                                                      {"rocm-smi-5.txt", "rocm-smi"},
                                                      {"hy-smi.txt", "hy-smi"},
                                                      {"cnmon.txt", "cnmon"},
                                                      {"mthreads-gmi.txt", "mthreads-gmi"},
                                                      {"ixsmi.txt", "ixsmi"},
                                                      {"xpu-smi.txt", "xpu-smi"},
                                                      {"hl-smi.txt", "hl-smi"}};
  for (const auto& [report, program] : reports) {
    const AcceleratorTool& tool = tool_named(program);
    const auto devices = parse_accelerator_report(tool, tool_report(report));
    ASSERT_TRUE(devices) << describe(devices.error());
    for (const ReportedAccelerator& each : *devices) {
      const CatalogueAccelerator* row = find_accelerator(each.name);
      ASSERT_NE(row, nullptr) << program << ": " << each.name;
      EXPECT_EQ(row->family, tool.family) << each.name;
    }
  }
}

TEST(AcceleratorCatalogue, FindsANameWhateverItsCaseAndPunctuation) {
  ASSERT_NE(find_accelerator("nvidia  h100_80gb-hbm3"), nullptr);
  EXPECT_EQ(find_accelerator("nvidia  h100_80gb-hbm3")->model, "h100-sxm");
  EXPECT_EQ(find_accelerator("NVIDIA H10"), nullptr);
  EXPECT_EQ(find_accelerator(""), nullptr);
}

TEST(AcceleratorCatalogue, ARowAtFaultIsRefusedWithLineAndColumn) {
  const std::string head = std::string(accelerators_csv().substr(0, accelerators_csv().find('\n')));
  const auto refusal = [&](const std::string& row) {
    const auto rows = parse_accelerator_catalogue(head + "\n" + row + "\n");
    return rows ? "taken" : describe(rows.error());
  };
  EXPECT_EQ(refusal("x1,X1,Maker,cuda,16,12.5,100,pcie,a sheet"), "taken");
  EXPECT_THAT(refusal("X 1,X1,Maker,cuda,16,12.5,100,pcie,a sheet"), HasSubstr("model: line 2"));
  EXPECT_THAT(refusal("x1,X1,Maker,cuda,much,12.5,100,pcie,s"), HasSubstr("memory_gib: line 2"));
  EXPECT_THAT(refusal("x1,X1,Maker,cuda,16,12.55,100,pcie,s"), HasSubstr("peak_tflops: line 2"));
  EXPECT_THAT(refusal("x1,X1,Maker,cuda,16,12.5,100,pcie,"), HasSubstr("source: line 2"));
  EXPECT_THAT(refusal("x1,X1,Maker,cuda,16"), HasSubstr("not nine columns"));
}

TEST(AcceleratorCatalogue, IsListedForPeopleAndPrograms) {
  EXPECT_THAT(accelerators_table(), HasSubstr("h100-sxm"));
  const auto rows = boost::json::parse(accelerators_json()).as_array();
  ASSERT_EQ(rows.size(), accelerator_catalogue().size());
  EXPECT_EQ(rows[0].at("model").as_string(), accelerator_catalogue()[0].model);
}

}  // namespace
}  // namespace tradewind
