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
  Scope scope() const {
    Scope result;
    for (const auto& [number, entry] : book_.by_number()) result.push_back(entry);
    return result;
  }
  std::vector<Digest> all_slow() const { return slow_digests(book_, scope(), all_buckets); }
  // "<number> <kind>" of each in the order of urgency.
  static std::vector<std::string> names(const std::vector<const Accepted*>& records) {
    std::vector<std::string> result;
    for (const Accepted* each : records) {
      const RecordHeader& header = each->record.header;
      result.push_back(std::to_string(header.member.value) + " " +
                       std::string(to_string(header.kind)));
    }
    return result;
  }
  // What one gets who holds these member and site records and sheets.
  std::vector<std::string> order(const std::vector<Digest>& slow, const std::vector<Digest>& sheets,
                                 std::uint32_t rotation = 0,
                                 std::chrono::microseconds after = 0s) const {
    Selection selection(book_, at(after).wall, rotation);
    selection.add_slow(scope(), slow, all_buckets);
    selection.add_sheets(scope(), sheets, 0);
    return names(selection.in_order());
  }
  std::vector<std::string> sheets(const std::vector<Digest>& theirs,
                                  std::uint64_t differing = 0) const {
    Selection selection(book_, at(0s).wall, 0);
    selection.add_sheets(scope(), theirs, differing);
    return names(selection.in_order());
  }
  std::vector<std::string> wanted(const std::vector<Digest>& wants) const {
    Selection selection(book_, at(0s).wall, 0);
    selection.add_wanted(wants);
    return names(selection.in_order());
  }
  // Digests of all sheets held, with that of one site `behind` versions back.
  std::vector<Digest> all_but(std::uint32_t number, std::uint64_t behind) const {
    std::vector<Digest> digests = sheet_digests(scope());
    for (Digest& each : digests) {
      if (each.member.value == number) each.version.version -= behind;
    }
    return digests;
  }

  static constexpr std::uint64_t all_buckets = ~std::uint64_t{0};
  RecordBook book_{{toy::key_of("registry")}, toy::verify};
};

using Names = std::vector<std::string>;

Digest digest(std::uint32_t number, RecordKind kind, std::uint64_t version,
              std::uint64_t epoch = 1) {
  return Digest{MemberNumber{number}, kind, RecordVersion{epoch, version}};
}

TEST_F(Digests, NameEverythingHeldOnceOrderedByMemberAndKind) {
  take_site(2);
  take_site(1);
  const std::vector<Digest> expected = {
      digest(1, RecordKind::member, 1), digest(1, RecordKind::site, 1),
      digest(2, RecordKind::member, 1), digest(2, RecordKind::site, 1)};
  EXPECT_EQ(all_slow(), expected);
  EXPECT_EQ(slow_digests(book_, scope(), 1U << 2),
            (std::vector(expected.begin() + 2, expected.end())))
      << "of the buckets asked for";
  EXPECT_EQ(sheet_digests(scope()), (std::vector<Digest>{digest(1, RecordKind::quote, 1),
                                                         digest(2, RecordKind::quote, 1)}));
}

TEST_F(Digests, FingerprintsTellWhichBucketsDifferAndNothingElse) {
  RecordBook other({toy::key_of("registry")}, toy::verify);
  const auto scope_of = [](const RecordBook& book) {
    Scope result;
    for (const auto& [number, entry] : book.by_number()) result.push_back(entry);
    return result;
  };
  const auto differing = [&] {
    const Fingerprints theirs = fingerprints_of(other, scope_of(other));
    return differing_buckets(fingerprints_of(book_, scope()), {theirs.begin(), theirs.end()});
  };
  take_site(1);
  take_site(66);  // of bucket 2
  EXPECT_EQ(differing(), 0b110U);
  for (const std::uint32_t number : {66U, 1U}) {
    const std::string name = "s" + std::to_string(number);
    other.consider(toy::member({.site = name, .number = number}), at(0s), nullptr);
    other.consider(toy::site({.site = name, .number = number}), at(0s), nullptr);
  }
  EXPECT_EQ(differing(), 0U) << "in whatever order the records came; sheets do not count";
  take(toy::site({.site = "s1", .number = 1, .version = 2}));
  EXPECT_EQ(differing(), 0b10U);
  take(toy::member({.site = "s66", .number = 66, .version = 2}, MemberState::revoked));
  EXPECT_EQ(differing(), 0b110U);
  EXPECT_EQ(differing_buckets(Fingerprints{}, {}), 0U) << "who holds nothing may say nothing";
}

TEST_F(Digests, WhoHoldsTheSameOrNewerLacksNothing) {
  take_site(1);
  EXPECT_EQ(order(all_slow(), sheet_digests(scope())), Names{});
  std::vector<Digest> newer = all_slow();
  for (Digest& each : newer) each.version.epoch += 1;
  EXPECT_EQ(order(newer, {digest(1, RecordKind::quote, 1, 2)}), Names{});
}

TEST_F(Digests, ANewcomerGetsMembersFirstThenEachSitesRecordBesideItsSheet) {
  take_site(1);
  take_site(2);
  EXPECT_EQ(order({}, {}),
            (Names{"1 member", "2 member", "1 site", "1 quote", "2 site", "2 quote"}));
  EXPECT_EQ(order({}, {}, 2),
            (Names{"2 member", "1 member", "2 site", "2 quote", "1 site", "1 quote"}))
      << "the rotation says where to begin";
}

TEST_F(Digests, ASheetThatIsNotNamedGoesOnlyWhereItsSiteIsKnown) {
  take_site(1);
  take_site(2);
  EXPECT_EQ(sheets({}, 1U << 2), (Names{"1 quote"}));
  EXPECT_EQ(sheets({digest(2, RecordKind::quote, 0)}, 1U << 2), (Names{"1 quote", "2 quote"}))
      << "who names a sheet knows its site";
}

TEST_F(Digests, RevocationsGoBeforeAllElse) {
  take_site(1);
  take_site(2);
  take(toy::member({.site = "s2", .number = 2, .version = 2}, MemberState::revoked));
  take(toy::member({.site = "s3", .number = 3}));
  EXPECT_EQ(order({}, {}), (Names{"2 member", "1 member", "3 member", "1 site", "1 quote"}));
}

TEST_F(Digests, UnknownSitesThenChangedSitesThenFallenCapacityThenTheLongestStale) {
  for (std::uint32_t number = 1; number <= 5; ++number) take_site(number);
  take(toy::quote({.site = "s2", .number = 2, .version = 2}, 60), 1s);
  take(toy::quote({.site = "s3", .number = 3, .version = 2}, 49), 1s);
  take(toy::quote({.site = "s5", .number = 5, .version = 4}, 60), 1s);
  take(toy::site({.site = "s1", .number = 1, .version = 2}), 1s);
  std::vector<Digest> slow;
  std::vector<Digest> sheets;
  for (std::uint32_t number = 1; number <= 5; ++number) {
    slow.push_back(digest(number, RecordKind::member, 1));
    if (number == 4) continue;  // they know nothing of site 4
    slow.push_back(digest(number, RecordKind::site, 1));
    sheets.push_back(digest(number, RecordKind::quote, 1));
  }
  EXPECT_EQ(order(slow, sheets),
            (Names{"4 site", "4 quote", "1 site", "3 quote", "5 quote", "2 quote"}));
}

TEST_F(Digests, AnOlderEpochIsStalerThanAnyVersion) {
  take_site(1);
  take_site(2);
  take(toy::quote({.site = "s1", .number = 1, .version = 900}), 1s);
  take(toy::quote({.site = "s2", .number = 2, .version = 1, .epoch = 2}), 1s);
  EXPECT_EQ(sheets({digest(1, RecordKind::quote, 100), digest(2, RecordKind::quote, 1)}),
            (Names{"2 quote", "1 quote"}));
}

TEST_F(Digests, WhatHasEndedIsNeverSentButStillNamedForAWhile) {
  take_site(1);
  EXPECT_EQ(order({}, {}, 0, 15s), (Names{"1 member", "1 site"}));
  book_.forget_ended(at(20s).wall);
  EXPECT_EQ(sheet_digests(scope()).size(), 1U) << "a peer whose clock is behind need not send it";
  book_.forget_ended(at(25s).wall);
  EXPECT_EQ(sheet_digests(scope()).size(), 0U);
}

TEST_F(Digests, AStrangersDigestsMayBeUnsortedRepeatedOrOfNobody) {
  take_site(1);
  const Digest nobody = digest(77, RecordKind::site, 9, 9);
  const Digest site = digest(1, RecordKind::site, 1);
  const Digest quote = digest(1, RecordKind::quote, 1);
  const Digest older = digest(1, RecordKind::quote, 0);
  EXPECT_EQ(order({nobody, site, site, quote, older}, {quote, nobody, older, site, quote, older}),
            (Names{"1 member"}));
  EXPECT_EQ(wanted({older, older, nobody, digest(1, RecordKind::site, 0, 0), older}),
            (Names{"1 site", "1 quote"}))
      << "each record once";
}

TEST_F(Digests, WantsAreWhatIsNewerAndCouldBeTaken) {
  take_site(1);
  take(toy::member({.site = "s2", .number = 2}));
  take_site(3);
  take(toy::member({.site = "s3", .number = 3, .version = 2}, MemberState::revoked));
  const std::vector<Digest> sheets = {
      digest(1, RecordKind::quote, 2), digest(2, RecordKind::quote, 2),
      digest(3, RecordKind::quote, 2), digest(77, RecordKind::quote, 2)};
  EXPECT_EQ(wanted_sheets(scope(), sheets), (std::vector{digest(1, RecordKind::quote, 1)}))
      << "2 has no site record here, 3 is revoked, 77 unknown";
  const std::vector<Digest> slow = {
      digest(1, RecordKind::member, 1),  digest(1, RecordKind::site, 5),
      digest(2, RecordKind::site, 5),    digest(3, RecordKind::site, 5),
      digest(77, RecordKind::member, 1), digest(77, RecordKind::site, 1)};
  const std::vector<Digest> expected = {
      digest(1, RecordKind::site, 1), digest(2, RecordKind::site, 0, 0),
      digest(77, RecordKind::member, 0, 0), digest(77, RecordKind::site, 0, 0)};
  EXPECT_EQ(wanted_slow(book_, slow), expected);
  EXPECT_EQ(wanted({digest(1, RecordKind::site, 0, 0)}), (Names{"1 site", "1 quote"}))
      << "who does not know a site gets its sheet along with its record";
  EXPECT_EQ(wanted({digest(1, RecordKind::quote, 1)}), Names{}) << "nothing newer";
}

TEST_F(Digests, WhatFitsIsAPrefixAndNeverNothing) {
  for (std::uint32_t number = 1; number <= 5; ++number) take_site(number);
  Selection all(book_, at(0s).wall, 0);
  all.add_slow(scope(), {}, all_buckets);
  const auto records = all.in_order();
  const std::size_t first = record_bytes(records[0]->signed_record);
  const std::size_t wire_first = record_wire_bytes(records[0]->signed_record);
  const std::size_t wire_second = record_wire_bytes(records[1]->signed_record);
  EXPECT_LT(wire_first, first) << "packed";
  EXPECT_EQ(all.fit(SIZE_MAX, SIZE_MAX).size(), records.size());
  EXPECT_EQ(all.fit(0, SIZE_MAX).size(), 1U) << "else a large record would never go";
  EXPECT_EQ(all.fit(wire_first + wire_second - 1, SIZE_MAX).size(), 1U);
  EXPECT_EQ(all.fit(wire_first + wire_second, SIZE_MAX).size(), 2U);
  EXPECT_EQ(all.fit(SIZE_MAX, first + record_bytes(records[1]->signed_record)).size(), 2U);
  EXPECT_EQ(all.fit(SIZE_MAX, first - 1).size(), 0U) << "but never beyond a frame";
  EXPECT_EQ(Selection(book_, at(0s).wall, 0).fit(SIZE_MAX, SIZE_MAX).size(), 0U);
}

}  // namespace
}  // namespace tradewind
