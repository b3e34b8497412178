// What readers get of a published log: what was written, of what was shown, and nothing else.
#include "broker/audit/published_log.h"

#include <gtest/gtest.h>

#include "state/identity/encoding.h"
#include "state/transparency/receipt.h"
#include "tests/unit/audit/sample_log.h"

namespace tradewind {
namespace {

using sample::TemporaryDirectory;

constexpr std::uint64_t kPublished = 1'000;

class PublishedLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sample::make_log(directory_.path(), kPublished);
    journal_ = sample::open(directory_.path());
    ASSERT_NE(journal_, nullptr);
    log_ = std::make_unique<PublishedLog>(*journal_, journal_->log(), sample::leaf_writer(), key_);
    const auto writer = sample::recover(*journal_);
    ASSERT_TRUE(writer);
    log_->show({*writer->checkpoint(), writer->cosigned_note(), {}, 0});
    at_ = log_->shown();
    ASSERT_NE(at_, nullptr);
  }
  static Bytes event(std::uint64_t index) {
    return sample::leaf_writer().write(Sequence{index + 1}, sample::log_entry(index + 1)).event;
  }
  static Wall::time_point time_of(std::uint64_t index) { return sample::log_entry(index + 1).at; }

  TemporaryDirectory directory_;
  std::unique_ptr<Journal> journal_;
  const VerifierKey key_{sample::kOrigin, KeyType::ed25519, sample::log_key().public_key()};
  std::unique_ptr<PublishedLog> log_;
  std::shared_ptr<const ShownCheckpoint> at_;
};

TEST_F(PublishedLogTest, EntriesAreTheLeavesAndReceiptsProveThem) {
  for (const std::uint64_t index : {0U, 255U, 256U, 511U, 999U}) {
    const auto entry = log_->entry(*at_, index);
    ASSERT_TRUE(entry) << describe(entry.error());
    EXPECT_EQ(*entry, event(index));
    const auto receipt = parse_receipt(*log_->receipt(*at_, index));
    ASSERT_TRUE(receipt) << describe(receipt.error());
    EXPECT_EQ(receipt->index, index);
    EXPECT_TRUE(verify_receipt(*receipt, *entry, key_));
  }
  EXPECT_EQ(log_->entry(*at_, kPublished).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->receipt(*at_, kPublished).error().code, ErrorCode::not_found);
}

TEST_F(PublishedLogTest, NothingBeyondTheCheckpointIsShown) {
  ShownCheckpoint early = *at_;
  early.checkpoint.head.size = 300;
  EXPECT_TRUE(log_->tile(early, TileId{0, 1, 44}));
  EXPECT_EQ(log_->tile(early, TileId{0, 1, 45}).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->tile(early, TileId{0, 1, 256}).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->tile(*at_, TileId{7, UINT64_MAX, 1}).error().code, ErrorCode::not_found);
  EXPECT_TRUE(log_->bundle(early, BundleId{1, 44}));
  EXPECT_EQ(log_->bundle(early, BundleId{1, 45}).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->bundle(*at_, BundleId{UINT64_MAX, 1}).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->entry(early, 300).error().code, ErrorCode::not_found);
}

TEST_F(PublishedLogTest, APeriodIsAnExactRange) {
  const auto expect_range = [&](std::optional<Wall::time_point> after,
                                std::optional<Wall::time_point> before) {
    LogRange want{0, kPublished};
    for (std::uint64_t index = 0; after && index < kPublished && time_of(index) < *after; ++index) {
      want.first = index + 1;
    }
    want.end = want.first;
    while (want.end < kPublished && (!before || time_of(want.end) < *before)) ++want.end;
    const auto range = log_->range(*at_, after, before);
    ASSERT_TRUE(range) << describe(range.error());
    EXPECT_EQ(*range, want);
  };
  const auto second = std::chrono::seconds(1);
  const Wall::time_point first = time_of(0);
  const Wall::time_point last = time_of(kPublished - 1);
  expect_range({}, {});
  for (const std::uint64_t index : {1U, 255U, 256U, 500U, 998U}) {
    expect_range(time_of(index), {});
    expect_range({}, time_of(index));
    expect_range(time_of(index), time_of(index) + second);
    expect_range(time_of(index) - std::chrono::milliseconds(1), last);
  }
  expect_range(first - second, first);
  expect_range(last + second, {});
  expect_range(last, first);
}

TEST_F(PublishedLogTest, PagesPutTogetherAreTheWholeAnswer) {
  const LogFilter filter{.tenant = sample::leaf_writer().pseudonym(TenantId{"chemistry"})};
  const auto whole = log_->query(filter, {100, 900}, 1'000);
  ASSERT_TRUE(whole) << describe(whole.error());
  EXPECT_FALSE(whole->next);
  ASSERT_GT(whole->rows.size(), 100U);
  std::vector<std::uint64_t> pages;
  for (std::optional<std::uint64_t> next = 100; next;) {
    const auto page = log_->query(filter, {*next, 900}, 7);
    ASSERT_TRUE(page);
    EXPECT_LE(page->rows.size(), 7U);
    for (const LogRow& each : page->rows) {
      EXPECT_EQ(each.event, event(each.index));
      pages.push_back(each.index);
    }
    next = page->next;
  }
  ASSERT_EQ(pages.size(), whole->rows.size());
  for (std::size_t at = 0; at < pages.size(); ++at) EXPECT_EQ(pages[at], whole->rows[at].index);
}

TEST_F(PublishedLogTest, WithoutAFilterEveryEntryOfTheRangeComes) {
  const auto page = log_->query({}, {250, 260}, 100);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->rows.size(), 10U);
  for (std::size_t at = 0; at < 10; ++at) EXPECT_EQ(page->rows[at].event, event(250 + at));
  EXPECT_TRUE(log_->query({}, {5, 5}, 100)->rows.empty());
}

// Outside the trust base: what a wrong row gives does not fit, and is not shown.
TEST_F(PublishedLogTest, AWrongRowOfTheIndexShowsNothingThatDoesNotFit) {
  LogBatch batch;
  std::string key = "sosaka";
  key += '\0';
  key += Bytes(8, '\0');
  batch.rows.push_back({key, Bytes("\0\1\2\3\n", 5)});
  ASSERT_TRUE(journal_->log().write(batch));
  const auto page = log_->query({.site = "osaka"}, {0, 256}, 100);
  ASSERT_TRUE(page);
  for (const LogRow& each : page->rows) EXPECT_EQ(each.keys.site, "osaka");
  EXPECT_EQ(page->rows.size(), 2U);
}

TEST_F(PublishedLogTest, DataAreFoundByTheirDigestAndHeldAgainstIt) {
  const Sequence large{sample::kLargeEntry};
  const Bytes data = *sample::leaf_writer().write(large, sample::log_entry(large.value)).data;
  EXPECT_EQ(*log_->data(hex(sha256(data))), data);
  EXPECT_EQ(log_->data(hex(sha256("none"))).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->data("12").error().code, ErrorCode::invalid);
  LogBatch batch;
  batch.data.push_back({sha256(data), "other"});
  ASSERT_TRUE(journal_->log().write(batch));
  EXPECT_EQ(log_->data(hex(sha256(data))).error().code, ErrorCode::corrupt);
}

TEST_F(PublishedLogTest, OpeningsComeFromTheEntry) {
  EXPECT_EQ(*log_->opening(*at_, 8),
            *sample::leaf_writer().opening(Sequence{9}, sample::log_entry(9)));
  EXPECT_EQ(log_->opening(*at_, 2).error().code, ErrorCode::not_found);
  EXPECT_EQ(log_->opening(*at_, kPublished).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tradewind
