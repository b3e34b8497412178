#include "state/market/market_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "schemas/ids.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const Wall::time_point start = wall_from_ms(1'800'000'000'000);
const SiteId osaka{"jp-osaka-1"};
const PoolId pool{"cpu"};

RecordHeader header(RecordKind kind, std::uint64_t version, std::chrono::seconds issued_after = 0s,
                    std::chrono::seconds valid_for = 15s) {
  return RecordHeader{.kind = kind,
                      .subject = site_node(osaka),
                      .member = MemberNumber{7},
                      .version = RecordVersion{1, version},
                      .issued = start + issued_after,
                      .valid_until = start + issued_after + valid_for};
}

Record site(std::uint64_t version, std::string provider = "osaka") {
  SiteRecord record;
  record.site = osaka;
  record.provider = std::move(provider);
  return Record{header(RecordKind::site, version, 0s, 24h), record};
}

Record sheet(std::uint64_t version, std::uint32_t units_free,
             std::chrono::seconds issued_after = 0s) {
  QuoteSheet quote;
  quote.site = osaka;
  quote.pools.push_back(PoolQuote{.pool = pool, .units_free = units_free});
  return Record{header(RecordKind::quote, version, issued_after), quote};
}

Record member(std::uint64_t version, MemberState state) {
  Member record;
  record.node = site_node(osaka);
  record.number = MemberNumber{7};
  record.state = state;
  return Record{header(RecordKind::member, version, 0s, 24h), record};
}

std::uint32_t units_free(const MarketView& view) {
  return view.find(osaka)->sheet->pools.at(0).units_free;
}

TEST(MarketView, KeepsTheNewestAndIgnoresOlderVersions) {
  MarketView view;
  view.accept(site(2, "new"));
  view.accept(sheet(5, 10));
  const auto before = view.generation();
  view.accept(site(1, "old"));
  view.accept(sheet(4, 99));
  view.accept(sheet(5, 98));
  EXPECT_EQ(view.find(osaka)->record.provider, "new");
  EXPECT_EQ(units_free(view), 10U);
  EXPECT_EQ(view.generation(), before);
  view.accept(sheet(6, 3));
  EXPECT_EQ(units_free(view), 3U);
}

TEST(MarketView, ANewEpochIsNewerWhateverTheVersion) {
  MarketView view;
  view.accept(site(1));
  view.accept(sheet(900, 10));
  Record restarted = sheet(1, 4);
  restarted.header.version.epoch = 2;
  view.accept(restarted);
  EXPECT_EQ(units_free(view), 4U);
}

TEST(MarketView, GivesTheSameViewWhateverTheOrderOfArrival) {
  std::vector<Record> records = {site(1),
                                 site(2),
                                 sheet(1, 8),
                                 sheet(2, 6),
                                 member(1, MemberState::active),
                                 member(2, MemberState::suspended)};
  std::vector<std::size_t> order(records.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  do {
    MarketView view;
    for (const std::size_t each : order) view.accept(records[each]);
    ASSERT_NE(view.find(osaka), nullptr);
    ASSERT_EQ(view.find(osaka)->record_header.version.version, 2U);
    ASSERT_EQ(view.find(osaka)->sheet_header.version.version, 2U);
    ASSERT_EQ(units_free(view), 6U);
    ASSERT_EQ(view.find(osaka)->member_state, MemberState::suspended);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(MarketView, ListsASiteOnlyOnceItsRecordHasCome) {
  MarketView view;
  view.accept(sheet(1, 8));
  EXPECT_EQ(view.find(osaka), nullptr);
  EXPECT_TRUE(view.sites().empty());
  view.accept(site(1));
  ASSERT_NE(view.find(osaka), nullptr);
  EXPECT_TRUE(view.sheet_valid(*view.find(osaka), start));
}

TEST(MarketView, ASheetIsValidFromItsIssueWithinTheSkewUntilItsEndExclusive) {
  MarketView view;
  view.accept(site(1));
  EXPECT_FALSE(view.sheet_valid(*view.find(osaka), start)) << "no sheet yet";
  view.accept(sheet(1, 8));
  const SiteView& held = *view.find(osaka);
  EXPECT_FALSE(view.sheet_valid(held, start - limits::clock_skew_max - 1us));
  EXPECT_TRUE(view.sheet_valid(held, start - limits::clock_skew_max));
  EXPECT_TRUE(view.sheet_valid(held, start + 15s - 1us));
  EXPECT_FALSE(view.sheet_valid(held, start + 15s));
}

TEST(MarketView, ASheetIsNotValidOnASiteRecordThatHasRunOut) {
  MarketView view;
  Record ended = site(1);
  ended.header.valid_until = start + 5s;
  view.accept(ended);
  view.accept(sheet(1, 8));
  EXPECT_TRUE(view.sheet_valid(*view.find(osaka), start));
  EXPECT_FALSE(view.sheet_valid(*view.find(osaka), start + 5s));
}

TEST(MarketView, OnlyASiteOfAnActiveMemberIsOffered) {
  MarketView view;
  view.accept(site(1));
  view.accept(sheet(1, 8));
  EXPECT_TRUE(view.sheet_valid(*view.find(osaka), start)) << "gossip vouches for membership";
  view.accept(member(2, MemberState::revoked));
  EXPECT_FALSE(view.sheet_valid(*view.find(osaka), start));
  view.accept(member(1, MemberState::active));
  EXPECT_FALSE(view.sheet_valid(*view.find(osaka), start)) << "an older record revives nobody";
  view.accept(member(3, MemberState::active));
  EXPECT_TRUE(view.sheet_valid(*view.find(osaka), start));
}

TEST(MarketView, BrokersAreNoSites) {
  MarketView view;
  Record broker = member(1, MemberState::revoked);
  std::get<Member>(broker.body).node = broker_node("eu-1");
  view.accept(broker);
  EXPECT_TRUE(view.sites().empty());
  EXPECT_EQ(view.generation(), 0U);
}

TEST(MarketView, GenerationRisesOnlyWithChangesThatMayMatterToAWaitingJob) {
  MarketView view;
  const auto rises = [&view](const Record& record) {
    const auto before = view.generation();
    view.accept(record);
    return view.generation() > before;
  };
  EXPECT_TRUE(rises(site(1)));
  EXPECT_TRUE(rises(sheet(1, 8)));
  EXPECT_FALSE(rises(sheet(2, 8, 5s))) << "only prolongs the one before";
  EXPECT_TRUE(rises(sheet(3, 9, 10s)));
  EXPECT_TRUE(rises(sheet(4, 9, 60s))) << "ends a time without a valid sheet";
  EXPECT_FALSE(rises(member(1, MemberState::active)));
  EXPECT_TRUE(rises(member(2, MemberState::suspended)));
  EXPECT_TRUE(rises(site(2)));
}

TEST(MarketView, DebitsAddUpAndCreditsNeverGoBelowZero) {
  MarketView view;
  EXPECT_EQ(view.debited_units(osaka, pool), 0U);
  view.debit(osaka, pool, 4, 1);
  view.debit(osaka, pool, 6, 2);
  EXPECT_EQ(view.debited_units(osaka, pool), 10U);
  EXPECT_EQ(view.debited_nodes(osaka, pool), 3U);
  EXPECT_EQ(view.debited_units(osaka, PoolId{"other"}), 0U);
  const auto before = view.generation();
  view.credit(osaka, pool, 4, 1);
  EXPECT_GT(view.generation(), before) << "freed units may let a waiting job go";
  EXPECT_EQ(view.debited_units(osaka, pool), 6U);
  view.credit(osaka, pool, 100, 100);
  EXPECT_EQ(view.debited_units(osaka, pool), 0U);
  EXPECT_EQ(view.debited_nodes(osaka, pool), 0U);
  const auto settled = view.generation();
  view.credit(osaka, pool, 1, 1);
  EXPECT_EQ(view.generation(), settled);
}

TEST(MarketView, HoldsNoMoreSitesThanItsLimit) {
  MarketView view;
  for (std::size_t i = 0; i <= limits::sites_max; ++i) {
    Record record = site(1);
    std::get<SiteRecord>(record.body).site = SiteId{"site-" + std::to_string(i)};
    view.accept(record);
  }
  EXPECT_EQ(view.sites().size(), limits::sites_max);
  EXPECT_EQ(view.ignored_over_limit(), 1U);
}

}  // namespace
}  // namespace tradewind
