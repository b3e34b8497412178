#include "gateway/bandwidths.h"

#include <gtest/gtest.h>

#include <chrono>

#include "schemas/limits.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const RegionId osaka_region{"jp-osaka"};
constexpr std::uint64_t mib = 1024 * 1024;

Wall::time_point at(std::chrono::seconds after) {
  return Wall::time_point(after);
}
// One that went at so many megabits a second.
StagedFile transfer(std::uint64_t mbit, bool arrived = true) {
  return StagedFile{"", "", arrived, mbit * 125'000 * 100, 100'000};
}

TEST(Bandwidths, TellTheMedianOfTheLastFiveOfEachDirection) {
  Bandwidths bandwidths;
  for (const std::uint64_t mbit : {1U, 900U, 10U, 20U, 30U, 40U}) {
    bandwidths.add(osaka_region, transfer(mbit), at(10s));
  }
  bandwidths.add(osaka_region, transfer(7, false), at(20s));
  const std::vector<Bandwidth> expected = {{osaka_region, 30, 7, at(20s)}};
  EXPECT_EQ(bandwidths.row(at(30s)), expected);
}

TEST(Bandwidths, LeaveOutWhatIsSmallShortOrOld) {
  Bandwidths bandwidths;
  bandwidths.add(osaka_region, {"", "", true, mib - 1, 1'000}, at(0s));
  bandwidths.add(osaka_region, {"", "", true, 100 * mib, 9}, at(0s));
  EXPECT_TRUE(bandwidths.row(at(0s)).empty());
  bandwidths.add(osaka_region, {"", "", true, mib, 1'000'000}, at(0s));
  ASSERT_EQ(bandwidths.row(at(24h)).size(), 1U);
  EXPECT_EQ(bandwidths.row(at(24h))[0].in_mbit, 1U) << "never 0, which is not measured";
  EXPECT_TRUE(bandwidths.row(at(24h + 1s)).empty());
  bandwidths.add(osaka_region, {"", "", true, UINT64_MAX, 10}, at(24h));
  bandwidths.add(osaka_region, {"", "", true, UINT64_MAX, 10}, at(24h));
  EXPECT_EQ(bandwidths.row(at(24h))[0].in_mbit, limits::bandwidth_mbit_max);
}

TEST(Bandwidths, KeepTheRegionsThatWereMeasuredLast) {
  Bandwidths bandwidths;
  for (int i = 0; i < 70; ++i) {
    bandwidths.add(RegionId{"r-" + std::to_string(100 + i)}, transfer(5), at(i * 1s));
  }
  const auto row = bandwidths.row(at(100s));
  ASSERT_EQ(row.size(), limits::measured_regions_max);
  EXPECT_EQ(row.front().region.value, "r-106");
}

TEST(Bandwidths, ARowIsNewsWhenItTellsOfAnotherNetworkOrGrowsOld) {
  const std::vector<Bandwidth> row = {{osaka_region, 100, 0, at(0s)}};
  EXPECT_FALSE(row_change_matters(row, row));
  EXPECT_FALSE(row_change_matters(row, {{osaka_region, 120, 0, at(59min)}}));
  EXPECT_TRUE(row_change_matters(row, {{osaka_region, 126, 0, at(1s)}}));
  EXPECT_TRUE(row_change_matters(row, {{osaka_region, 79, 0, at(1s)}}));
  EXPECT_TRUE(row_change_matters(row, {{osaka_region, 100, 1, at(1s)}}));
  EXPECT_TRUE(row_change_matters(row, {{osaka_region, 100, 0, at(1h)}}));
  EXPECT_TRUE(row_change_matters(row, {}));
  EXPECT_TRUE(row_change_matters({}, row));
}

}  // namespace
}  // namespace tradewind
