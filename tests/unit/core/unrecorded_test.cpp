#include "broker/core/unrecorded.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "broker/core/market_router.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

RecordHeader header(RecordKind kind, std::string site, std::uint64_t version, int issued) {
  RecordHeader header;
  header.kind = kind;
  header.subject = NodeId{"site/" + site};
  header.version = {1, version};
  header.issued = Wall::time_point(std::chrono::seconds(issued));
  return header;
}

std::string bodies(Unrecorded& unrecorded) {
  std::string text;
  for (const auto& each : unrecorded.take()) {
    const auto* recorded = std::get_if<MarketRecorded>(&each);
    text += (recorded != nullptr ? recorded->record.body : "quarantine") + " ";
  }
  return text;
}

TEST(Unrecorded, KeepsTheOrderInWhichRecordsCameAndTheNewestSheetOfEachSite) {
  Unrecorded unrecorded;
  unrecorded.add(header(RecordKind::site, "a", 1, 1), {"a1", ""});
  unrecorded.add(header(RecordKind::quote, "a", 2, 1), {"q2", ""});
  unrecorded.add(header(RecordKind::site, "b", 1, 1), {"b1", ""});
  unrecorded.add(header(RecordKind::quote, "a", 4, 3), {"q4", ""});
  unrecorded.add(header(RecordKind::quote, "a", 3, 2), {"q3", ""});
  unrecorded.add(header(RecordKind::site, "a", 2, 4), {"a2", ""});
  EXPECT_EQ(bodies(unrecorded), "a1 q4 b1 a2 ");
  EXPECT_EQ(bodies(unrecorded), "");
}

TEST(Unrecorded, KeepsASheetOfALaterTimeBesideTheNewerOneOfAClockThatWasSetBack) {
  Unrecorded unrecorded;
  unrecorded.add(header(RecordKind::quote, "a", 1, 100), {"late", ""});
  unrecorded.add(header(RecordKind::quote, "a", 2, 10), {"early", ""});
  unrecorded.add(header(RecordKind::quote, "a", 3, 20), {"newest", ""});
  EXPECT_EQ(bodies(unrecorded), "late newest ");
}

TEST(Unrecorded, NoSheetOvertakesAMemberRecordOrAQuarantineOfItsSite) {
  Unrecorded unrecorded;
  unrecorded.add(header(RecordKind::quote, "a", 1, 1), {"q1", ""});
  unrecorded.add(header(RecordKind::quote, "b", 1, 1), {"r1", ""});
  unrecorded.add(NodeId{"site/a"}, {{"x", ""}, {"y", ""}});
  unrecorded.add(header(RecordKind::member, "a", 2, 2), {"m2", ""});
  unrecorded.add(header(RecordKind::quote, "a", 2, 3), {"q2", ""});
  unrecorded.add(header(RecordKind::quote, "b", 2, 3), {"r2", ""});
  EXPECT_EQ(bodies(unrecorded), "q1 r2 quarantine m2 q2 ");
}

TEST(Unrecorded, ManyRecordsDoNotWaitForADecision) {
  MarketRouter router{RouteOptions{}};
  Lifecycle lifecycle({}, router);
  const Now now{Mono::time_point(std::chrono::hours(1)), Wall::time_point(std::chrono::hours(1))};
  lifecycle.begin(Term{1}, {}, now);
  lifecycle.take(now);
  const std::size_t count = Unrecorded::bytes_max / limits::site_record_bytes_max;
  std::size_t recorded = 0;
  for (std::uint64_t version = 1; version <= 3 * count; ++version) {
    SiteRecord site;
    site.site = SiteId{"a"};
    const Record record{header(RecordKind::site, "a", version, 1), site};
    router.accept(record, {Bytes(limits::site_record_bytes_max, 'x'), Bytes(64, 's')});
    recorded += lifecycle.take(now).entries.size();
  }
  EXPECT_GE(recorded, 2 * count);
}

}  // namespace
}  // namespace tradewind
