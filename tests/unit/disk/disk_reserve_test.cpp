#include "state/disk/disk_reserve.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace tradewind {
namespace {

constexpr std::uint64_t mib = 1ULL << 20;

Mono::time_point at(int milliseconds) {
  return Mono::time_point(std::chrono::milliseconds(milliseconds));
}

TEST(DiskReserve, IsLowBelowTheReserveAndUntilThereIsAnEighthMore) {
  std::uint64_t free = 80 * mib;
  DiskReserve disk([&] { return free; }, 80);
  EXPECT_FALSE(disk.look(at(0)));
  EXPECT_TRUE(disk.status());
  free = 80 * mib - 1;
  EXPECT_TRUE(disk.look(at(1'000)));
  EXPECT_TRUE(disk.low());
  ASSERT_FALSE(disk.status());
  EXPECT_EQ(disk.status().error().code, ErrorCode::unavailable);
  EXPECT_EQ(disk.status().error().message,
            "79 MiB are free, and 80 are kept for the work that was taken");
  free = 90 * mib - 1;
  EXPECT_FALSE(disk.look(at(2'000)));
  EXPECT_TRUE(disk.low());
  free = 90 * mib;
  EXPECT_TRUE(disk.look(at(3'000)));
  EXPECT_FALSE(disk.low());
  EXPECT_TRUE(disk.status());
}

TEST(DiskReserve, AsksAtMostOnceASecond) {
  int asked = 0;
  DiskReserve disk(
      [&] {
        ++asked;
        return Result<std::uint64_t>(mib);
      },
      1);
  for (int now = 0; now < 3'000; now += 100) disk.look(at(now));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(disk.next_look(), at(3'000));
}

TEST(DiskReserve, AFolderThatCannotBeAskedStopsNothing) {
  const auto none = std::filesystem::temp_directory_path() / "there-is-no-such-folder";
  DiskReserve disk([&] { return free_bytes(none); }, DiskReserve::mib_default);
  EXPECT_FALSE(disk.look(at(0)));
  EXPECT_TRUE(disk.status());
}

TEST(DiskReserve, WithoutAReserveIsNeverLow) {
  DiskReserve disk([] { return Result<std::uint64_t>(0); }, 0);
  EXPECT_FALSE(disk.look(at(0)));
  EXPECT_FALSE(disk.low());
}

TEST(FreeBytes, OfARealFolderAreSome) {
  const auto free = free_bytes(std::filesystem::temp_directory_path());
  ASSERT_TRUE(free) << describe(free.error());
  EXPECT_GT(*free, 0U);
}

}  // namespace
}  // namespace tradewind
