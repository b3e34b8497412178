// The gossip exchange.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {
namespace {

// A record takes its signature and six words besides, so a frame cannot hold more than this.
constexpr std::size_t kRecordsMax = limits::frame_bytes_max / 64;

}  // namespace

void write(schema::GossipMessage::Builder to, const GossipMessage& from) {
  to.setExchange(from.exchange);
  auto body = to.initBody();
  std::visit(
      Overloaded{[&](const GossipSyn& each) { write(body.initSyn().initDigests(), each.digests); },
                 [&](const GossipSynAck& each) {
                   auto syn_ack = body.initSynAck();
                   put_list(syn_ack, &schema::GossipSynAck::Builder::initRecords, each.records);
                   write(syn_ack.initDigests(), each.digests);
                 },
                 [&](const GossipAck& each) {
                   auto ack = body.initAck();
                   put_list(ack, &schema::GossipAck::Builder::initRecords, each.records);
                 }},
      from.body);
}

void read(schema::GossipMessage::Reader from, GossipMessage& to) {
  using Which = schema::GossipMessage::Body;
  to.exchange = from.getExchange();
  const auto body = from.getBody();
  switch (body.which()) {
    case Which::SYN: read(body.getSyn().getDigests(), to.body.emplace<GossipSyn>().digests); break;
    case Which::SYN_ACK: {
      auto& syn_ack = to.body.emplace<GossipSynAck>();
      read_list("gossip.records", body.getSynAck().getRecords(), kRecordsMax, syn_ack.records);
      read(body.getSynAck().getDigests(), syn_ack.digests);
      break;
    }
    case Which::ACK:
      read_list("gossip.records", body.getAck().getRecords(), kRecordsMax,
                to.body.emplace<GossipAck>().records);
      break;
    default: unknown_kind("gossip message", static_cast<unsigned>(body.which()));
  }
}

}  // namespace codec

Bytes encode(const GossipMessage& message) {
  return codec::encode_message<schema::GossipMessage>(message);
}

Result<GossipMessage> decode_gossip(BytesView bytes) {
  return codec::decode_value<schema::GossipMessage, GossipMessage>("gossip message", bytes,
                                                                   limits::frame_bytes_max);
}

}  // namespace tradewind
