// The gossip exchange: syn -> syn-ack -> ack (-> ack), scuttlebutt push-pull over signed records.
// gossip.capnp says who sends what when.
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

// Buckets of member and site records; a record belongs to bucket `member number % 64`.
inline constexpr std::size_t fingerprints_count = 64;

struct GossipSyn {
  std::vector<Digest> digests;              // of the quote sheets that the sender holds
  std::vector<std::uint64_t> fingerprints;  // of the rest by bucket; what is missing is 0
  std::vector<MemberNumber> quarantined{};  // of whom it holds proofs; rising
  friend bool operator==(const GossipSyn&, const GossipSyn&) = default;
};
struct GossipSynAck {
  std::vector<SignedRecord> records;  // sheets that the syn's sender lacks, most urgent first
  std::vector<Digest> digests;        // of the member and site records in differing buckets
  std::vector<Digest> wants;    // of sheets named in the syn: the older version held here, or 0
  std::uint64_t differing = 0;  // buckets, a bit each
  std::vector<Equivocation> proofs{};       // about members that the syn did not name
  std::vector<MemberNumber> quarantined{};  // as in the syn
  friend bool operator==(const GossipSynAck&, const GossipSynAck&) = default;
};
struct GossipAck {
  std::vector<SignedRecord> records;
  std::vector<Digest> wants;           // of records named in the syn-ack, likewise
  std::vector<Equivocation> proofs{};  // about members that the syn-ack did not name
  friend bool operator==(const GossipAck&, const GossipAck&) = default;
};

struct GossipMessage {
  std::uint64_t exchange = 0;  // chosen by the syn's sender, echoed: measures the round trip
  std::variant<GossipSyn, GossipSynAck, GossipAck> body;
  friend bool operator==(const GossipMessage&, const GossipMessage&) = default;
};

}  // namespace tradewind
