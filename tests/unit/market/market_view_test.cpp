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
  view.take_changes();
  view.accept(site(1, "old"));
  view.accept(sheet(4, 99));
  view.accept(sheet(5, 98));
  EXPECT_EQ(view.find(osaka)->record.provider, "new");
  EXPECT_EQ(units_free(view), 10U);
  EXPECT_TRUE(view.take_changes().pools.empty());
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

TEST(MarketView, AQuarantinedSiteIsListedAndNotOfferedUntilItHasAnotherKey) {
  MarketView view;
  view.accept(member(1, MemberState::active));
  view.accept(site(1));
  view.accept(sheet(1, 8));
  view.quarantine(osaka);
  ASSERT_NE(view.find(osaka), nullptr);
  EXPECT_TRUE(view.find(osaka)->quarantined);
  EXPECT_FALSE(view.sheet_valid(*view.find(osaka), start));
  EXPECT_FALSE(view.columns().site(*view.number(osaka)).serves);
  view.accept(member(2, MemberState::active));
  EXPECT_TRUE(view.find(osaka)->quarantined) << "its record was only renewed";
  Record anew = member(3, MemberState::active);
  std::get<Member>(anew.body).identity_key = Bytes(32, 'n');
  view.accept(anew);
  EXPECT_FALSE(view.find(osaka)->quarantined);
  EXPECT_TRUE(view.sheet_valid(*view.find(osaka), start));
  EXPECT_TRUE(view.columns().site(*view.number(osaka)).serves);
}

TEST(MarketView, AQuarantineShowsOnceTheSiteRecordHasCome) {
  MarketView view;
  view.accept(member(1, MemberState::active));
  view.quarantine(osaka);
  view.accept(site(1));
  EXPECT_TRUE(view.find(osaka)->quarantined);
}

TEST(MarketView, BrokersAreNoSites) {
  MarketView view;
  Record broker = member(1, MemberState::revoked);
  std::get<Member>(broker.body).node = broker_node("eu-1");
  view.accept(broker);
  EXPECT_TRUE(view.sites().empty());
  EXPECT_TRUE(view.take_changes().pools.empty());
}

// A site with one pool, and what the changes say after each thing that happens to it.
class MarketChangesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SiteRecord record = std::get<SiteRecord>(site(1).body);
    record.pools.push_back(cpu_pool());
    accept_site(1, record);
  }
  static Pool cpu_pool() {
    Pool made;
    made.id = pool;
    made.nodes = 4;
    made.node = Resources{16, 65'536, 0, 0};
    made.unit = Resources{4, 16'384, 0, 0};
    return made;
  }
  void accept_site(std::uint64_t version, const SiteRecord& record) {
    view.accept(Record{header(RecordKind::site, version, 0s, 24h), record});
  }
  static PoolQuote free(std::uint32_t units, std::uint32_t units_node, std::uint32_t nodes) {
    PoolQuote quote;
    quote.pool = pool;
    quote.units_free = units;
    quote.units_free_node = units_node;
    quote.nodes_free = nodes;
    return quote;
  }
  // Whether the sheet opens the pool.
  bool opens(const PoolQuote& quote, const std::vector<ContractQuote>& contracts = {}) {
    QuoteSheet offered;
    offered.site = osaka;
    offered.pools = {quote};
    offered.contracts = contracts;
    view.accept(Record{header(RecordKind::quote, ++version), offered});
    return opened();
  }
  bool opened() { return !view.take_changes().pools.empty(); }

  MarketView view;
  std::uint64_t version = 0;
};

TEST_F(MarketChangesTest, APoolCountsOnlyWhenItCouldTakeMoreThanBefore) {
  PoolQuote quote = free(8, 4, 1);
  quote.wait_seconds = 60;
  EXPECT_TRUE(opens(quote));
  EXPECT_FALSE(opens(quote)) << "only prolongs the one before";
  quote.units_free = 7;
  quote.price_ppm = 1'100'000;
  EXPECT_FALSE(opens(quote)) << "less is free, for more";
  quote.price_ppm = 1'050'000;
  EXPECT_TRUE(opens(quote));
  quote.wait_seconds = 30;
  EXPECT_TRUE(opens(quote));
  quote.nodes_free = 2;
  EXPECT_TRUE(opens(quote));
  quote.units_free_node = 3;
  EXPECT_FALSE(opens(quote));
  quote.units_free_node = 4;
  EXPECT_TRUE(opens(quote));
  quote.units_free = 0;
  EXPECT_FALSE(opens(quote));
  quote.price_ppm = 900'000;
  EXPECT_FALSE(opens(quote)) << "for less, but there is nothing to have";
  quote.units_free = 1;
  EXPECT_TRUE(opens(quote));
}

TEST_F(MarketChangesTest, WhatOneGainsCountsWhateverOthersLose) {
  SiteRecord record = view.find(osaka)->record;
  const ContractId physics{"physics-2026"};
  const ContractId biology{"biology-2026"};
  record.contracts = {{physics, TenantId{"physics"}, pool, 8, start - 1h, start + 1h},
                      {biology, TenantId{"biology"}, pool, 8, start - 1h, start + 1h}};
  accept_site(2, record);
  ASSERT_TRUE(opens(free(12, 4, 2), {{physics, 2}}));
  EXPECT_TRUE(opens(free(4, 4, 2), {{physics, 5}})) << "less in all, more of it is prepaid";
  EXPECT_FALSE(opens(free(4, 4, 2), {{physics, 5}})) << "only prolongs the one before";
  EXPECT_TRUE(opens(free(4, 4, 2), {{physics, 1}, {biology, 3}})) << "for biology";
  EXPECT_TRUE(opens(free(6, 4, 2), {{biology, 1}})) << "less in all, more for those without one";
  EXPECT_FALSE(opens(free(6, 4, 2)));
}

TEST_F(MarketChangesTest, CreditsAndSitesThatBeginToServeOpenTheirPools) {
  ASSERT_TRUE(opens(free(8, 4, 2)));
  view.debit(osaka, pool, 8, 2);
  EXPECT_FALSE(opened());
  view.credit(osaka, pool, 4, 1);
  EXPECT_TRUE(opened());
  view.accept(member(1, MemberState::active));
  EXPECT_FALSE(opened());
  view.accept(member(2, MemberState::suspended));
  EXPECT_FALSE(opened()) << "nobody can go there now";
  view.accept(member(3, MemberState::active));
  EXPECT_TRUE(opened());
  view.reopen(osaka);
  EXPECT_TRUE(opened());
  view.reopen(SiteId{"unknown"});
  EXPECT_FALSE(opened());
}

TEST_F(MarketChangesTest, NothingIsLostBetweenTwoReadsAndNothingToldTwice) {
  ASSERT_TRUE(opens(free(2, 2, 0)));
  view.debit(osaka, pool, 2, 1);
  view.credit(osaka, pool, 2, 1);
  view.debit(osaka, pool, 1, 1);
  view.credit(osaka, pool, 1, 1);
  EXPECT_EQ(view.take_changes().pools.size(), 1U);
  EXPECT_FALSE(opened());
}

TEST_F(MarketChangesTest, AnotherRecordTellsWhatElseChanges) {
  MarketChanges changes = view.take_changes();
  EXPECT_TRUE(changes.shapes && changes.network);
  ASSERT_TRUE(opens(free(2, 2, 0)));
  SiteRecord record = view.find(osaka)->record;
  accept_site(2, record);
  changes = view.take_changes();
  EXPECT_FALSE(changes.shapes || changes.network || !changes.pools.empty()) << "the same again";
  record.policy.run_seconds_max = 1;
  accept_site(3, record);
  changes = view.take_changes();
  EXPECT_EQ(changes.pools.size(), 1U) << "its policy may let others in";
  EXPECT_FALSE(changes.network);
  record.network.push_back(NetworkTariff{});
  accept_site(4, record);
  changes = view.take_changes();
  EXPECT_TRUE(changes.network);
  record.pools[0].unit.cpus = 2;
  accept_site(5, record);
  EXPECT_TRUE(view.take_changes().shapes);
  record.pools.clear();
  accept_site(6, record);
  EXPECT_FALSE(opened());
}

TEST(MarketView, DebitsAddUpAndCreditsNeverGoBelowZero) {
  MarketView view;
  EXPECT_EQ(view.debited_units(osaka, pool), 0U);
  view.debit(osaka, pool, 4, 1);
  view.debit(osaka, pool, 6, 2);
  EXPECT_EQ(view.debited_units(osaka, pool), 10U);
  EXPECT_EQ(view.debited_nodes(osaka, pool), 3U);
  EXPECT_EQ(view.debited_units(osaka, PoolId{"other"}), 0U);
  view.credit(osaka, pool, 4, 1);
  EXPECT_EQ(view.debited_units(osaka, pool), 6U);
  view.credit(osaka, pool, 100, 100);
  EXPECT_EQ(view.debited_units(osaka, pool), 0U);
  EXPECT_EQ(view.debited_nodes(osaka, pool), 0U);
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
