#include "gateway/site_findings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <stop_token>

#include "schemas/money.h"
#include "tests/unit/gateway/osaka.h"
#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mib = 1024 * 1024;
const RegionId tokyo{"jp-tokyo"};
const LearntClass training{PoolId{"gpu"}, "training"};

Now at(std::chrono::seconds after) {
  return {Mono::time_point(1'000s + after), wall_from_ms(1'000'000'000) + after};
}

class SiteFindingsTest : public testing::Test {
 protected:
  SiteFindingsTest() {
    told.pools.resize(1);
    told.pools[0].id = training.first;
    told.pools[0].performance_ppm[training.second] = ppm_one;
    file.learnt = {{training, ppm_one}};
    file.staging.cache_directory = directory.path() / "cache";
    file.staging.cache_bytes_max = 16 * mib;
  }
  void SetUp() override {
    auto opened = Store::open(directory.path() / "store", at(0s));
    ASSERT_TRUE(opened) << describe(opened.error());
    store = std::move(*opened);
    findings = make();
  }
  std::unique_ptr<SiteFindings> make() {
    auto made = std::make_unique<SiteFindings>(osaka, *store, [this] { return round_trips; });
    const Status begun = made->begin(file);
    EXPECT_TRUE(begun) << describe(begun.error());
    return made;
  }
  // As published from then on.
  bool news(Now now) {
    auto record = findings->news(told, now);
    EXPECT_TRUE(record) << describe(record.error());
    if (!record || !*record) return false;
    told = std::move(**record);
    return true;
  }
  void run(int count) {
    Assignment assignment;
    assignment.tenant = TenantId{"physics"};
    assignment.pool = training.first;
    assignment.workload_class = training.second;
    assignment.work_seconds = 100;
    EndReport report;
    report.code = EndCode::succeeded;
    report.usage.ended = report.usage.started + 50s;
    for (int each = 0; each < count; ++each) findings->ended(assignment, report);
  }
  // As an attempt would, in a process of its own.
  void keep_input(const HoldingLabel& label) {
    const auto cache = DataCache::open(file.staging.cache_directory, file.staging.cache_bytes_max);
    ASSERT_TRUE(cache);
    auto place = cache->take(label, std::string(64, 'a'), mib, {});
    ASSERT_TRUE(place && *place);
    ASSERT_EQ(::ftruncate((*place)->fd.get(), mib), 0);
    ASSERT_TRUE(cache->complete(**place));
  }
  std::int64_t ppm() const { return told.pools[0].performance_ppm.at(training.second); }

  const TemporaryDirectory directory;
  SiteFile file;
  SiteRecord told;
  std::vector<RoundTrip> round_trips;
  std::unique_ptr<Store> store;
  std::unique_ptr<SiteFindings> findings;
};

TEST_F(SiteFindingsTest, TheNetworkIsNewsOnceAMinuteAndWhenItMatters) {
  round_trips = {{tokyo, round_trip_code(8ms)}};
  findings->staged(tokyo, {"", "", true, 100 * mib, 10'000}, at(0s).wall);
  EXPECT_FALSE(news(at(0s)));
  EXPECT_FALSE(news(at(59s)));
  EXPECT_TRUE(news(at(60s)));
  EXPECT_EQ(told.round_trips, round_trips);
  ASSERT_EQ(told.bandwidths.size(), 1U);
  EXPECT_EQ(told.bandwidths[0].region, tokyo);
  round_trips = {{tokyo, round_trip_code(8'500us)}};
  EXPECT_FALSE(news(at(120s)));
  round_trips = {{tokyo, round_trip_code(80ms)}};
  EXPECT_FALSE(news(at(179s)));
  EXPECT_TRUE(news(at(180s)));
  EXPECT_EQ(told.round_trips, round_trips);
}

TEST_F(SiteFindingsTest, WhatTheCacheHoldsIsNewsAtOnceButNotTwiceAMinute) {
  keep_input({1, 1});
  EXPECT_TRUE(news(at(0s)));
  EXPECT_EQ(told.holdings, (std::vector<HoldingLabel>{{1, 1}}));
  keep_input({1, 2});
  EXPECT_FALSE(news(at(59s)));
  EXPECT_TRUE(news(at(60s)));
  EXPECT_EQ(told.holdings.size(), 2U);
  EXPECT_FALSE(news(at(200s)));
}

TEST_F(SiteFindingsTest, WhatIsLearntOfPoolsIsKeptAndTold) {
  run(4);
  EXPECT_FALSE(news(at(0s))) << "too few to say";
  run(1);
  EXPECT_FALSE(news(at(59s)));
  EXPECT_TRUE(news(at(60s)));
  EXPECT_GT(ppm(), ppm_one);
  // The next life knows it, whether it was told or not.
  const std::int64_t before = ppm();
  run(5);
  ASSERT_TRUE(findings->keep());
  findings = make();
  keep_input({1, 1});
  findings->fill(told);
  EXPECT_GT(ppm(), before);
  EXPECT_EQ(told.holdings.size(), 1U);
  EXPECT_FALSE(news(at(120s)));
}

TEST_F(SiteFindingsTest, AnotherSiteFileKeepsWhatWasFoundButStartsAnewWhereItSaysSo) {
  told.round_trips = {{tokyo, round_trip_code(8ms)}};
  told.holdings = {{1, 1}};
  run(5);
  SiteRecord record;
  record.pools = told.pools;
  ASSERT_TRUE(findings->take_over(file, told, record));
  EXPECT_EQ(record.round_trips, told.round_trips);
  EXPECT_EQ(record.holdings, told.holdings);
  EXPECT_GT(record.pools[0].performance_ppm.at(training.second), ppm_one);
  file.learnt = {{training, 3 * ppm_one}};
  ASSERT_TRUE(findings->take_over(file, told, record));
  EXPECT_EQ(record.pools[0].performance_ppm.at(training.second), 3 * ppm_one);
}

}  // namespace
}  // namespace tradewind
