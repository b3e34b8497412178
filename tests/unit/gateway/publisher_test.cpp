#include "gateway/publisher.h"

#include <gtest/gtest.h>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

Now at(std::int64_t mono_seconds, std::int64_t wall_seconds) {
  return {Mono::time_point(std::chrono::seconds(mono_seconds)), wall_from_ms(wall_seconds * 1'000)};
}

TEST(Publisher, SignsItsSiteRecordAnewWhenTheClockWasSetBack) {
  const TemporaryDirectory directory;
  auto store = Store::open(directory.path() / "store", at(0, 10'000)).value();
  Publisher publisher(SigningKey::generate(), MemberNumber{1}, *store);
  SiteRecord site;
  site.site.value = "eu-north-1";
  publisher.describe_site(site, std::nullopt);
  // An hour ahead.
  const auto early = publisher.due_site(at(1, 13'600)).value();
  ASSERT_TRUE(early);
  EXPECT_FALSE(publisher.due_site(at(2, 13'601)).value());
  const auto right = publisher.due_site(at(3, 10'002)).value();
  ASSERT_TRUE(right);
  const auto first = decode_record_header(early->body);
  const auto second = decode_record_header(right->body);
  EXPECT_LT(first->version, second->version);
  EXPECT_EQ(second->issued, wall_from_ms(10'002'000));
  EXPECT_FALSE(publisher.due_site(at(4, 10'003)).value());
}

TEST(Publisher, LeavesOutHoldingsThatARecordHasNoRoomFor) {
  const TemporaryDirectory directory;
  auto store = Store::open(directory.path() / "store", at(0, 10'000)).value();
  Publisher publisher(SigningKey::generate(), MemberNumber{1}, *store);
  SiteRecord site;
  site.site.value = "eu-north-1";
  site.region.value = "eu-north";
  site.jurisdiction.value = "SE";
  for (std::uint64_t low = 1; low <= limits::holdings_per_site_max; ++low) {
    site.holdings.push_back(HoldingLabel{1, low});
  }
  const auto published = [&](std::int64_t second) {
    publisher.describe_site(site, std::nullopt);
    const auto record = publisher.due_site(at(second, 10'000 + second)).value();
    EXPECT_LE(record->body.size(), limits::site_record_bytes_max);
    return std::get<SiteRecord>(decode_record(record->body)->body);
  };
  EXPECT_EQ(published(1), site);
  for (int each = 0; each < 15; ++each) {
    site.labels["l" + std::to_string(each)] = std::string(4'090, 'x');
  }
  SiteRecord without = site;
  without.holdings.clear();
  EXPECT_EQ(published(2), without);
}

TEST(Publisher, SignsNoSiteRecordThatSaysWhatTheOneBeforeSaid) {
  const TemporaryDirectory directory;
  auto store = Store::open(directory.path() / "store", at(0, 10'000)).value();
  Publisher publisher(SigningKey::generate(), MemberNumber{1}, *store);
  SiteRecord site;
  site.site.value = "eu-north-1";
  publisher.describe_site(site, std::nullopt);
  ASSERT_TRUE(publisher.due_site(at(1, 10'001)).value());
  publisher.describe_site(site, 0);  // its energy quota is a sheet's matter
  EXPECT_FALSE(publisher.due_site(at(2, 10'002)).value());
  site.labels["tier"] = "research";
  publisher.describe_site(site, 0);
  publisher.describe_site(site, 0);
  EXPECT_TRUE(publisher.due_site(at(3, 10'003)).value());
}

TEST(Publisher, TellsOfFreeUnitsSoonAndOfAllElseOnceASecond) {
  using namespace std::chrono_literals;
  const TemporaryDirectory directory;
  auto store = Store::open(directory.path() / "store", at(0, 10'000)).value();
  Publisher publisher(SigningKey::generate(), MemberNumber{1}, *store);
  SiteRecord site;
  site.site.value = "eu-north-1";
  Pool pool;
  pool.id.value = "main";
  pool.nodes = 100;
  pool.node = pool.unit = {1, 1'024, 0, 0};
  site.pools = {pool};
  publisher.describe_site(site, std::nullopt);
  std::vector<Mono::time_point> told;
  // Something else is free each time that it may be told.
  for (std::uint32_t tenth = 0; tenth < 100; ++tenth) {
    const Now now{Mono::time_point(tenth * 100ms), wall_from_ms(10'000'000 + tenth * 100)};
    PoolCapacity free;
    free.pool = pool.id;
    free.units_free = free.units_free_node = free.nodes_free = tenth % 2 == 0 ? 100 : 0;
    publisher.capacity_changed();
    if (publisher.due_sheet({free}, now).value()) told.push_back(now.mono);
  }
  ASSERT_GE(told.size(), 9U);
  EXPECT_EQ(told[0], Mono::time_point(0s));
  EXPECT_EQ(told[1], Mono::time_point(1'100ms)) << "that none is free any more";
  EXPECT_EQ(told[2], Mono::time_point(1'400ms)) << "that all are";
  for (std::size_t i = 0; i + limits::publish_burst < told.size(); ++i) {
    EXPECT_GE(told[i + limits::publish_burst] - told[i], 1s);
  }
  EXPECT_LE(told.size(), 10 + limits::publish_burst - 1);
}

}  // namespace
}  // namespace tradewind
