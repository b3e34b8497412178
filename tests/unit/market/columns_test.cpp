// The price index against a plain list, and columns kept up in place against columns made anew.
#include "state/market/columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>

#include "state/market/limits.h"
#include "state/market/market_view.h"
#include "state/market/price_index.h"

namespace tradewind {
namespace {

TEST(PriceIndex, KnowsTheLeastOfEachLaneBlockAndGroupWhateverIsDoneToIt) {
  std::mt19937_64 random(7);
  PriceIndex index;
  index.add_lanes(2);
  for (int group = 0; group < 3; ++group) index.add_group();
  struct Entry {
    std::uint32_t group = 0;
    std::array<std::uint64_t, 2> keys{PriceIndex::absent, PriceIndex::absent};
    std::uint32_t units = 0;
    std::string locality;
  };
  std::map<std::uint32_t, Entry> plain;
  std::size_t most_blocks = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto pool = static_cast<std::uint32_t>(random() % 300);
    const auto at = plain.find(pool);
    if (at == plain.end()) {
      Entry entry;
      entry.group = static_cast<std::uint32_t>(random() % 3);
      entry.locality = std::string(1, static_cast<char>('a' + random() % 9));
      index.insert(entry.group, pool, entry.locality);
      plain[pool] = entry;
    } else if (random() % 8 == 0) {
      index.erase(pool);
      plain.erase(at);
    } else {
      const auto lane = static_cast<std::uint32_t>(random() % 2);
      const std::uint64_t key = random() % 5 == 0 ? PriceIndex::absent : random() % 50;
      index.set(lane, pool, key);
      at->second.keys[lane] = key;
      at->second.units = static_cast<std::uint32_t>(random() % 9);
      index.set_free(pool, at->second.units, at->second.units + 1);
    }
    if (round % 97 != 0) continue;
    std::size_t found = 0;
    for (std::uint32_t group = 0; group < 3; ++group) {
      std::array<std::uint64_t, 2> group_least{PriceIndex::absent, PriceIndex::absent};
      std::string locality;
      most_blocks = std::max(most_blocks, index.blocks(group).size());
      for (const std::uint32_t number : index.blocks(group)) {
        const PriceIndex::Block& block = index.block(number);
        ASSERT_GT(block.count, 0U);
        ASSERT_LE(locality, block.locality);
        locality = block.locality;
        for (std::uint32_t lane = 0; lane < 2; ++lane) {
          std::uint64_t least = PriceIndex::absent;
          for (std::uint32_t place = 0; place < block.count; ++place) {
            const Entry& entry = plain.at(block.pools[place]);
            ASSERT_EQ(entry.group, group);
            ASSERT_LE(block.locality, entry.locality);
            ASSERT_EQ(index.keys(lane, number)[place], entry.keys[lane]);
            ASSERT_EQ(index.key(lane, block.pools[place]), entry.keys[lane]);
            ASSERT_EQ(index.units_free(number)[place], entry.units);
            least = std::min(least, entry.keys[lane]);
          }
          ASSERT_EQ(index.block_least(lane, number), least);
          group_least[lane] = std::min(group_least[lane], least);
        }
        found += block.count;
      }
      ASSERT_EQ(index.group_least(0, group), group_least[0]);
      ASSERT_EQ(index.group_least(1, group), group_least[1]);
    }
    ASSERT_EQ(found, plain.size());
  }
  EXPECT_GT(most_blocks, 3U);
}

constexpr Wall::time_point kNow = Wall::time_point(std::chrono::hours(24 * 365 * 56));

Pool priced_pool(const std::string& id, std::int64_t cpu_hour) {
  Pool result;
  result.id = PoolId{id};
  result.nodes = 4;
  result.node = Resources{16, 64 * 1024, 0, 0};
  result.unit = Resources{4, 16 * 1024, 0, 0};
  result.performance_ppm = {{"default", 2 * ppm_one}};
  result.tariff.cpu_hour.micros = cpu_hour;
  result.tariff.node_hour.micros = 8;
  result.tariff.preemptible_ppm = 500'000;
  return result;
}

RecordHeader header(RecordKind kind, const SiteId& site, std::uint64_t version) {
  RecordHeader result;
  result.kind = kind;
  result.subject = site_node(site);
  result.version = RecordVersion{1, version};
  result.issued = kNow;
  result.valid_until = kNow + std::chrono::seconds(15);
  return result;
}

struct OneSite {
  OneSite() {
    record.site = SiteId{"aa-north-1"};
    record.pools = {priced_pool("cpu", 1'000)};
    sheet.site = record.site;
    sheet.pools = {PoolQuote{PoolId{"cpu"}, 16, 4, 4, 0, ppm_one}};
  }
  void accept_record() { view.accept({header(RecordKind::site, record.site, ++version), record}); }
  void accept_sheet() { view.accept({header(RecordKind::quote, record.site, ++version), sheet}); }
  std::uint64_t price(std::uint32_t lane) const {
    return view.columns().index().key(lane, view.columns().site(0).pools.at(0));
  }

  MarketView view;
  SiteRecord record;
  QuoteSheet sheet;
  std::uint64_t version = 0;
};

TEST(MarketColumns, KeepsWhatAUnitCostsAtLeastInEachLane) {
  OneSite one;
  one.accept_record();
  EXPECT_EQ(one.price(MarketColumns::lane_on_demand), PriceIndex::absent);
  one.accept_sheet();
  // 4 CPUs at 1,000 and a quarter of the node's 8.
  EXPECT_EQ(one.price(MarketColumns::lane_on_demand), 4'002U);
  EXPECT_EQ(one.price(MarketColumns::lane_preemptible), 2'001U);
  EXPECT_EQ(one.price(MarketColumns::lane_work(0, false)), 2'001U);
  EXPECT_EQ(one.price(MarketColumns::lane_work(0, true)), 1'000U);
  EXPECT_EQ(one.price(MarketColumns::lane_slowness(0)), std::uint64_t{1} << 31);
  one.sheet.pools[0].price_ppm = 2 * ppm_one;
  one.accept_sheet();
  EXPECT_EQ(one.price(MarketColumns::lane_on_demand), 8'004U);
}

TEST(MarketColumns, ListsOnlyPoolsThatCouldTakeAJob) {
  const auto listed = [](const OneSite& one) {
    return one.price(MarketColumns::lane_on_demand) != PriceIndex::absent;
  };
  OneSite one;
  one.accept_record();
  one.accept_sheet();
  ASSERT_TRUE(listed(one));
  one.view.debit(one.record.site, PoolId{"cpu"}, 16, 4);
  EXPECT_FALSE(listed(one));
  one.view.credit(one.record.site, PoolId{"cpu"}, 1, 0);
  EXPECT_TRUE(listed(one));
  one.sheet.energy_left_wh = 0;
  one.accept_sheet();
  EXPECT_FALSE(listed(one));
  one.sheet.energy_left_wh = -1;
  one.accept_sheet();
  EXPECT_TRUE(listed(one));
  one.record.state = SiteState::draining;
  one.accept_record();
  EXPECT_FALSE(listed(one));
  one.record.state = SiteState::active;
  one.record.pools[0].labels["tier"] = "gold";
  one.accept_record();
  EXPECT_TRUE(listed(one)) << "debits outlive another record";
  EXPECT_EQ(one.view.columns().index().units_free(0)[0], 1U);
  one.sheet.pools.clear();
  one.accept_sheet();
  EXPECT_FALSE(listed(one));
}

TEST(MarketColumns, ARecordIssuedAgainUnchangedIsNoChangeOfStructure) {
  OneSite one;
  one.accept_record();
  const std::uint64_t before = one.view.columns().structure();
  one.accept_record();
  EXPECT_EQ(one.view.columns().structure(), before);
  one.record.carbon_g_kwh = 7;
  one.accept_record();
  EXPECT_EQ(one.view.columns().structure(), before + 1);
  EXPECT_EQ(one.view.columns().changed_site(before + 1), 0U);
  EXPECT_EQ(one.view.columns().changed_site(before + 2), std::nullopt);
}

TEST(MarketColumns, IndexesOnlySoManyWorkloadClassesAndSaysSo) {
  OneSite one;
  for (std::size_t number = 1; number < limits::workloads_indexed_max; ++number) {
    one.record.pools[0].performance_ppm["class-" + std::to_string(number)] = ppm_one;
  }
  one.accept_record();
  EXPECT_FALSE(one.view.columns().workloads_left_out());
  one.record.pools[0].performance_ppm["one-more"] = ppm_one;
  one.accept_record();
  EXPECT_TRUE(one.view.columns().workloads_left_out());
  EXPECT_EQ(one.view.columns().workload("one-more"), MarketColumns::none);
  EXPECT_EQ(one.view.columns().workload("default"), 0U);
}

}  // namespace
}  // namespace tradewind
