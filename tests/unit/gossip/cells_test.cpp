// How a large federation is divided.
#include "state/gossip/cells.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tradewind {
namespace {

std::vector<NodeId> sites(std::size_t count) {
  std::vector<NodeId> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(site_node(SiteId{"eu-west-" + std::to_string(i)}));
  }
  return result;
}

bool always(const NodeId&) {
  return true;
}

TEST(Cells, UpToTwoThousandSitesAreOneCell) {
  const Cells all({}, sites(2'000));
  EXPECT_FALSE(all.divided());
  EXPECT_TRUE(all.cell_of(site_node(SiteId{"nobody-knows"})).holds(site_node(SiteId{"eu-west-7"})));
  EXPECT_TRUE(Cells({}, sites(2'001)).divided());
}

TEST(Cells, EverySiteIsInOneCellAndNoneHoldsMoreThanTwoHundred) {
  const std::vector<NodeId> known = sites(10'000);
  const Cells all({}, known);
  std::size_t total = 0;
  for (const Cell& cell : all.all()) {
    const std::vector<NodeId> members = all.sites_in(cell);
    total += members.size();
    EXPECT_LE(members.size(), CellSizes{}.sites_max);
    EXPECT_GE(members.size(), 50U) << "halves of what was too large";
    for (const NodeId& each : members) {
      ASSERT_EQ(all.cell_of(each), cell);
      ASSERT_TRUE(cell.holds(each));
    }
  }
  EXPECT_EQ(total, known.size());
}

TEST(Cells, WhoKnowsTheSameSitesFindsTheSameCellsInWhateverOrderTheyCame) {
  std::vector<NodeId> known = sites(3'000);
  const Cells one({}, known);
  std::reverse(known.begin(), known.end());
  const Cells other({}, known);
  EXPECT_EQ(one.all(), other.all());
  const Cell cell = one.cell_of(known.front());
  EXPECT_EQ(one.relays_of(cell, always), other.relays_of(cell, always));
}

TEST(Cells, ANewSiteChangesOneCellAtMost) {
  const std::vector<NodeId> known = sites(3'000);
  const std::vector<Cell> before = Cells({}, known).all();
  for (int i = 0; i < 50; ++i) {
    std::vector<NodeId> more = known;
    more.push_back(site_node(SiteId{"new-" + std::to_string(i)}));
    const std::vector<Cell> after = Cells({}, more).all();
    std::size_t kept = 0;
    for (const Cell& each : before) {
      kept += static_cast<std::size_t>(std::count(after.begin(), after.end(), each));
    }
    ASSERT_GE(kept + 1, before.size());
  }
}

TEST(Cells, WhenARelayFallsSilentTheNextTakesItsPlaceAndTheOthersStay) {
  const Cells all({}, sites(3'000));
  const Cell cell = all.all().front();
  const std::vector<NodeId> relays = all.relays_of(cell, always);
  ASSERT_EQ(relays.size(), Cells::relays_count);
  const NodeId silent = relays[1];
  const auto after = all.relays_of(cell, [&](const NodeId& each) { return each != silent; });
  ASSERT_EQ(after.size(), Cells::relays_count);
  EXPECT_EQ(after[0], relays[0]);
  EXPECT_EQ(after[1], relays[2]);
  EXPECT_TRUE(cell.holds(after[2]));
  EXPECT_TRUE(all.relays_of(cell, [](const NodeId&) { return false; }).empty());
}

TEST(Cells, RelaysOfDifferentCellsAreSpreadOverTheSites) {
  const Cells all({}, sites(10'000));
  std::set<NodeId> relays;
  for (const Cell& cell : all.all()) {
    for (const NodeId& each : all.relays_of(cell, always)) relays.insert(each);
  }
  EXPECT_EQ(relays.size(), all.all().size() * Cells::relays_count);
}

}  // namespace
}  // namespace tradewind
