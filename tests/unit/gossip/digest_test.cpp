// What a peer lacks, and what of it goes first.
#include "state/gossip/digest.h"

#include <gtest/gtest.h>

#include "schemas/ids.h"
#include "schemas/limits.h"
#include "tests/unit/gossip/toy_records.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using toy::at;

class Digests : public testing::Test {
 protected:
  void take(const SignedRecord& record, std::chrono::microseconds after = 0s) {
    ASSERT_EQ(book_.consider(record, at(after), nullptr).dropped, std::nullopt);
  }
  // Member, site record and sheet of a site called s<number>.
  void take_site(std::uint32_t number, std::uint32_t units_free = 50) {
    const std::string name = "s" + std::to_string(number);
    take(toy::member({.site = name, .number = number}));
    take(toy::site({.site = name, .number = number}));
    take(toy::quote({.site = name, .number = number}, units_free));
  }
  // "<number> <kind>" of each that the sender of `theirs` lacks, in order.
  std::vector<std::string> order(const std::vector<Digest>& theirs, std::uint32_t rotation = 0,
                                 std::chrono::microseconds after = 0s) const {
    std::vector<std::string> result;
    for (const Accepted* each : lacking(book_, theirs, at(after).wall, rotation)) {
      const RecordHeader& header = each->record.header;
      result.push_back(std::to_string(header.member.value) + " " +
                       std::string(to_string(header.kind)));
    }
    return result;
  }
  // Digests of all that is held, with the quote of one site `behind` versions back.
  std::vector<Digest> all_but(std::uint32_t number, std::uint64_t behind) const {
    std::vector<Digest> digests = digests_of(book_);
    for (Digest& each : digests) {
      if (each.member.value == number && each.kind == RecordKind::quote) {
        each.version.version -= behind;
      }
    }
    return digests;
  }

  RecordBook book_{toy::key_of("registry"), toy::verify};
};

using Names = std::vector<std::string>;

TEST_F(Digests, NameEverythingHeldOnceOrderedByMemberAndKind) {
  take_site(2);
  take_site(1);
  const std::vector<Digest> digests = digests_of(book_);
  ASSERT_EQ(digests.size(), 6U);
  EXPECT_EQ(digests[0], (Digest{MemberNumber{1}, RecordKind::member, RecordVersion{1, 1}}));
  EXPECT_EQ(digests[2], (Digest{MemberNumber{1}, RecordKind::quote, RecordVersion{1, 1}}));
  EXPECT_EQ(digests[5], (Digest{MemberNumber{2}, RecordKind::quote, RecordVersion{1, 1}}));
}

TEST_F(Digests, WhoHoldsTheSameOrNewerLacksNothing) {
  take_site(1);
  EXPECT_EQ(order(digests_of(book_)), Names{});
  std::vector<Digest> newer = digests_of(book_);
  for (Digest& each : newer) each.version.epoch += 1;
  EXPECT_EQ(order(newer), Names{});
}

TEST_F(Digests, ANewcomerGetsMembersFirstThenEachSitesRecordBesideItsSheet) {
  take_site(1);
  take_site(2);
  EXPECT_EQ(order({}), (Names{"1 member", "2 member", "1 site", "1 quote", "2 site", "2 quote"}));
  EXPECT_EQ(order({}, 2), (Names{"2 member", "1 member", "2 site", "2 quote", "1 site", "1 quote"}))
      << "the rotation says where to begin";
}

TEST_F(Digests, RevocationsGoBeforeAllElse) {
  take_site(1);
  take_site(2);
  take(toy::member({.site = "s2", .number = 2, .version = 2}, MemberState::revoked));
  take(toy::member({.site = "s3", .number = 3}));
  EXPECT_EQ(order({}), (Names{"2 member", "1 member", "3 member", "1 site", "1 quote"}));
}

TEST_F(Digests, UnknownSitesThenChangedSitesThenFallenCapacityThenTheLongestStale) {
  for (std::uint32_t number = 1; number <= 5; ++number) take_site(number);
  take(toy::quote({.site = "s2", .number = 2, .version = 2}, 60), 1s);
  take(toy::quote({.site = "s3", .number = 3, .version = 2}, 49), 1s);
  take(toy::quote({.site = "s5", .number = 5, .version = 4}, 60), 1s);
  take(toy::site({.site = "s1", .number = 1, .version = 2}), 1s);
  std::vector<Digest> theirs;
  for (std::uint32_t number = 1; number <= 5; ++number) {
    theirs.push_back(Digest{MemberNumber{number}, RecordKind::member, RecordVersion{1, 1}});
    if (number == 4) continue;  // they know nothing of site 4
    theirs.push_back(Digest{MemberNumber{number}, RecordKind::site, RecordVersion{1, 1}});
    theirs.push_back(Digest{MemberNumber{number}, RecordKind::quote, RecordVersion{1, 1}});
  }
  EXPECT_EQ(order(theirs), (Names{"4 site", "4 quote", "1 site", "3 quote", "5 quote", "2 quote"}));
}

TEST_F(Digests, AnOlderEpochIsStalerThanAnyVersion) {
  take_site(1);
  take_site(2);
  take(toy::quote({.site = "s1", .number = 1, .version = 900}), 1s);
  take(toy::quote({.site = "s2", .number = 2, .version = 1, .epoch = 2}), 1s);
  std::vector<Digest> theirs = all_but(1, 800);
  for (Digest& each : theirs) {
    if (each.member.value == 2 && each.kind == RecordKind::quote) each.version = {1, 1};
  }
  EXPECT_EQ(order(theirs), (Names{"2 quote", "1 quote"}));
}

TEST_F(Digests, WhatHasEndedIsNeverSentButStillNamedForAWhile) {
  take_site(1);
  EXPECT_EQ(order({}, 0, 15s), (Names{"1 member", "1 site"}));
  book_.forget_ended(at(20s).wall);
  EXPECT_EQ(digests_of(book_).size(), 3U) << "a peer whose clock is behind need not send it";
  book_.forget_ended(at(25s).wall);
  EXPECT_EQ(digests_of(book_).size(), 2U);
}

TEST_F(Digests, AStrangersDigestsMayBeUnsortedRepeatedOrOfNobody) {
  take_site(1);
  const Digest quote{MemberNumber{1}, RecordKind::quote, RecordVersion{1, 1}};
  const Digest older{MemberNumber{1}, RecordKind::quote, RecordVersion{1, 0}};
  const Digest nobody{MemberNumber{77}, RecordKind::site, RecordVersion{9, 9}};
  const Digest site{MemberNumber{1}, RecordKind::site, RecordVersion{1, 1}};
  EXPECT_EQ(order({quote, nobody, older, site, quote, older}), (Names{"1 member"}));
}

TEST_F(Digests, WhatFitsIsAPrefixAndNeverNothing) {
  for (std::uint32_t number = 1; number <= 5; ++number) take_site(number);
  const auto all = lacking(book_, {}, at(0s).wall, 0);
  const std::size_t first = record_bytes(all[0]->signed_record);
  const std::size_t second = record_bytes(all[1]->signed_record);
  EXPECT_EQ(fit(all, SIZE_MAX, SIZE_MAX).size(), all.size());
  EXPECT_EQ(fit(all, 0, SIZE_MAX).size(), 1U) << "else a large record would never go";
  EXPECT_EQ(fit(all, first + second - 1, SIZE_MAX).size(), 1U);
  EXPECT_EQ(fit(all, first + second, SIZE_MAX).size(), 2U);
  EXPECT_EQ(fit(all, SIZE_MAX, first + second).size(), 2U);
  EXPECT_EQ(fit(all, SIZE_MAX, first - 1).size(), 0U) << "but never beyond a frame";
  EXPECT_EQ(fit({}, SIZE_MAX, SIZE_MAX).size(), 0U);
}

}  // namespace
}  // namespace tradewind
