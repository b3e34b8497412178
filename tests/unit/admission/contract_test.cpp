// Contract capacity: held back from others, there for its owner, not charged again.
#include "tests/unit/admission/fixture.h"

namespace tradewind {
namespace {

using std::chrono::hours;

class ContractTest : public AdmissionTest {
 protected:
  void SetUp() override {
    AdmissionTest::SetUp();
    site.contracts = {{ContractId{"c1"}, TenantId{"owner"}, PoolId{"cpu"}, 5, now.wall - hours(1),
                       now.wall + hours(1)}};
    restart();
  }
  void restart() {
    start();
    keep(admission->adopted(admission->running(), now));
    publish(++sheet_, ppm_one);
  }
  Assignment of_others(std::uint32_t cpus, std::uint32_t nodes = 1) const {
    Assignment wanted = assignment(cpus, nodes);
    wanted.quote_version = {1, sheet_};
    return wanted;
  }
  Assignment of_owner(std::uint32_t cpus, std::uint32_t covered, std::uint32_t nodes = 1) const {
    Assignment wanted = of_others(cpus, nodes);
    wanted.tenant.value = "owner";
    wanted.contract.value = "c1";
    wanted.contract_units = covered;
    return wanted;
  }
  bool granted(std::uint32_t number, const Assignment& wanted) {
    return reply<Granted>(dispatch(number, wanted)).has_value();
  }
  std::uint32_t idle() const {
    const auto contracts = admission->capacity(now)[0].contracts;
    return contracts.empty() ? 0 : contracts[0].units_idle;
  }

  std::uint64_t sheet_ = 1;
};

TEST_F(ContractTest, OthersGetAtMostWhatTheOwnerDoesNotHold) {
  EXPECT_EQ(admission->capacity(now)[0].units_free, 3U);
  EXPECT_EQ(admission->capacity(now)[0].units_free_node, 4U);
  EXPECT_EQ(idle(), 5U);
  EXPECT_EQ(refusal(dispatch(1, of_others(4))), RefusalCode::no_capacity);
  EXPECT_TRUE(granted(2, of_others(3)));
  EXPECT_EQ(refusal(dispatch(3, of_others(1))), RefusalCode::no_capacity);
  EXPECT_GT(admission->capacity(now)[0].wait_seconds, 0U);
  // The owner comes, and all of it is there.
  EXPECT_TRUE(granted(4, of_owner(4, 4)));
  EXPECT_TRUE(granted(5, of_owner(1, 1)));
  EXPECT_EQ(idle(), 0U);
}

TEST_F(ContractTest, TheOwnerMayTakeWhatIsFreeForAllBeside) {
  EXPECT_EQ(refusal(dispatch(1, of_owner(4, 6, 2))), RefusalCode::contract);
  EXPECT_TRUE(granted(2, of_owner(4, 5, 2)));
  EXPECT_EQ(admission->capacity(now)[0].units_free, 0U);
  end(2);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 3U);
  EXPECT_EQ(idle(), 5U);
}

TEST_F(ContractTest, RefusesAContractThatTheTenantDoesNotHaveThereNow) {
  Assignment wanted = of_owner(1, 1);
  wanted.tenant.value = "acme";
  EXPECT_EQ(refusal(dispatch(1, wanted)), RefusalCode::contract);
  wanted = of_owner(1, 1);
  wanted.contract.value = "c2";
  EXPECT_EQ(refusal(dispatch(2, wanted)), RefusalCode::contract);
  site.contracts[0].valid_from = now.wall + std::chrono::seconds(1);
  restart();
  EXPECT_EQ(refusal(dispatch(3, of_owner(1, 1))), RefusalCode::contract);
  EXPECT_TRUE(admission->capacity(now)[0].contracts.empty());
  EXPECT_EQ(admission->capacity(now)[0].units_free, 8U) << "it holds nothing yet";
  move_to(now.mono + std::chrono::seconds(1));
  EXPECT_TRUE(granted(4, of_owner(1, 1)));
}

TEST_F(ContractTest, WhatRunsWhenAContractBeginsRunsOn) {
  site.contracts[0].valid_from = now.wall + std::chrono::seconds(1);
  restart();
  ASSERT_TRUE(granted(1, of_others(3, 2)));
  move_to(now.mono + std::chrono::seconds(1));
  EXPECT_EQ(idle(), 2U) << "as much as is free";
  EXPECT_EQ(refusal(dispatch(2, of_others(1))), RefusalCode::no_capacity);
  EXPECT_TRUE(granted(3, of_owner(1, 1)));
  end(1);
  EXPECT_EQ(idle(), 4U);
}

TEST_F(ContractTest, IsRememberedOverARestart) {
  ASSERT_TRUE(granted(1, of_owner(4, 4)));
  restart();
  EXPECT_EQ(idle(), 1U);
  EXPECT_EQ(admission->capacity(now)[0].units_free, 3U);
  end(1);
  EXPECT_EQ(idle(), 5U);
}

TEST_F(ContractTest, WhatItCoversIsNotChargedAgain) {
  ASSERT_TRUE(granted(1, of_owner(4, 3)));
  const auto ended = reply<AttemptEnded>(end(1));
  ASSERT_TRUE(ended.has_value());
  // 30 s at 4 a second, a quarter of it, and the fee.
  EXPECT_EQ(ended->report.charge.micros, 30'000'000 + 500);
}

}  // namespace
}  // namespace tradewind
