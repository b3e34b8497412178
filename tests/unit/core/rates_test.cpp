// The rate table over the whole broker: set, told, kept, and what decisions make of it.
#include <gtest/gtest.h>

#include <future>
#include <utility>

#include "broker/core/core.h"
#include "state/identity/authority.h"
#include "tests/unit/journal/sample_store.h"

namespace tradewind {
namespace {

class RatesTest : public ::testing::Test {
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
  Result<RateTable> set(RateTable table, std::optional<std::uint64_t> replaces = std::nullopt) {
    return answer<RateTable>([&](Reply<RateTable> reply) {
      core_->set_rates(std::move(table), replaces, "boss", std::move(reply));
    });
  }
  static JobSpec job() {
    JobSpec spec;
    spec.resources.cpus = 1;
    Variant& variant = spec.variants.emplace_back();
    variant.architectures = {Architecture::amd64};
    variant.executors.emplace_back().command = {"true"};
    return spec;
  }
  static RateTable euro(std::int64_t rate) {
    RateTable table;
    table.rates_ppm["EUR"] = rate;
    return table;
  }

  sample::TemporaryDirectory directory_;
  CertificateAuthority authority_ =
      *CertificateAuthority::create(FederationId{"test"}, system_now().wall);
  SigningKey identity_ = SigningKey::generate();
  CurveKeys curve_keys_ = CurveKeys::generate();
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Core> core_;
};

TEST_F(RatesTest, EachChangeIsAnEntryAndRaisesTheVersion) {
  EXPECT_EQ(core_->rates()->version, 0U);
  EXPECT_EQ(set(euro(1'080'000))->version, 1U);
  EXPECT_EQ(set(euro(1'080'000))->version, 1U) << "the same table again is no change";
  EXPECT_EQ(set(euro(1'090'000))->version, 2U);
  EXPECT_EQ(core_->rates()->rates_ppm.at("EUR"), 1'090'000);
  std::vector<RatesChanged> changes;
  for (const Entry& each : sample::entries(*journal_)) {
    if (const auto* changed = std::get_if<RatesChanged>(&each.body)) changes.push_back(*changed);
  }
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].table, *core_->rates());
  EXPECT_EQ(changes[1].principal, "boss");
}

TEST_F(RatesTest, AreThereAgainAfterARestartAndNamedByDecisions) {
  ASSERT_TRUE(set(euro(1'080'000)));
  start();
  EXPECT_EQ(core_->rates()->version, 1U);
  EXPECT_EQ(core_->rates()->rates_ppm.at("EUR"), 1'080'000);
  const auto quote = answer<QuoteAnswer>([&](Reply<QuoteAnswer> reply) {
    core_->quote(QuoteRequest{TenantId{"physics"}, job()}, std::move(reply));
  });
  ASSERT_TRUE(quote);
  EXPECT_EQ(quote->explanation.decision.rates_version, 1U);
}

TEST_F(RatesTest, AChangeThatRestsOnAnotherTableIsRefused) {
  ASSERT_TRUE(set(euro(1'080'000), 0));
  const auto late = set(euro(1'070'000), 0);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  EXPECT_EQ(late.error().field, "replaces");
  EXPECT_EQ(core_->rates()->rates_ppm.at("EUR"), 1'080'000);
}

TEST_F(RatesTest, TheAccountingCurrencyIsFixedOnceThereAreJobs) {
  RateTable francs;
  francs.accounting_currency = "CHF";
  EXPECT_EQ(set(francs)->accounting_currency, "CHF");
  ASSERT_TRUE(answer<SubmitReceipt>([&](Reply<SubmitReceipt> reply) {
    core_->submit(std::make_shared<Submission>(Submission{TenantId{"physics"}, "alice", "", job()}),
                  std::move(reply));
  }));
  const auto refused = set(euro(1'080'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().field, "accounting_currency");
  francs.rates_ppm["EUR"] = 950'000;
  EXPECT_EQ(set(francs)->version, 2U);
}

}  // namespace
}  // namespace tradewind
