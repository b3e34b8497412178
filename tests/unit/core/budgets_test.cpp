// Budgets over the whole broker: set, told, kept over a restart.
#include <gtest/gtest.h>

#include <future>
#include <utility>

#include "broker/core/core.h"
#include "broker/core/value_keys.h"
#include "state/identity/authority.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

const TenantId physics{"physics"};

class BudgetsTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    core_.reset();
    journal_.reset();
    journal_ = sample::open(directory_.path());
    CoreOptions options;
    options.self = broker_node("main");
    auto core =
        Core::start(options, *journal_, std::make_shared<const CertificateAuthority>(authority_),
                    identity_, curve_keys_);
    ASSERT_TRUE(core) << describe(core.error());
    core_ = std::move(*core);
  }
  template <class T, class Ask>
  static Result<T> answer(Ask ask) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    ask([promise](Result<T> result) { promise->set_value(std::move(result)); });
    return future.get();
  }
  Result<BudgetReceipt> set(std::int64_t limit, std::optional<std::uint64_t> replaces = {}) {
    return answer<BudgetReceipt>([&](Reply<BudgetReceipt> reply) {
      core_->set_budget(physics, Budget{Money{limit}, BudgetPeriod::month, 0}, replaces, "boss",
                        std::move(reply));
    });
  }
  Result<BudgetReport> find() {
    return answer<BudgetReport>(
        [&](Reply<BudgetReport> reply) { core_->find_budget(physics, std::move(reply)); });
  }
  Result<std::monostate> remove() {
    return answer<std::monostate>([&](Reply<std::monostate> reply) {
      core_->remove_budget(physics, "boss", std::move(reply));
    });
  }
  std::size_t values_kept() {
    std::size_t count = 0;
    for (const auto prefix : {value_keys::budget, value_keys::spent}) {
      EXPECT_TRUE(journal_->values(prefix, [&](std::string_view, BytesView) { ++count; }));
    }
    return count;
  }

  sample::TemporaryDirectory directory_;
  CertificateAuthority authority_ =
      *CertificateAuthority::create(FederationId{"test"}, system_now().wall);
  SigningKey identity_ = SigningKey::generate();
  CurveKeys curve_keys_ = CurveKeys::generate();
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Core> core_;
};

TEST_F(BudgetsTest, EachChangeIsAnEntryWithTheSequenceAsItsVersion) {
  ASSERT_TRUE(set(5));
  const auto changed = set(7);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->made);
  ASSERT_TRUE(remove());
  std::vector<BudgetChanged> changes;
  ASSERT_TRUE(journal_->read(Sequence{1}, [&](Sequence sequence, const Entry& each) {
    if (const auto* change = std::get_if<BudgetChanged>(&each.body)) {
      changes.push_back(*change);
      if (change->budget) EXPECT_EQ(change->budget->version, sequence.value);
    }
    return true;
  }));
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[1].budget, changed->budget.standing.budget);
  EXPECT_EQ(changes[1].principal, "boss");
  EXPECT_FALSE(changes[2].budget);
  EXPECT_EQ(find().error().code, ErrorCode::not_found);
  EXPECT_EQ(remove().error().code, ErrorCode::not_found);
}

TEST_F(BudgetsTest, IsThereAgainAfterARestartUntilItIsRemoved) {
  ASSERT_TRUE(set(5));
  const BudgetStanding before = find()->standing;
  EXPECT_EQ(values_kept(), 2U);
  start();
  EXPECT_EQ(find()->standing, before);
  ASSERT_TRUE(remove());
  EXPECT_EQ(values_kept(), 0U);
  start();
  EXPECT_FALSE(find());
}

TEST_F(BudgetsTest, AChangeThatRestsOnAnotherIsRefused) {
  const auto made = set(5, 0);
  ASSERT_TRUE(made);
  const auto late = set(6, 0);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  EXPECT_EQ(late.error().field, "replaces");
  EXPECT_TRUE(set(6, made->budget.standing.budget.version));
}

TEST(SpentText, ReadsBackAndRefusesWhatItIsNot) {
  const BudgetSpent spent{wall_from_ms(1'790'000'000'000), Money{17}};
  EXPECT_EQ(value_keys::read_spent(value_keys::to_text(spent)), spent);
  for (const auto* bad : {"", "1", "1 ", "1 -2", "1 2 ", "x 2", "1 99999999999999999999"}) {
    EXPECT_FALSE(value_keys::read_spent(bad)) << bad;
  }
}

}  // namespace
}  // namespace tradewind
