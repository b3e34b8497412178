// The program itself, with tools on its PATH that print what the makers' print.
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/engines/tool_run.h"
#include "gateway/site_file.h"
#include "tests/unit/discovery/tool_reports.h"
#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

using ::testing::HasSubstr;

class Discover : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("PATH", directory_.path().c_str(), 1); }
  void TearDown() override { ::setenv("PATH", path_before_.c_str(), 1); }

  void install(const std::string& program, const std::string& script) const {
    const auto file = directory_.path() / program;
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
  void install_report(const std::string& program, const std::string& report) const {
    install(program, "exec /bin/cat " TRADEWIND_TOOL_REPORTS "/" + report);
  }

  static Result<std::string> gateway(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), TRADEWIND_GATEWAY_BINARY);
    return run_tool(arguments, std::chrono::seconds(60), 1 << 20);
  }
  std::string out() const { return (directory_.path() / "site.toml").string(); }
  Result<std::string> write_site(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{
        "discover", "--id",       "us-lincoln-1", "--region", "us-lincoln", "--jurisdiction",
        "US",       "--provider", "Lincoln HPC",  "--out",    out()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gateway(arguments);
  }

  const std::string path_before_ = ::getenv("PATH");
  TemporaryDirectory directory_;
};

TEST_F(Discover, WritesAFileThatTheGatewayTakes) {
  install("nvidia-smi",
          "[ \"$1\" = -L ] && exec /bin/cat " TRADEWIND_TOOL_REPORTS
          "/nvidia-smi-l.txt\nexec /bin/cat " TRADEWIND_TOOL_REPORTS "/nvidia-smi.txt");
  install_report("npu-smi", "npu-smi.txt");
  const auto written = write_site();
  ASSERT_TRUE(written) << describe(written.error());
  const auto file = load_site_file(out());
  ASSERT_TRUE(file) << describe(file.error());
  EXPECT_EQ(file->record.state, SiteState::draining);
  const auto shown = gateway({"check", "--site", out()});
  ASSERT_TRUE(shown) << describe(shown.error());
  EXPECT_THAT(*shown, HasSubstr("site us-lincoln-1 in us-lincoln (US), Lincoln HPC, draining"));
}

TEST_F(Discover, ReplacesNoFileUnlessForced) {
  std::ofstream(out()) << "precious";
  EXPECT_FALSE(write_site());
  std::ifstream kept(out());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), "precious");
  ASSERT_TRUE(write_site({"--force"}));
  EXPECT_TRUE(load_site_file(out()));
}

TEST_F(Discover, WritesNothingWithoutTheSitesNames) {
  EXPECT_FALSE(gateway({"discover", "--id", "US 1", "--out", out()}));
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(Discover, AToolThatFailsIsAWarningAndTheRestIsFound) {
  install("nvidia-smi", "echo no driver; exit 9");
  install_report("hy-smi", "hy-smi.txt");
  install_report("rocm-smi", "hy-smi.txt");  // would list the same again
  const auto text = gateway({"discover", "--output", "json"});
  ASSERT_TRUE(text) << describe(text.error());
  const auto json = boost::json::parse(*text).as_object();
  EXPECT_THAT(std::string(json.at("warnings").as_array().at(0).as_string()),
              HasSubstr("nvidia-smi: ended with code 9: \"no driver\""));
  ASSERT_EQ(json.at("pools").as_array().size(), 1U);
  const auto& device = json.at("pools").as_array()[0].at("accelerator").as_object();
  EXPECT_EQ(device.at("family").as_string(), "dcu");
}

TEST_F(Discover, ListsTheCatalogue) {
  const auto text = gateway({"accelerators", "--output", "json"});
  ASSERT_TRUE(text) << describe(text.error());
  EXPECT_GT(boost::json::parse(*text).as_array().size(), 80U);
}

}  // namespace
}  // namespace tradewind
