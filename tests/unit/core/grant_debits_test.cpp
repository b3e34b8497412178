// Debits depend on what is known, not on the order in which it came to be known.
#include "broker/core/grant_debits.h"

#include <gtest/gtest.h>

#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

class GrantDebitsTest : public ::testing::Test {
 protected:
  GrantDebitsTest() { view_.accept(Record{header(RecordKind::site, 1, sample::now), site_}); }
  RecordHeader header(RecordKind kind, std::uint64_t version, Wall::time_point issued) const {
    RecordHeader header;
    header.kind = kind;
    header.subject = site_node(site_.site);
    header.version = {1, version};
    header.issued = issued;
    header.valid_until = issued + 15s;
    return header;
  }
  void sheet(std::uint64_t version, Wall::time_point issued) {
    view_.accept(Record{header(RecordKind::quote, version, issued), sample::sheet(site_)});
    debits_.refresh(site_.site);
  }
  void grant(std::uint32_t number, Wall::time_point at) {
    view_.debit(site_.site, site_.pools[0].id, 1, 1);
    debits_.granted({AttemptId{JobId{"j0000000000001"}, number}, site_.site, site_.pools[0].id, 1,
                     1, ContractId{}, 0},
                    at);
  }
  std::uint32_t debited() const { return view_.columns().pool(0).debited_units; }

  const SiteRecord site_ = sample::site("aa-north-1", {sample::pool("cpu")});
  MarketView view_;
  GrantDebits debits_{view_};
};

TEST_F(GrantDebitsTest, ASheetSignedAfterTheGrantShowsIt) {
  sheet(1, sample::now);
  grant(1, sample::now + 1s);
  EXPECT_EQ(debited(), 1U);
  sheet(2, sample::now + 2s);
  EXPECT_EQ(debited(), 0U);
}

TEST_F(GrantDebitsTest, ASheetSignedEarlierThanTheOneBeforeItIsTheSameBeforeAndAfterTheGrant) {
  // As the broker saw it: both sheets, then the grant.
  sheet(1, sample::now + 3s);
  sheet(2, sample::now);
  grant(1, sample::now + 1s);
  const std::uint32_t seen = debited();
  // As the log tells it: the second sheet only when something is decided.
  debits_.ended(AttemptId{JobId{"j0000000000001"}, 1});
  ASSERT_EQ(debited(), 0U);
  sheet(3, sample::now + 3s);
  grant(2, sample::now + 1s);
  sheet(4, sample::now);
  EXPECT_EQ(debited(), seen);
  EXPECT_EQ(seen, 1U);
}

TEST_F(GrantDebitsTest, AnAttemptThatHasEndedOrIsOldIsDebitedNoMore) {
  sheet(1, sample::now);
  grant(1, sample::now + 1s);
  grant(2, sample::now + 1s);
  grant(3, sample::now + 9s);
  debits_.ended(AttemptId{JobId{"j0000000000001"}, 1});
  EXPECT_EQ(debited(), 2U);
  debits_.pass(sample::now + 1s + GrantDebits::debit_max);
  EXPECT_EQ(debited(), 1U);
  sheet(2, sample::now + 5s);
  EXPECT_EQ(debited(), 1U);
  sheet(3, sample::now + 10s);
  EXPECT_EQ(debited(), 0U);
}

}  // namespace
}  // namespace tradewind
