// Replication of signed records among the nodes of a federation: scuttlebutt push-pull, sans-IO.
// Sources: van Renesse et al., "Efficient Reconciliation and Flow Control for Anti-Entropy
// Protocols" (LADIS 2008).
//
// Reads no clock, does no I/O, draws randomness only from the generator it was given. One thread.
// There are no alive, suspect or dead messages: silence expires a record, and nobody is declared
// dead on another's word.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "schemas/gossip.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct GossipOptions {
  NodeId self;
  RegionId region;                              // own; peers of it are preferred, weight one half
  Bytes registry_key;                           // Ed25519 public key that signs member records
  std::chrono::milliseconds period{1000};       // between rounds, ± 10 %
  std::chrono::milliseconds early_period{200};  // while there is news and byte budget left
  std::uint32_t fanout = 2;                     // peers a round
  std::size_t bytes_per_message_max = 256 * 1024;  // of records in one message
  std::size_t bytes_per_second_max = 512 * 1024;   // sent, over all peers
  std::uint64_t seed = 1;
};

// Why a record was not taken. Each is counted.
enum class DropReason : std::uint16_t {
  malformed,
  oversized,
  unknown_member,
  revoked_member,
  wrong_signature,
  old,
  expired,
  from_future,
  too_long_valid,
  insane_values,
  over_ceiling,
  too_often,
  equivocation,
};
inline constexpr std::size_t drop_reasons_count = 13;
std::string_view to_string(DropReason reason);

// A record that was verified and taken.
struct Accepted {
  SignedRecord signed_record;
  Record record;
};

struct GossipOutput {
  struct Send {
    NodeId to;
    GossipMessage message;
  };
  std::vector<Accepted>
      accepted;  // in order; the caller tells its market view and keeps members' records durable
  std::vector<Send> sends;
};

struct GossipCounters {
  std::uint64_t rounds = 0;
  std::uint64_t bytes_sent = 0;  // of records and digests
  std::uint64_t bytes_received = 0;
  std::uint64_t verified = 0;  // signatures checked
  std::map<DropReason, std::uint64_t> dropped;
};

class Gossip {
 public:
  // (public key, message, signature) -> good?
  using Verify = std::function<bool(BytesView key, BytesView message, BytesView signature)>;

  Gossip(GossipOptions options, Verify verify);

  // A record of our own (already signed), a member record from the registry, or one kept from
  // before a restart. Subject to the same checks as a peer's.
  GossipOutput publish(const SignedRecord& record, Now now);
  // `from` is the sender as the link authenticated it.
  GossipOutput receive(const NodeId& from, const GossipMessage& message, Now now);
  // To be called when `next_tick` has come; may start a round.
  GossipOutput tick(Now now);
  Mono::time_point next_tick() const;

  // Who can be sent to right now; set by the shell when connections come and go. Seeds are tried
  // now and then even when silent.
  void set_peers(std::vector<NodeId> reachable, std::vector<NodeId> seeds);

  // Newest valid record held; nullptr when none.
  const Accepted* find(const NodeId& subject, RecordKind kind) const;
  std::vector<const Accepted*> all(RecordKind kind) const;
  // Round-trip to the peer by the exchanges: median of the last five; nothing before the first.
  std::optional<std::chrono::microseconds> round_trip(const NodeId& peer) const;
  const GossipCounters& counters() const;

 private:
  // The room's owner fills this in.
};

}  // namespace tradewind
