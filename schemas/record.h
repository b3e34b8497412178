// Signed records: how members, site records and quote sheets travel. The owner signs the encoded
// bytes it sends; everybody verifies, keeps and forwards those bytes as they came and decodes a
// copy.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "schemas/ids.h"
#include "schemas/site.h"
#include "schemas/time.h"

namespace tradewind {

// DO NOT CHANGE THESE VALUES: they are on the wire and on disk.
enum class RecordKind : std::uint16_t { member = 0, site = 1, quote = 2 };
inline constexpr std::uint16_t record_kinds_count = 3;
std::string_view to_string(RecordKind kind);

// Newer is greater; the epoch rises with every start of a node, whatever became of its store, the
// version with every record.
struct RecordVersion {
  std::uint64_t epoch = 0;    // milliseconds since 1970 when the publisher started, or more
  std::uint64_t version = 0;  // from 1
  friend constexpr auto operator<=>(const RecordVersion&, const RecordVersion&) = default;
};

struct RecordHeader {
  RecordKind kind = RecordKind::quote;
  NodeId subject;         // whom the record speaks of
  MemberNumber member{};  // the subject's number, as in its member record
  RecordVersion version;
  Wall::time_point issued{};
  Wall::time_point valid_until{};
  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

enum class MemberState : std::uint16_t { active = 0, suspended = 1, revoked = 2 };
inline constexpr std::uint16_t member_states_count = 3;
std::string_view to_string(MemberState state);

// Signed by the federation's registry key: this node belongs to us, and these are its keys.
struct Member {
  NodeId node;
  MemberNumber number{};
  MemberState state = MemberState::active;
  Bytes identity_key;    // Ed25519 public key, 32 bytes
  Bytes curve_key;       // CURVE25519 public key, 32 bytes
  std::string endpoint;  // of brokers: where the link listens; sites say it in their site record
  std::uint32_t units_max =
      0;  // certified ceiling: a site may never claim more free units; 0: no ceiling
  std::string
      log_key;  // of brokers: the verifier key of its transparency log; empty: it keeps none
  std::uint64_t renewals = 0;  // of sites: how often the certificate was renewed
  Bytes former_curve_key{};    // good on links until the next renewal; 32 bytes, or empty: none
  // Of brokers: the newest trust record that it knows, for which others may ask it; 0: none.
  std::uint64_t trust_version = 0;
  bool locked = false;  // suspended because two seem to hold its key; an operator takes it back
  friend bool operator==(const Member&, const Member&) = default;
};

// Signed by the federation's registry key (member) or the subject's identity key (site, quote).
struct Record {
  RecordHeader header;
  std::variant<Member, SiteRecord, QuoteSheet> body;
  friend bool operator==(const Record&, const Record&) = default;
};

// What travels and what is stored: the encoded Record and the Ed25519 signature over exactly these
// bytes.
struct SignedRecord {
  Bytes body;
  Bytes signature;  // 64 bytes
  friend bool operator==(const SignedRecord&, const SignedRecord&) = default;
};

// Two records of one subject, kind and version with different bodies, both signed by the subject:
// the proof that it tells two stories. See header_of in codec.h.
struct Equivocation {
  SignedRecord first;  // of kind site or quote; the one whose body has the smaller bytes
  SignedRecord second;
  friend bool operator==(const Equivocation&, const Equivocation&) = default;
};

}  // namespace tradewind
