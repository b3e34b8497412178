// The gossip exchange.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {
namespace {

// A record takes its signature and six words besides, so a frame cannot hold more than this.
constexpr std::size_t kRecordsMax = limits::frame_bytes_max / 64;
constexpr std::size_t kProofsMax = kRecordsMax / 2;

void read_members(capnp::List<std::uint32_t>::Reader from, std::vector<MemberNumber>& to) {
  read_numbers("gossip.quarantined", from, limits::sites_max, to);
  check_rising("gossip.quarantined", to, "has numbers that do not rise");
}

template <class Builder>
void put_members(Builder& to, const std::vector<MemberNumber>& from) {
  put_numbers(to, &Builder::initQuarantined, from, &MemberNumber::value);
}

}  // namespace

void write(schema::GossipMessage::Builder to, const GossipMessage& from) {
  to.setExchange(from.exchange);
  auto body = to.initBody();
  std::visit(
      Overloaded{[&](const GossipSyn& each) {
                   auto syn = body.initSyn();
                   write(syn.initDigests(), each.digests);
                   put_members(syn, each.quarantined);
                   put_numbers(syn, &schema::GossipSyn::Builder::initFingerprints,
                               each.fingerprints);
                 },
                 [&](const GossipSynAck& each) {
                   auto syn_ack = body.initSynAck();
                   put_list(syn_ack, &schema::GossipSynAck::Builder::initRecords, each.records);
                   write(syn_ack.initDigests(), each.digests);
                   write(syn_ack.initWants(), each.wants);
                   syn_ack.setDiffering(each.differing);
                   put_list(syn_ack, &schema::GossipSynAck::Builder::initProofs, each.proofs);
                   put_members(syn_ack, each.quarantined);
                 },
                 [&](const GossipAck& each) {
                   auto ack = body.initAck();
                   put_list(ack, &schema::GossipAck::Builder::initRecords, each.records);
                   write(ack.initWants(), each.wants);
                   put_list(ack, &schema::GossipAck::Builder::initProofs, each.proofs);
                 }},
      from.body);
}

void read(schema::GossipMessage::Reader from, GossipMessage& to) {
  using Which = schema::GossipMessage::Body;
  to.exchange = from.getExchange();
  const auto body = from.getBody();
  switch (body.which()) {
    case Which::SYN: {
      auto& syn = to.body.emplace<GossipSyn>();
      read(body.getSyn().getDigests(), syn.digests);
      read_numbers("gossip.fingerprints", body.getSyn().getFingerprints(), fingerprints_count,
                   syn.fingerprints);
      read_members(body.getSyn().getQuarantined(), syn.quarantined);
      break;
    }
    case Which::SYN_ACK: {
      auto& syn_ack = to.body.emplace<GossipSynAck>();
      read_list("gossip.records", body.getSynAck().getRecords(), kRecordsMax, syn_ack.records);
      read(body.getSynAck().getDigests(), syn_ack.digests);
      read(body.getSynAck().getWants(), syn_ack.wants);
      syn_ack.differing = body.getSynAck().getDiffering();
      read_list("gossip.proofs", body.getSynAck().getProofs(), kProofsMax, syn_ack.proofs);
      read_members(body.getSynAck().getQuarantined(), syn_ack.quarantined);
      break;
    }
    case Which::ACK: {
      auto& ack = to.body.emplace<GossipAck>();
      read_list("gossip.records", body.getAck().getRecords(), kRecordsMax, ack.records);
      read(body.getAck().getWants(), ack.wants);
      read_list("gossip.proofs", body.getAck().getProofs(), kProofsMax, ack.proofs);
      break;
    }
    default: unknown_kind("gossip message", static_cast<unsigned>(body.which()));
  }
}

}  // namespace codec

Bytes encode(const GossipMessage& message) {
  return codec::pack(codec::encode_message<schema::GossipMessage>(message));
}

Result<GossipMessage> decode_gossip(BytesView bytes) {
  constexpr std::string_view name = "gossip message";
  return codec::decode_either(name, bytes, limits::frame_bytes_max, [name](BytesView flat) {
    return codec::decode_value<schema::GossipMessage, GossipMessage>(name, flat,
                                                                     limits::frame_bytes_max);
  });
}

std::size_t packed_bytes(BytesView flat) {
  return codec::packed_bytes(flat);
}

}  // namespace tradewind
