#include "gateway/sellable_capacity.h"

#include <gtest/gtest.h>

namespace tradewind {
namespace {

PoolCapacity granted_to_nobody() {
  PoolCapacity pool;
  pool.units_free = 6;
  pool.units_free_node = 4;
  pool.nodes_free = 1;
  pool.contracts.resize(2);
  pool.contracts[0].units_idle = 3;
  pool.contracts[1].units_idle = 2;
  return pool;
}

TEST(SellableCapacity, IsAllThatIsLeftWhereTheEngineHasRoom) {
  PoolCapacity pool = granted_to_nobody();
  limit_to(pool, {100, 4, 20, 60});
  EXPECT_EQ(pool, granted_to_nobody());
}

TEST(SellableCapacity, ContractsComeBeforeWhatIsFreeForAll) {
  PoolCapacity pool = granted_to_nobody();
  limit_to(pool, {7, 2, 0, 60});
  EXPECT_EQ(pool.contracts[0].units_idle, 3U);
  EXPECT_EQ(pool.contracts[1].units_idle, 2U);
  EXPECT_EQ(pool.units_free, 2U);
  EXPECT_EQ(pool.units_free_node, 2U);
  EXPECT_EQ(pool.nodes_free, 0U);
  EXPECT_EQ(pool.wait_seconds, 0U) << "there is something free";
  pool = granted_to_nobody();
  limit_to(pool, {4, 4, 1, 60});
  EXPECT_EQ(pool.contracts[1].units_idle, 1U);
  EXPECT_EQ(pool.units_free, 0U);
}

TEST(SellableCapacity, AFullEngineSaysHowLongToWait) {
  PoolCapacity pool = granted_to_nobody();
  pool.wait_seconds = 20;
  limit_to(pool, {0, 0, 0, 60});
  EXPECT_EQ(pool.units_free, 0U);
  EXPECT_EQ(pool.contracts[0].units_idle, 0U);
  EXPECT_EQ(pool.wait_seconds, 60U);
}

}  // namespace
}  // namespace tradewind
