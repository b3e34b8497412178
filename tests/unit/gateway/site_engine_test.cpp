#include "gateway/site_engine.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

class SiteEngineTest : public testing::Test {
 protected:
  SiteEngineTest() {
    site.engine.sandbox = SandboxMode::none;
    site.record.pools.resize(1);
    site.record.pools[0].id = PoolId{"cpu"};
  }
  Result<std::unique_ptr<Engine>> make() {
    return make_site_engine(io, site, directory.path(), [](EngineEvent) {});
  }
  std::string refused_field() {
    const auto made = make();
    return made ? "" : made.error().field;
  }

  const TemporaryDirectory directory;
  boost::asio::io_context io;
  SiteFile site;
};

TEST_F(SiteEngineTest, RunsProcessesHereUnlessTheFileNamesACluster) {
  const auto made = make();
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ((*made)->capacity(PoolId{"cpu"}), std::nullopt) << "all that is not granted";
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "attempts"));
}

TEST_F(SiteEngineTest, IsTheOneThatTheFileNames) {
  site.engine.tes.emplace().url = "ftp://tes.example.org";
  EXPECT_EQ(refused_field(), "engine.tes.url");
  KubernetesSettings& kubernetes = site.engine.kubernetes.emplace();
  kubernetes.url = "https://kubernetes.example.org";
  kubernetes.pools[PoolId{"cpu"}] = {};
  EXPECT_EQ(refused_field(), "engine.kubernetes.namespace");
  kubernetes.kubeconfig = (directory.path() / "none").string();
  const auto without = make();
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::not_found);
  EXPECT_NE(describe(without.error()).find(kubernetes.kubeconfig), std::string::npos);
}

}  // namespace
}  // namespace tradewind
