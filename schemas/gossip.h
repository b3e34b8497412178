// The gossip exchange: syn -> syn-ack -> ack, scuttlebutt push-pull over signed records.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "schemas/record.h"

namespace tradewind {

// "The newest I hold of this member's records of this kind."
struct Digest {
  MemberNumber member{};
  RecordKind kind = RecordKind::quote;
  RecordVersion version;
  friend bool operator==(const Digest&, const Digest&) = default;
};

struct GossipSyn {
  std::vector<Digest> digests;  // everything the sender holds
  friend bool operator==(const GossipSyn&, const GossipSyn&) = default;
};
struct GossipSynAck {
  std::vector<SignedRecord>
      records;  // what the syn's sender lacks, most urgent first, within the byte budget
  std::vector<Digest> digests;
  friend bool operator==(const GossipSynAck&, const GossipSynAck&) = default;
};
struct GossipAck {
  std::vector<SignedRecord> records;
  friend bool operator==(const GossipAck&, const GossipAck&) = default;
};

struct GossipMessage {
  std::uint64_t exchange = 0;  // chosen by the syn's sender, echoed: measures the round trip
  std::variant<GossipSyn, GossipSynAck, GossipAck> body;
  friend bool operator==(const GossipMessage&, const GossipMessage&) = default;
};

}  // namespace tradewind
