#include "schemas/time.h"

#include <gtest/gtest.h>

#include <random>

namespace tradewind {
namespace {

std::int64_t ms(std::string_view text) {
  const auto at = parse_rfc3339("deadline", text);
  EXPECT_TRUE(at) << text;
  return at ? to_ms(*at) : -1;
}

TEST(Time, ReadsRfc3339) {
  EXPECT_EQ(ms("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ms("1970-01-01t00:00:01z"), 1'000);
  EXPECT_EQ(ms("1970-01-01 00:01:00Z"), 60'000);
  EXPECT_EQ(ms("2026-11-22T02:30:00.123Z"), 1'795'314'600'123);
  EXPECT_EQ(ms("9999-12-31T23:59:59.999Z"), 253'402'300'799'999);
  EXPECT_EQ(parse_rfc3339("", "1970-01-01T00:00:00.1234567Z")->time_since_epoch().count(), 123'456);
}

TEST(Time, KnowsLeapYears) {
  EXPECT_EQ(ms("2024-02-29T00:00:00Z") + 86'400'000, ms("2024-03-01T00:00:00Z"));
  EXPECT_EQ(ms("2000-02-29T00:00:00Z") + 86'400'000, ms("2000-03-01T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("", "2100-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("", "2026-02-29T00:00:00Z"));
  // A leap second is the first of the next minute.
  EXPECT_EQ(ms("2016-12-31T23:59:60Z"), ms("2017-01-01T00:00:00Z"));
}

TEST(Time, MindsOffsets) {
  EXPECT_EQ(ms("2026-11-22T09:00:00+09:00"), ms("2026-11-22T00:00:00Z"));
  EXPECT_EQ(ms("2026-11-21T18:30:00-05:30"), ms("2026-11-22T00:00:00Z"));
  EXPECT_EQ(ms("2026-01-01T00:00:00+23:59"), ms("2025-12-31T00:01:00Z"));
  EXPECT_EQ(ms("2026-01-01T00:00:00-00:00"), ms("2026-01-01T00:00:00Z"));
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "now",
                           "2026-11-22",
                           "2026-11-22T02:30Z",
                           "2026-11-22T02:30:00",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00+0900",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+09:60",
                           "2026-01-01T00:00:00+9:00",
                           "2026-01-01T00:00:00Zx",
                           "26-01-01T00:00:00Z",
                           " 2026-01-01T00:00:00Z",
                           "1969-12-31T23:59:59Z",
                           "10000-01-01T00:00:00Z",
                           "2026-1-1T00:00:00Z",
                           "2026-01-01T-1:00:00Z"}) {
    const auto result = parse_rfc3339("constraints.deadline", text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
    EXPECT_EQ(result.error().field, "constraints.deadline");
  }
}

TEST(Time, RefusesWhatAnOffsetMovesOutOfTheYearsItKnows) {
  EXPECT_FALSE(parse_rfc3339("", "1970-01-01T00:00:00+00:01"));
  EXPECT_FALSE(parse_rfc3339("", "9999-12-31T23:59:59-00:01"));
  EXPECT_FALSE(parse_rfc3339("", "9999-12-31T23:59:60Z"));
}

TEST(Time, WritesMillisecondsInUtc) {
  EXPECT_EQ(to_rfc3339(wall_from_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(wall_from_ms(1'795'314'600'123)), "2026-11-22T02:30:00.123Z");
  EXPECT_EQ(to_rfc3339(wall_from_ms(253'402'300'799'999)), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339(Wall::time_point(Wall::duration(999))), "1970-01-01T00:00:00.000Z");
}

TEST(Time, ReadsBackWhatItWrites) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto at = wall_from_ms(static_cast<std::int64_t>(random() % 253'402'300'800'000));
    ASSERT_EQ(parse_rfc3339("", to_rfc3339(at)), at) << to_rfc3339(at);
  }
}

TEST(Time, TheSystemsClocksGoForward) {
  const Now first = system_now();
  const Now second = system_now();
  EXPECT_LE(first.mono, second.mono);
  EXPECT_GT(to_ms(second.wall), 1'700'000'000'000);
}

}  // namespace
}  // namespace tradewind
