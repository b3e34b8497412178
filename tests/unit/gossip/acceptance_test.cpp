// Which records a node takes, and why it drops the others.
#include <gtest/gtest.h>

#include <initializer_list>
#include <set>

#include "schemas/codec.h"
#include "schemas/ids.h"
#include "schemas/limits.h"
#include "state/gossip/freshness.h"
#include "state/gossip/gossip.h"
#include "tests/unit/gossip/toy_records.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using toy::at;

const NodeId osaka = site_node(SiteId{"jp-osaka-1"});
const NodeId relay = broker_node("eu-1");

class GossipAcceptance : public testing::Test {
 protected:
  static GossipOptions options() {
    GossipOptions result;
    result.self = site_node(SiteId{"us-west-1"});
    result.registry_keys = {toy::key_of("registry")};
    return result;
  }

  // What a peer sends in an ack, at `after` the start; returns why it was dropped, if it was.
  std::optional<DropReason> receive(const SignedRecord& record,
                                    std::chrono::microseconds after = 0s,
                                    const NodeId& from = relay) {
    const auto before = gossip_.counters().dropped;
    const GossipOutput output =
        gossip_.receive(from, GossipMessage{1, GossipAck{{record}, {}, {}}}, at(after));
    for (const auto& [reason, count] : gossip_.counters().dropped) {
      const auto earlier = before.find(reason);
      if (earlier == before.end() || earlier->second != count) {
        EXPECT_TRUE(output.accepted.empty());
        return reason;
      }
    }
    EXPECT_EQ(output.accepted.size(), 1U);
    return std::nullopt;
  }
  void know_osaka() {
    ASSERT_EQ(receive(toy::member({})), std::nullopt);
    ASSERT_EQ(receive(toy::site({})), std::nullopt);
  }
  std::uint64_t held_version(RecordKind kind) const {
    const Accepted* held = gossip_.find(osaka, kind);
    return held == nullptr ? 0 : held->record.header.version.version;
  }
  std::uint64_t verified() const { return gossip_.counters().verified; }

  Gossip gossip_{options(), toy::verify};
};

TEST_F(GossipAcceptance, TakesAMemberThenItsSiteThenItsSheetAndKeepsTheBytesAsTheyCame) {
  know_osaka();
  const SignedRecord sheet = toy::quote({});
  EXPECT_EQ(receive(sheet), std::nullopt);
  ASSERT_NE(gossip_.find(osaka, RecordKind::quote), nullptr);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::quote)->signed_record, sheet);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::quote)->record, toy::quote_record({}));
  EXPECT_EQ(gossip_.all(RecordKind::member).size(), 1U);
  EXPECT_EQ(gossip_.all(RecordKind::site).size(), 1U);
}

TEST_F(GossipAcceptance, OwnRecordsPassTheSameChecks) {
  EXPECT_TRUE(gossip_.publish(toy::site({}), at(0s)).accepted.empty());
  EXPECT_EQ(gossip_.counters().dropped.at(DropReason::unknown_member), 1U);
  EXPECT_EQ(gossip_.publish(toy::member({}), at(0s)).accepted.size(), 1U);
  EXPECT_EQ(gossip_.publish(toy::site({}), at(0s)).accepted.size(), 1U);
}

TEST_F(GossipAcceptance, TakesMembersOfEachRegistryKeyAndForgetsThoseOfNone) {
  const SignedRecord by_next = toy::sign(toy::member_record({.version = 2}), toy::key_of("next"));
  know_osaka();
  ASSERT_EQ(receive(toy::quote({})), std::nullopt);
  EXPECT_EQ(receive(by_next), DropReason::wrong_signature);
  gossip_.set_registry_keys({toy::key_of("registry"), toy::key_of("next")});
  EXPECT_EQ(held_version(RecordKind::quote), 1U);
  EXPECT_EQ(receive(by_next, 1s), std::nullopt);
  EXPECT_EQ(receive(toy::broker_member("eu-1", 1), 1s), std::nullopt);
  // The former key goes, and with it who has no record of the next one.
  gossip_.set_registry_keys({toy::key_of("next")});
  EXPECT_EQ(held_version(RecordKind::member), 2U);
  EXPECT_EQ(held_version(RecordKind::quote), 1U);
  EXPECT_EQ(gossip_.find(relay, RecordKind::member), nullptr);
  EXPECT_EQ(receive(toy::broker_member("eu-1", 1), 2s), DropReason::wrong_signature);
  gossip_.set_registry_keys({toy::key_of("third")});
  EXPECT_EQ(gossip_.find(osaka, RecordKind::member), nullptr);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::quote), nullptr);
  EXPECT_EQ(receive(toy::quote({.version = 2}), 3s), DropReason::unknown_member);
  // What was held does not come back under an older version.
  EXPECT_EQ(receive(toy::sign(toy::member_record({.version = 1}), toy::key_of("third")), 3s),
            DropReason::old);
  EXPECT_EQ(receive(toy::sign(toy::member_record({.version = 3}), toy::key_of("third")), 4s),
            std::nullopt);
}

TEST_F(GossipAcceptance, DropsWhatDoesNotDecode) {
  EXPECT_EQ(receive(SignedRecord{}), DropReason::malformed);
  EXPECT_EQ(receive(SignedRecord{Bytes("nonsense"), Bytes(64, 'x')}), DropReason::malformed);
  SignedRecord cut = toy::member({});
  cut.body.resize(cut.body.size() / 2);
  EXPECT_EQ(receive(cut), DropReason::malformed);
  SignedRecord unsigned_member = toy::member({});
  unsigned_member.signature.pop_back();
  EXPECT_EQ(receive(unsigned_member), DropReason::malformed);
  EXPECT_EQ(verified(), 0U);
}

TEST_F(GossipAcceptance, DropsWhatIsLargerThanItsKindMayBe) {
  EXPECT_EQ(receive({Bytes(limits::site_record_bytes_max + 8, 'x'), Bytes(64, 'x')}),
            DropReason::oversized);
  Record large = toy::member_record({});
  std::get<Member>(large.body).endpoint =
      "tcp://" + std::string(limits::member_record_bytes_max, 'h') + ":1";
  EXPECT_EQ(receive(toy::sign(large, toy::key_of("registry"))), DropReason::oversized);
  EXPECT_EQ(verified(), 0U);
}

TEST_F(GossipAcceptance, DropsRecordsOfMembersAndSitesItDoesNotKnowYet) {
  EXPECT_EQ(receive(toy::site({})), DropReason::unknown_member);
  EXPECT_EQ(receive(toy::quote({})), DropReason::unknown_member);
  EXPECT_EQ(verified(), 0U);
  ASSERT_EQ(receive(toy::member({})), std::nullopt);
  EXPECT_EQ(receive(toy::quote({})), DropReason::unknown_site);
  EXPECT_EQ(verified(), 1U);
}

TEST_F(GossipAcceptance, DropsForgeriesOfEveryKind) {
  EXPECT_EQ(receive(toy::sign(toy::member_record({}), toy::key_of("jp-osaka-1"))),
            DropReason::wrong_signature);
  know_osaka();
  EXPECT_EQ(receive(toy::sign(toy::quote_record({}), toy::key_of("us-west-1"))),
            DropReason::wrong_signature);
  EXPECT_EQ(receive(toy::sign(toy::quote_record({}), toy::key_of("registry"))),
            DropReason::wrong_signature);
  SignedRecord swapped = toy::quote({});
  swapped.body = toy::quote({}, 100).body;
  EXPECT_EQ(receive(swapped), DropReason::wrong_signature);
  EXPECT_EQ(held_version(RecordKind::quote), 0U);
}

TEST_F(GossipAcceptance, NoSingleFlippedBitOfASheetGetsIn) {
  know_osaka();
  const SignedRecord good = toy::quote({});
  for (std::size_t bit = 0; bit < (good.body.size() + good.signature.size()) * 8; bit += 3) {
    Gossip fresh(options(), toy::verify);
    fresh.publish(toy::member({}), at(0s));
    fresh.publish(toy::site({}), at(0s));
    SignedRecord bad = good;
    Bytes& bytes = bit / 8 < good.body.size() ? bad.body : bad.signature;
    const std::size_t at_byte = bit / 8 < good.body.size() ? bit / 8 : bit / 8 - good.body.size();
    bytes[at_byte] =
        static_cast<char>(static_cast<unsigned char>(bytes[at_byte]) ^ (1U << bit % 8));
    ASSERT_TRUE(fresh.publish(bad, at(0s)).accepted.empty()) << "bit " << bit;
  }
}

TEST_F(GossipAcceptance, DropsOlderVersionsAndCopiesWithoutVerifyingThem) {
  know_osaka();
  const SignedRecord newest = toy::quote({.version = 5});
  ASSERT_EQ(receive(newest), std::nullopt);
  const auto before = verified();
  EXPECT_EQ(receive(toy::quote({.version = 4})), DropReason::old);
  EXPECT_EQ(receive(newest), DropReason::old);
  EXPECT_EQ(receive(toy::member({})), DropReason::old);
  EXPECT_EQ(verified(), before);
  EXPECT_EQ(held_version(RecordKind::quote), 5U);
}

TEST_F(GossipAcceptance, AHigherEpochIsNewerWhateverTheVersion) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({.version = 900})), std::nullopt);
  EXPECT_EQ(receive(toy::quote({.version = 1, .epoch = 2})), std::nullopt);
  EXPECT_EQ(receive(toy::quote({.version = 901})), DropReason::old);
}

// As when a broker starts with what it relied on, while its clock is ahead.
TEST_F(GossipAcceptance, ARecordOfItsOwnThatIsOverKeepsOlderOnesOut) {
  know_osaka();
  EXPECT_TRUE(gossip_.publish(toy::quote({.version = 3}), at(15s)).accepted.empty());
  EXPECT_EQ(receive(toy::quote({.version = 2, .issued = 10s}), 17s), DropReason::old);
  EXPECT_EQ(receive(toy::quote({.version = 4, .issued = 10s}), 20s), std::nullopt);
}

// As at a start while its clock is behind: the record itself comes once its time has.
TEST_F(GossipAcceptance, ARecordOfItsOwnThatIsYetToBeIssuedKeepsOlderOnesOut) {
  know_osaka();
  const SignedRecord own = toy::quote({.version = 3, .issued = 10s});
  EXPECT_TRUE(gossip_.publish(own, at(0s)).accepted.empty());
  EXPECT_EQ(receive(toy::quote({.version = 1}), 1s), DropReason::old);
  EXPECT_EQ(receive(own, 6s), std::nullopt);
  EXPECT_EQ(held_version(RecordKind::quote), 3U);
}

TEST_F(GossipAcceptance, ARecordOfItsOwnThatIsOverIsNoSecondStoryOfTheOneHeld) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({.version = 1, .issued = 10s}), 10s), std::nullopt);
  EXPECT_TRUE(gossip_.publish(toy::quote({.version = 3}), at(15s)).accepted.empty());
  EXPECT_EQ(receive(toy::quote({.version = 3, .issued = 10s}), 17s), std::nullopt);
  EXPECT_FALSE(gossip_.is_quarantined(osaka));
  EXPECT_EQ(held_version(RecordKind::quote), 3U);
}

TEST_F(GossipAcceptance, DropsWhatIsNotInForce) {
  know_osaka();
  EXPECT_EQ(receive(toy::quote({.issued = 5'001ms})), DropReason::from_future);
  EXPECT_EQ(receive(toy::quote({.valid_for = 60'001ms})), DropReason::too_long_valid);
  EXPECT_EQ(receive(toy::quote({.version = 0, .epoch = 2})), DropReason::insane_values);
  EXPECT_EQ(receive(toy::quote({.issued = 5'000ms})), std::nullopt) << "within the skew";
  EXPECT_EQ(receive(toy::quote({.version = 2}), 15s), DropReason::expired);
}

TEST_F(GossipAcceptance, ExtremeTimesAreRefusedNotMiscalculated) {
  know_osaka();
  const auto ends = {Wall::time_point::min(), Wall::time_point{}, Wall::time_point::max() - 1us,
                     Wall::time_point::max()};
  for (const Wall::time_point issued : ends) {
    for (const Wall::time_point valid_until : ends) {
      Record record = toy::quote_record({});
      record.header.issued = issued;
      record.header.valid_until = valid_until;
      EXPECT_TRUE(check_freshness(record.header, toy::epoch));
      EXPECT_NE(receive(toy::sign(record, toy::key_of("jp-osaka-1"))), std::nullopt);
    }
  }
}

TEST_F(GossipAcceptance, DropsSheetsThatTheSiteCannotFulfil) {
  know_osaka();
  EXPECT_EQ(receive(toy::quote({}, 101)), DropReason::insane_values) << "100 units in the pool";
  Record record = toy::quote_record({.version = 2});
  std::get<QuoteSheet>(record.body).pools[0].pool = PoolId{"gpu"};
  EXPECT_EQ(receive(toy::sign(record, toy::key_of("jp-osaka-1"))), DropReason::insane_values);
  record = toy::quote_record({.version = 3});
  std::get<QuoteSheet>(record.body).pools[0].units_free_node = 11;
  EXPECT_EQ(receive(toy::sign(record, toy::key_of("jp-osaka-1"))), DropReason::insane_values);
  record = toy::quote_record({.version = 4});
  std::get<QuoteSheet>(record.body).pools[0].nodes_free = 11;
  EXPECT_EQ(receive(toy::sign(record, toy::key_of("jp-osaka-1"))), DropReason::insane_values);
  EXPECT_EQ(held_version(RecordKind::quote), 0U);
}

TEST_F(GossipAcceptance, DropsRecordsThatSpeakOfAnotherThanTheirSigner) {
  know_osaka();
  ASSERT_EQ(receive(toy::member({.site = "us-west-1", .number = 8})), std::nullopt);
  Record other = toy::quote_record({.version = 2});
  std::get<QuoteSheet>(other.body).site = SiteId{"us-west-1"};
  EXPECT_EQ(receive(toy::sign(other, toy::key_of("jp-osaka-1"))), DropReason::insane_values);
  EXPECT_EQ(receive(toy::quote({.number = 8, .version = 3})), DropReason::insane_values)
      << "another member's number";
  EXPECT_EQ(receive(toy::member({.site = "fr-paris-1", .number = 7})), DropReason::insane_values)
      << "a number that is taken";
}

TEST_F(GossipAcceptance, HoldsASiteToItsCertifiedCeiling) {
  Record member = toy::member_record({});
  std::get<Member>(member.body).units_max = 40;
  ASSERT_EQ(receive(toy::sign(member, toy::key_of("registry"))), std::nullopt);
  ASSERT_EQ(receive(toy::site({})), std::nullopt);
  EXPECT_EQ(receive(toy::quote({.version = 1}, 41)), DropReason::over_ceiling);
  EXPECT_EQ(receive(toy::quote({.version = 2}, 40)), std::nullopt);
}

TEST_F(GossipAcceptance, HoldsASiteToTheContractsOfItsRecord) {
  Record member = toy::member_record({});
  std::get<Member>(member.body).units_max = 40;
  ASSERT_EQ(receive(toy::sign(member, toy::key_of("registry"))), std::nullopt);
  Record site = toy::site_record({});
  auto& record = std::get<SiteRecord>(site.body);
  record.contracts = {{ContractId{"c1"},
                       TenantId{"acme"},
                       record.pools[0].id,
                       10,
                       {},
                       wall_from_ms(4'000'000'000'000)}};
  ASSERT_EQ(receive(toy::sign(site, toy::key_of("jp-osaka-1"))), std::nullopt);
  const auto quote = [&](std::uint64_t version, const char* contract, std::uint32_t idle,
                         std::uint32_t free) {
    Record sheet = toy::quote_record({.version = version}, free);
    std::get<QuoteSheet>(sheet.body).contracts = {{ContractId{contract}, idle}};
    return receive(toy::sign(sheet, toy::key_of("jp-osaka-1")));
  };
  EXPECT_EQ(quote(1, "c2", 1, 10), DropReason::insane_values);
  EXPECT_EQ(quote(2, "c1", 11, 10), DropReason::insane_values);
  EXPECT_EQ(quote(3, "c1", 10, 31), DropReason::over_ceiling);
  EXPECT_EQ(quote(4, "c1", 10, 30), std::nullopt);
}

TEST_F(GossipAcceptance, TakesOneSheetASecondOfASiteAfterASmallBurst) {
  know_osaka();
  std::uint64_t taken = 0;
  std::uint64_t version = 0;
  for (auto now = 0ms; now < 10s; now += 100ms) {
    const auto dropped = receive(toy::quote({.version = ++version, .issued = now}), now);
    EXPECT_EQ(dropped.value_or(DropReason::too_often), DropReason::too_often);
    taken += dropped ? 0 : 1;
  }
  EXPECT_GE(taken, 10U);
  EXPECT_LE(taken, 14U);
  EXPECT_LE(verified(), taken + 2) << "excess costs no signature check";
}

TEST_F(GossipAcceptance, ForgersCannotUseUpASitesPace) {
  know_osaka();
  for (std::uint64_t version = 100; version < 120; ++version) {
    EXPECT_EQ(receive(toy::sign(toy::quote_record({.version = version}), toy::key_of("forger"))),
              DropReason::wrong_signature);
  }
  EXPECT_EQ(receive(toy::quote({})), std::nullopt);
}

TEST_F(GossipAcceptance, ASenderOfManyBadRecordsIsNotVerifiedAnyMoreForAWhile) {
  know_osaka();
  const auto before = verified();
  for (std::uint64_t version = 1; version <= 90; ++version) {
    receive(toy::sign(toy::quote_record({.version = version}), toy::key_of("forger")));
  }
  EXPECT_LE(verified() - before, 70U);
  EXPECT_EQ(receive(toy::quote({})), DropReason::too_often);
  EXPECT_EQ(receive(toy::quote({}), 0s, broker_node("us-1")), std::nullopt) << "others are heard";
  EXPECT_EQ(receive(toy::quote({.version = 2, .issued = 5'000ms}), 5s), std::nullopt)
      << "and so is it, later";
}

// Two sheets of one version.
Equivocation two_stories(toy::Stamp stamp = {}) {
  Equivocation proof{toy::quote(stamp, 50), toy::quote(stamp, 60)};
  if (proof.second.body < proof.first.body) std::swap(proof.first, proof.second);
  return proof;
}

TEST_F(GossipAcceptance, WhoSignsTwoStoriesIsQuarantinedAndTheProofGoesOut) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({}, 50)), std::nullopt);
  EXPECT_EQ(receive(toy::sign(toy::quote_record({}, 70), toy::key_of("forger"))),
            DropReason::wrong_signature)
      << "nobody else can make a site look two-faced";
  EXPECT_FALSE(gossip_.is_quarantined(osaka));
  const GossipOutput output =
      gossip_.receive(relay, GossipMessage{1, GossipAck{{toy::quote({}, 60)}, {}, {}}}, at(0s));
  EXPECT_EQ(output.proofs, std::vector{two_stories()});
  EXPECT_TRUE(gossip_.is_quarantined(osaka));
  EXPECT_EQ(gossip_.find(osaka, RecordKind::quote), nullptr) << "which of the two would it be";
  EXPECT_EQ(gossip_.find(osaka, RecordKind::site), nullptr);
  const auto before = verified();
  EXPECT_EQ(receive(toy::quote({.version = 2})), DropReason::quarantined);
  EXPECT_EQ(receive(toy::site({.version = 2})), DropReason::quarantined);
  EXPECT_EQ(verified(), before) << "and costs nothing any more";
}

TEST_F(GossipAcceptance, AProofIsTakenOnlyWhenItProvesSomethingWhoeverBringsIt) {
  const auto told = [&](const Equivocation& proof) -> std::optional<DropReason> {
    const auto before = gossip_.counters().dropped;
    const GossipOutput output =
        gossip_.receive(relay, GossipMessage{1, GossipAck{{}, {}, {proof}}}, at(0s));
    for (const auto& [reason, count] : gossip_.counters().dropped) {
      const auto earlier = before.find(reason);
      if (earlier == before.end() || earlier->second != count) {
        EXPECT_TRUE(output.proofs.empty());
        return reason;
      }
    }
    EXPECT_EQ(output.proofs.size(), 1U);
    return std::nullopt;
  };
  const Equivocation good = two_stories();
  EXPECT_EQ(told(good), DropReason::unknown_member) << "nobody can check it yet";
  know_osaka();
  EXPECT_EQ(told({good.first, toy::quote({.version = 2})}), DropReason::false_proof)
      << "a newer sheet is no second story";
  EXPECT_EQ(told({good.first, good.first}), DropReason::false_proof);
  EXPECT_EQ(told({good.second, good.first}), DropReason::false_proof) << "it has one form only";
  EXPECT_EQ(
      told({toy::member({.version = 1}), toy::member({.version = 1}, MemberState::suspended)}),
      DropReason::false_proof)
      << "those are not signed by their subject";
  EXPECT_EQ(told({SignedRecord{"no record", Bytes(64, 'x')}, good.second}),
            DropReason::false_proof);
  for (const auto half : {&Equivocation::first, &Equivocation::second}) {
    Equivocation slander = good;
    (slander.*half).signature = toy::signature_of(toy::key_of("forger"), (slander.*half).body);
    EXPECT_EQ(told(slander), DropReason::false_proof) << "a relay can slander nobody";
  }
  EXPECT_FALSE(gossip_.is_quarantined(osaka));
  EXPECT_EQ(receive(toy::quote({})), std::nullopt) << "nothing has come of all that";
  EXPECT_EQ(told(good), std::nullopt);
  EXPECT_TRUE(gossip_.is_quarantined(osaka));
  EXPECT_EQ(told(good), DropReason::old);
}

TEST_F(GossipAcceptance, ASenderOfManyFalseProofsIsNotVerifiedAnyMoreForAWhile) {
  know_osaka();
  Equivocation proof = two_stories();
  proof.second.signature = Bytes(64, 'x');
  const auto before = verified();
  for (int i = 0; i < 20; ++i) {
    gossip_.receive(relay, GossipMessage{1, GossipAck{{}, {}, std::vector(20, proof)}}, at(0s));
  }
  EXPECT_LE(verified() - before, 140U);
  EXPECT_EQ(receive(toy::quote({})), DropReason::too_often);
}

TEST_F(GossipAcceptance, AQuarantineEndsWithAnotherKeyAndWithNothingElse) {
  know_osaka();
  ASSERT_EQ(gossip_.publish(two_stories(), at(0s)).proofs.size(), 1U);
  ASSERT_EQ(receive(toy::member({.version = 2})), std::nullopt);
  EXPECT_TRUE(gossip_.is_quarantined(osaka)) << "its record was only renewed";
  ASSERT_EQ(receive(toy::member({.version = 3}, MemberState::suspended)), std::nullopt);
  ASSERT_EQ(receive(toy::member({.version = 4})), std::nullopt);
  EXPECT_TRUE(gossip_.is_quarantined(osaka));

  Record anew = toy::member_record({.version = 5});
  std::get<Member>(anew.body).identity_key = toy::key_of("another");
  ASSERT_EQ(receive(toy::sign(anew, toy::key_of("registry"))), std::nullopt);
  EXPECT_FALSE(gossip_.is_quarantined(osaka));
  const auto key = toy::key_of("another");
  EXPECT_EQ(receive(toy::sign(toy::site_record({.version = 2}), key)), std::nullopt);
  EXPECT_EQ(receive(toy::sign(toy::quote_record({.version = 3}), key)), std::nullopt);
  EXPECT_TRUE(gossip_.publish(two_stories(), at(0s)).proofs.empty())
      << "the proof tells nothing of who has the new key";
}

// As at a start while the clock is behind, so that the member's record is yet to be issued.
TEST_F(GossipAcceptance, AProofOfItsOwnWaitsForTheRecordOfItsMember) {
  EXPECT_TRUE(gossip_.publish(toy::member({.issued = 10s}), at(0s)).accepted.empty());
  EXPECT_TRUE(gossip_.publish(two_stories(), at(0s)).proofs.empty());
  const GossipOutput output = gossip_.receive(
      relay, GossipMessage{1, GossipAck{{toy::member({.issued = 10s})}, {}, {}}}, at(6s));
  EXPECT_EQ(output.accepted.size(), 1U);
  EXPECT_EQ(output.proofs, std::vector{two_stories()});
  EXPECT_TRUE(gossip_.is_quarantined(osaka));
  EXPECT_EQ(receive(toy::site({}), 6s), DropReason::quarantined);
}

TEST_F(GossipAcceptance, AProofThatANewKeyVoidsInTheSameMessageIsNotTold) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({}, 50)), std::nullopt);
  Record anew = toy::member_record({.version = 2});
  std::get<Member>(anew.body).identity_key = toy::key_of("another");
  const GossipOutput output = gossip_.receive(
      relay,
      GossipMessage{
          1, GossipAck{{toy::quote({}, 60), toy::sign(anew, toy::key_of("registry"))}, {}, {}}},
      at(0s));
  EXPECT_TRUE(output.proofs.empty());
  EXPECT_FALSE(gossip_.is_quarantined(osaka));
}

TEST_F(GossipAcceptance, ARevokedMemberLosesItsRecordsAtOnceAndOffersNoMore) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({})), std::nullopt);
  ASSERT_EQ(receive(toy::member({.version = 2}, MemberState::revoked)), std::nullopt);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::site), nullptr);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::quote), nullptr);
  EXPECT_EQ(receive(toy::quote({.version = 2})), DropReason::revoked_member);
  EXPECT_EQ(receive(toy::site({.version = 2})), DropReason::revoked_member);
  EXPECT_EQ(receive(toy::member({.version = 1})), DropReason::old)
      << "an old record revives nobody";
  ASSERT_NE(gossip_.find(osaka, RecordKind::member), nullptr) << "the revocation itself stays";
}

TEST_F(GossipAcceptance, NothingIsTakenNorAnsweredFromARevokedSender) {
  ASSERT_EQ(receive(toy::member({.version = 2}, MemberState::revoked)), std::nullopt);
  const auto refused = gossip_.counters().messages_refused;
  const GossipOutput output = gossip_.receive(osaka, GossipMessage{1, GossipSyn{}}, at(0s));
  EXPECT_TRUE(output.sends.empty());
  EXPECT_EQ(gossip_.counters().messages_refused, refused + 1);
}

TEST_F(GossipAcceptance, OnceActiveAgainAMemberCannotBeRolledBackToItsOldSheets) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({.version = 5})), std::nullopt);
  ASSERT_EQ(receive(toy::member({.version = 2}, MemberState::revoked)), std::nullopt);
  ASSERT_EQ(receive(toy::member({.version = 3})), std::nullopt);
  ASSERT_EQ(receive(toy::site({.version = 2})), std::nullopt);
  EXPECT_EQ(receive(toy::quote({.version = 4})), DropReason::old);
  EXPECT_EQ(receive(toy::quote({.version = 6})), std::nullopt);
}

TEST_F(GossipAcceptance, RecordsUnderAFormerKeyAreLetGo) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({})), std::nullopt);
  Record renewed = toy::member_record({.version = 2});
  std::get<Member>(renewed.body).identity_key = toy::key_of("new key");
  ASSERT_EQ(receive(toy::sign(renewed, toy::key_of("registry"))), std::nullopt);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::site), nullptr);
  EXPECT_EQ(receive(toy::site({.version = 2})), DropReason::wrong_signature);
  EXPECT_EQ(receive(toy::sign(toy::site_record({.version = 3}), toy::key_of("new key"))),
            std::nullopt);
}

TEST_F(GossipAcceptance, AMembersRenewalKeepsItsRecords) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({})), std::nullopt);
  ASSERT_EQ(receive(toy::member({.version = 2, .issued = 1'000ms}), 1s), std::nullopt);
  EXPECT_NE(gossip_.find(osaka, RecordKind::quote), nullptr);
}

TEST_F(GossipAcceptance, WhatHasEndedIsNotFoundAndIsForgottenButNeverComesBackOlder) {
  know_osaka();
  ASSERT_EQ(receive(toy::quote({.version = 5})), std::nullopt);
  gossip_.tick(at(14s));
  EXPECT_NE(gossip_.find(osaka, RecordKind::quote), nullptr);
  gossip_.tick(at(15s));
  EXPECT_EQ(gossip_.find(osaka, RecordKind::quote), nullptr);
  gossip_.tick(at(60s));
  EXPECT_EQ(receive(toy::quote({.version = 4, .issued = 59'000ms}), 61s), DropReason::old);
}

TEST_F(GossipAcceptance, AJumpOfTheClockForgetsNothingForGood) {
  know_osaka();
  Now far = at(1s);
  far.wall += 23h;  // the site record is over by then, the member record is not
  gossip_.tick(far);
  EXPECT_EQ(gossip_.find(osaka, RecordKind::site), nullptr);
  EXPECT_EQ(receive(toy::site({}), 2s), std::nullopt) << "the very same record may come again";
}

TEST_F(GossipAcceptance, AMemberWhoseRecordHasEndedIsUnknown) {
  know_osaka();
  const auto later = 24h + 1min;
  gossip_.tick(at(later));
  EXPECT_TRUE(gossip_.all(RecordKind::member).empty());
  EXPECT_EQ(receive(toy::site({.version = 2, .issued = later}), later), DropReason::unknown_member);
  EXPECT_EQ(receive(toy::member({.version = 2, .issued = later}), later), std::nullopt);
}

TEST_F(GossipAcceptance, HoldsNoMoreMembersThanItsLimit) {
  for (std::uint32_t i = 0; i < limits::sites_max; ++i) {
    const std::string name = "site-" + std::to_string(i);
    ASSERT_EQ(gossip_.publish(toy::member({.site = name, .number = i}), at(0s)).accepted.size(),
              1U);
  }
  EXPECT_EQ(receive(toy::member({.site = "one-more", .number = 99'999})),
            DropReason::too_many_members);
}

TEST_F(GossipAcceptance, EveryDropReasonHasAName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < drop_reasons_count; ++i) {
    names.insert(to_string(static_cast<DropReason>(i)));
  }
  EXPECT_EQ(names.size(), drop_reasons_count);
}

}  // namespace
}  // namespace tradewind
