// Rounds, exchanges and their bounds, between two nodes or one node and a stranger.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "schemas/codec.h"
#include "schemas/ids.h"
#include "schemas/limits.h"
#include "state/gossip/digest.h"
#include "state/gossip/gossip.h"
#include "tests/unit/gossip/toy_records.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using toy::at;

const NodeId a = site_node(SiteId{"jp-osaka-1"});
const NodeId b = broker_node("eu-1");

GossipOptions options(const NodeId& self) {
  GossipOptions result;
  result.self = self;
  result.region = RegionId{"jp-osaka"};
  result.registry_keys = {toy::key_of("registry")};
  result.period = 1s;
  return result;
}

// An ack that asks for the sites s1 to s<count>, as one does who knows nothing of them.
GossipMessage wants_sites(std::uint32_t count) {
  GossipAck ack;
  for (std::uint32_t number = 1; number <= count; ++number) {
    ack.wants.push_back(Digest{MemberNumber{number}, RecordKind::member, {}});
    ack.wants.push_back(Digest{MemberNumber{number}, RecordKind::site, {}});
  }
  return GossipMessage{1, std::move(ack)};
}

void publish_site(Gossip& gossip, std::string_view name, std::uint32_t number,
                  std::string_view region = "jp-osaka") {
  ASSERT_EQ(gossip.publish(toy::member({.site = name, .number = number}), at(0s)).accepted.size(),
            1U);
  ASSERT_EQ(
      gossip.publish(toy::site({.site = name, .number = number}, region), at(0s)).accepted.size(),
      1U);
  ASSERT_EQ(gossip.publish(toy::quote({.site = name, .number = number}), at(0s)).accepted.size(),
            1U);
}

const std::vector<SignedRecord>& records_of(const GossipMessage& message) {
  if (const auto* ack = std::get_if<GossipAck>(&message.body)) return ack->records;
  return std::get<GossipSynAck>(message.body).records;
}

class GossipExchange : public testing::Test {
 protected:
  void SetUp() override {
    first_.set_peers({b}, {});
    second_.set_peers({a}, {});
  }
  // One round of `first_`, delivered whole, each message taking `delay`; returns the kinds seen.
  std::string exchange(Mono::duration start, Mono::duration delay = 10ms) {
    std::string seen;
    std::deque<GossipOutput::Send> queue;
    const auto enqueue = [&queue](GossipOutput output) {
      for (auto& each : output.sends) queue.push_back(std::move(each));
    };
    enqueue(first_.tick(at(start)));
    Mono::duration now = start;
    while (!queue.empty()) {
      const GossipOutput::Send next = std::move(queue.front());
      queue.pop_front();
      now += delay;
      seen += "sSa"[next.message.body.index()];
      enqueue(next.to == a ? first_.receive(b, next.message, at(now))
                           : second_.receive(a, next.message, at(now)));
    }
    return seen;
  }

  Gossip first_{options(a), toy::verify};
  Gossip second_{options(b), toy::verify};
};

TEST_F(GossipExchange, AProofReachesWhoLacksItEitherWayAndGoesOnce) {
  publish_site(first_, "de-1", 1);
  publish_site(first_, "fr-1", 2);
  exchange(0s);
  const auto proof = [](std::string_view site, std::uint32_t number) {
    const toy::Stamp stamp{.site = site, .number = number};
    Equivocation two{toy::quote(stamp, 50), toy::quote(stamp, 60)};
    if (two.second.body < two.first.body) std::swap(two.first, two.second);
    return two;
  };
  ASSERT_EQ(first_.publish(proof("de-1", 1), at(1s)).proofs.size(), 1U);
  ASSERT_EQ(second_.publish(proof("fr-1", 2), at(1s)).proofs.size(), 1U);
  exchange(2s);
  for (const Gossip* each : {&first_, &second_}) {
    EXPECT_TRUE(each->is_quarantined(site_node(SiteId{"de-1"})));
    EXPECT_TRUE(each->is_quarantined(site_node(SiteId{"fr-1"})));
  }
  exchange(4s);
  EXPECT_EQ(first_.counters().dropped.count(DropReason::old), 0U) << "who has it is sent none";
  EXPECT_EQ(second_.counters().dropped.count(DropReason::old), 0U);
}

TEST_F(GossipExchange, BringsBothSidesAllTheyLackInFourMessagesAndSheetsInThree) {
  publish_site(first_, "jp-osaka-1", 1);
  publish_site(second_, "us-west-1", 2);
  EXPECT_EQ(exchange(0s), "sSaa");
  for (const RecordKind kind : {RecordKind::member, RecordKind::site, RecordKind::quote}) {
    EXPECT_EQ(first_.all(kind).size(), 2U);
    EXPECT_EQ(second_.all(kind).size(), 2U);
  }
  EXPECT_EQ(exchange(5s), "sS") << "nothing to acknowledge any more";
  first_.publish(toy::quote({.number = 1, .version = 2}), at(6s));
  second_.publish(toy::quote({.site = "us-west-1", .number = 2, .version = 2}), at(6s));
  EXPECT_EQ(exchange(7s), "sSa");
  EXPECT_EQ(
      first_.find(site_node(SiteId{"us-west-1"}), RecordKind::quote)->record.header.version.version,
      2U);
  EXPECT_EQ(second_.find(a, RecordKind::quote)->record.header.version.version, 2U);
}

TEST_F(GossipExchange, HandsOverTheAcceptedInOrderWithTheirBytes) {
  publish_site(first_, "jp-osaka-1", 1);
  const GossipOutput syn = first_.tick(at(0s));
  ASSERT_EQ(syn.sends.size(), 1U);
  const GossipOutput syn_ack = second_.receive(a, syn.sends[0].message, at(0s));
  const GossipOutput ack = first_.receive(b, syn_ack.sends.at(0).message, at(0s));
  const GossipOutput end = second_.receive(a, ack.sends.at(0).message, at(0s));
  ASSERT_EQ(end.accepted.size(), 3U);
  EXPECT_EQ(end.accepted[0].record.header.kind, RecordKind::member);
  EXPECT_EQ(end.accepted[1].record.header.kind, RecordKind::site);
  EXPECT_EQ(end.accepted[2].record.header.kind, RecordKind::quote);
  EXPECT_EQ(end.accepted[2].signed_record, toy::quote({.number = 1}));
  EXPECT_TRUE(end.sends.empty());
}

TEST_F(GossipExchange, OnlyTheNewestVersionIsEverSent) {
  publish_site(first_, "jp-osaka-1", 1);
  for (std::uint64_t version = 2; version <= 4; ++version) {
    first_.publish(toy::quote({.number = 1, .version = version}), at(0s));
  }
  exchange(0s);
  const Accepted* held = second_.find(a, RecordKind::quote);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->record.header.version.version, 4U);
  EXPECT_EQ(second_.counters().dropped.count(DropReason::old), 0U);
}

TEST_F(GossipExchange, KeepsToItsMessageBudgetAndCatchesUpInLaterRounds) {
  GossipOptions small = options(a);
  small.bytes_per_message_max = 2'000;
  Gossip giver(small, toy::verify);
  for (std::uint32_t i = 1; i <= 20; ++i) publish_site(giver, "s" + std::to_string(i), i);
  int rounds = 0;
  while (second_.all(RecordKind::quote).size() < 20 && rounds < 50) {
    const Now now = at(++rounds * 250ms);
    const GossipOutput asked = second_.tick(now);
    ASSERT_EQ(asked.sends.size(), 1U) << "news bring the next round forward";
    const GossipOutput named = giver.receive(b, asked.sends[0].message, now);
    ASSERT_EQ(named.sends.size(), 1U);
    const GossipOutput wanting = second_.receive(a, named.sends[0].message, now);
    if (wanting.sends.empty()) continue;
    const GossipOutput given = giver.receive(b, wanting.sends[0].message, now);
    ASSERT_EQ(given.sends.size(), 1U);
    std::size_t bytes = 0;
    for (const SignedRecord& each : records_of(given.sends[0].message)) {
      bytes += record_wire_bytes(each);
    }
    ASSERT_LE(bytes, 2'000U);
    second_.receive(a, given.sends[0].message, now);
  }
  EXPECT_EQ(second_.all(RecordKind::quote).size(), 20U);
  EXPECT_GT(rounds, 5);
}

TEST_F(GossipExchange, NoFloodOfWantsDrawsMoreThanTheByteBudget) {
  GossipOptions small = options(a);
  small.bytes_per_second_max = 20'000;
  Gossip giver(small, toy::verify);
  for (std::uint32_t i = 1; i <= 20; ++i) publish_site(giver, "s" + std::to_string(i), i);
  std::size_t largest = 0;
  for (int ms = 0; ms < 10'000; ms += 5) {
    const auto before = giver.counters().bytes_sent;
    giver.receive(b, wants_sites(20), at(std::chrono::milliseconds(ms)));
    largest = std::max<std::size_t>(largest, giver.counters().bytes_sent - before);
  }
  // Half of the budget to any one peer, a second's worth at once, and one message of overdraft.
  EXPECT_LE(giver.counters().bytes_sent, 10'000U * 11 + largest);
  EXPECT_GE(giver.counters().bytes_sent, 10'000U * 9) << "and no less than that";
  EXPECT_GT(giver.counters().messages_refused, 1'000U);
}

TEST_F(GossipExchange, OnePeersFloodDoesNotSilenceTheOthers) {
  publish_site(first_, "jp-osaka-1", 1);
  for (int i = 0; i < 1'000; ++i) first_.receive(b, GossipMessage{1, GossipSyn{}}, at(0s));
  EXPECT_GE(first_.counters().messages_refused, 800U);
  const GossipOutput other =
      first_.receive(broker_node("us-1"), GossipMessage{1, GossipSyn{}}, at(0s));
  EXPECT_EQ(other.sends.size(), 1U);
}

TEST_F(GossipExchange, RefusesMessagesLargerThanAnyFrame) {
  std::vector<SignedRecord> records(20, SignedRecord{Bytes(60'000, 'x'), Bytes(64, 'x')});
  EXPECT_TRUE(
      first_.receive(b, GossipMessage{1, GossipAck{records, {}, {}}}, at(0s)).accepted.empty());
  EXPECT_EQ(first_.counters().messages_refused, 1U);
  EXPECT_TRUE(first_.counters().dropped.empty()) << "not even looked at";
  GossipSyn vast;
  vast.digests.resize(limits::digests_max + 1);
  EXPECT_TRUE(first_.receive(b, GossipMessage{1, vast}, at(0s)).sends.empty());
  EXPECT_EQ(first_.counters().messages_refused, 2U);
}

TEST_F(GossipExchange, AnInventedOrRepeatedSynAckDrawsNoRecords) {
  publish_site(first_, "jp-osaka-1", 1);
  EXPECT_TRUE(first_.receive(b, GossipMessage{77, GossipSynAck{}}, at(0s)).sends.empty());
  const GossipOutput syn = first_.tick(at(0s));
  GossipSynAck lacking;
  lacking.differing = ~std::uint64_t{0};
  const GossipMessage answer{syn.sends.at(0).message.exchange, lacking};
  EXPECT_TRUE(first_.receive(broker_node("us-1"), answer, at(1ms)).sends.empty())
      << "another peer than the one asked";
  EXPECT_EQ(first_.receive(b, answer, at(2ms)).sends.size(), 1U);
  EXPECT_TRUE(first_.receive(b, answer, at(3ms)).sends.empty());
}

TEST_F(GossipExchange, EveryMessageFitsItsFrameWhenEncoded) {
  for (std::uint32_t i = 1; i <= 60; ++i) publish_site(first_, "s" + std::to_string(i), i);
  const GossipOutput syn = first_.tick(at(0s));
  EXPECT_LE(encode(syn.sends.at(0).message).size(),
            60U * digest_bytes + fingerprints_count * 9 + 256);
  const GossipOutput reply = first_.receive(b, wants_sites(60), at(0s));
  EXPECT_EQ(records_of(reply.sends.at(0).message).size(), 180U);
  const Bytes bytes = encode(reply.sends.at(0).message);
  EXPECT_LE(bytes.size(), limits::frame_bytes_max);
  const auto decoded = decode_gossip(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, reply.sends[0].message);
}

TEST_F(GossipExchange, MeasuresRoundTripsToPeersAndRegions) {
  publish_site(second_, "us-west-1", 2, "us-west");
  EXPECT_EQ(first_.round_trip(b), std::nullopt);
  for (int round = 0; round < 7; ++round) {
    exchange(round * 2s, std::chrono::milliseconds(10 + round));
  }
  EXPECT_EQ(first_.round_trip(b), 28ms) << "12, 13, 14, 15, 16 there and back";
  EXPECT_TRUE(first_.round_trip_by_region().empty()) << "a broker has no region";

  const NodeId west = site_node(SiteId{"us-west-1"});
  first_.set_peers({west}, {});
  const GossipOutput syn = first_.tick(at(20s));
  ASSERT_EQ(syn.sends.at(0).to, west);
  first_.receive(west, GossipMessage{syn.sends[0].message.exchange, GossipSynAck{}},
                 at(20s + 80ms));
  const auto by_region = first_.round_trip_by_region();
  ASSERT_EQ(by_region.size(), 1U);
  EXPECT_EQ(by_region.at(RegionId{"us-west"}), 80ms);
}

TEST_F(GossipExchange, RoundsComeEachPeriodGiveOrTakeATenth) {
  EXPECT_LE(first_.next_tick(), at(0s).mono) << "the first at once";
  std::set<Mono::duration> gaps;
  Mono::time_point now = at(0s).mono;
  for (int round = 0; round < 100; ++round) {
    first_.tick(at(now.time_since_epoch()));
    const auto gap = first_.next_tick() - now;
    EXPECT_GE(gap, 900ms);
    EXPECT_LE(gap, 1'100ms);
    gaps.insert(gap);
    EXPECT_TRUE(first_.tick(at((now + gap - 1us).time_since_epoch())).sends.empty());
    now += gap;
  }
  EXPECT_GT(gaps.size(), 50U) << "jittered";
  EXPECT_EQ(first_.counters().rounds, 100U);
}

TEST_F(GossipExchange, NewsThatMattersBringsTheRoundForwardAndOtherNewsDoesNot) {
  publish_site(first_, "jp-osaka-1", 1);
  first_.tick(at(0s));
  const auto brings_forward = [this](const SignedRecord& record, std::chrono::milliseconds now) {
    first_.publish(record, at(now));
    return first_.next_tick() <= at(now + 200ms).mono;
  };
  EXPECT_FALSE(brings_forward(toy::quote({.number = 1, .version = 2}, 49), 50ms)) << "2 %";
  EXPECT_TRUE(brings_forward(toy::quote({.number = 1, .version = 3}, 40), 60ms));
  EXPECT_EQ(first_.next_tick(), at(200ms).mono) << "but not sooner than the early period";
  first_.tick(at(200ms));
  EXPECT_EQ(first_.counters().early_rounds, 1U);
  EXPECT_GE(first_.next_tick(), at(1'100ms).mono) << "once told, it is no news any more";
  EXPECT_TRUE(brings_forward(toy::site({.number = 1, .version = 2}, "jp-tokyo"), 300ms));
  first_.tick(at(400ms));
  EXPECT_TRUE(
      brings_forward(toy::member({.number = 1, .version = 2}, MemberState::revoked), 500ms));
}

TEST_F(GossipExchange, AChangeIsPassedOnAsItComesAndManyAtATimeAreLeftToTheRounds) {
  Gossip gossip(options(a), toy::verify);
  publish_site(gossip, "s1", 1);
  publish_site(gossip, "s2", 2);
  std::vector<NodeId> peers;
  for (int i = 0; i < 10; ++i) peers.push_back(broker_node("b" + std::to_string(i)));
  gossip.set_peers(peers, {});
  const auto told = [](const GossipOutput& output, const SignedRecord& record) {
    std::set<NodeId> found;
    for (const auto& each : output.sends) {
      const auto* push = std::get_if<GossipAck>(&each.message.body);
      if (push == nullptr) continue;
      EXPECT_EQ(push->records, std::vector<SignedRecord>{record});
      found.insert(each.to);
    }
    return found;
  };
  const SignedRecord own = toy::quote({.site = "s1", .number = 1, .version = 2}, 10);
  EXPECT_EQ(told(gossip.publish(own, at(1s)), own).size(), 4U);
  const SignedRecord dull = toy::quote({.site = "s2", .number = 2, .version = 2}, 50);
  EXPECT_TRUE(told(gossip.publish(dull, at(1s)), dull).empty()) << "nothing has changed";
  const SignedRecord other = toy::quote({.site = "s2", .number = 2, .version = 3}, 10);
  const GossipMessage message{0, GossipAck{{other}, {}}};
  const auto passed_on = told(gossip.receive(peers[3], message, at(2s)), other);
  EXPECT_EQ(passed_on.size(), 4U);
  EXPECT_FALSE(passed_on.contains(peers[3])) << "it has told us";
  EXPECT_TRUE(told(gossip.receive(peers[4], message, at(2s)), other).empty()) << "known already";

  std::size_t pushes = 0;
  for (std::uint32_t number = 10; number < 60; ++number) {
    const std::string name = "s" + std::to_string(number);
    const SignedRecord member = toy::member({.site = name, .number = number});
    pushes += told(gossip.publish(member, at(3s)), member).empty() ? 0 : 1;
  }
  EXPECT_LE(pushes, 8U);
}

TEST_F(GossipExchange, EarlyRoundsWaitUntilHalfOfTheByteBudgetIsThere) {
  GossipOptions small = options(a);
  small.early_bytes_per_second_max = 4'000;
  Gossip gossip(small, toy::verify);
  gossip.set_peers({b}, {});
  for (std::uint32_t i = 1; i <= 20; ++i) publish_site(gossip, "s" + std::to_string(i), i);
  gossip.tick(at(0s));
  for (const NodeId& each : {b, broker_node("us-1")}) {
    gossip.receive(each, wants_sites(20), at(10ms));
  }
  gossip.publish(toy::quote({.site = "s1", .number = 1, .version = 2}, 1), at(20ms));
  EXPECT_GT(gossip.next_tick(), at(200ms).mono);
  EXPECT_LE(gossip.next_tick(), at(1'100ms).mono) << "the regular round is not delayed";
}

TEST_F(GossipExchange, ARecordThatPassedOnceIsTakenOverFromADurableStoreAgain) {
  publish_site(first_, "jp-osaka-1", 1);
  exchange(0s);
  Gossip restarted(options(b), toy::verify);
  for (const RecordKind kind : {RecordKind::member, RecordKind::site}) {
    for (const Accepted* each : second_.all(kind)) {
      EXPECT_EQ(restarted.publish(each->signed_record, at(1s)).accepted.size(), 1U);
    }
  }
  EXPECT_EQ(restarted.all(RecordKind::site).size(), 1U);
}

}  // namespace
}  // namespace tradewind
