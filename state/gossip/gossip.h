// Replication of signed records among the nodes of a federation: scuttlebutt push-pull, sans-IO.
// Sources: van Renesse et al., "Efficient Reconciliation and Flow Control for Anti-Entropy
// Protocols" (LADIS 2008).
//
// Reads no clock, does no I/O, draws randomness only from the generator it was given. One thread.
// There are no alive, suspect or dead messages: silence expires a record, and nobody is declared
// dead on another's word.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/gossip.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/gossip/cells.h"
#include "state/gossip/digest.h"
#include "state/gossip/drop_reason.h"
#include "state/gossip/flow_control.h"
#include "state/gossip/peer_choice.h"
#include "state/gossip/random.h"
#include "state/gossip/record_book.h"
#include "state/gossip/round_trip.h"

namespace tradewind {

struct GossipOptions {
  NodeId self;
  RegionId region;                              // own; peers of it are preferred, weight one half
  std::vector<Bytes> registry_keys;             // Ed25519 public keys that sign member records
  std::chrono::milliseconds period{500};        // between rounds, ± 10 %
  std::chrono::milliseconds early_period{200};  // while there is news and byte budget left
  std::uint32_t fanout = 1;                     // peers a round
  std::uint32_t push_fanout = 4;                // peers that are sent news as it comes
  std::size_t bytes_per_message_max = 512 * 1024;  // of records in one message
  std::size_t bytes_per_second_max = 1024 * 1024;  // sent, over all peers; half of it to any one
  // Early rounds come only as long as less than this goes in and out, on average of the two, which
  // leaves the rest to the regular ones and to answers. In a federation whose regular rounds take
  // more there are none.
  std::size_t early_bytes_per_second_max = 100 * 1024;
  std::size_t early_bytes_per_second_max_in_cell = 16 * 1024;  // the same in a divided federation
  CellSizes cell_sizes;
  std::uint64_t seed = 1;
};

struct GossipOutput {
  struct Send {
    NodeId to;
    GossipMessage message;
  };
  std::vector<Accepted>
      accepted;  // in order; the caller tells its market view and keeps members' records durable
  std::vector<Send> sends;
  // New proofs that a member has signed two stories; in force after all of `accepted`.
  std::vector<Equivocation> proofs;
};

// Upper bounds of the ages that sheets are counted by, in milliseconds; the last class is beyond.
inline constexpr std::array<std::uint32_t, 6> sheet_ages_ms = {500,   1'000, 2'000,
                                                               4'000, 8'000, 16'000};

struct GossipCounters {
  std::uint64_t rounds = 0;
  std::uint64_t early_rounds = 0;  // of these, the ones that came before their period was over
  std::uint64_t pushes = 0;        // of news, each to `push_fanout` peers
  std::uint64_t bytes_sent = 0;    // of records and digests, about what they cost on the wire
  std::uint64_t bytes_received = 0;
  std::uint64_t records_received = 0;
  // Sheets taken by their age, from issued to taken: how far behind the market this node is.
  std::array<std::uint64_t, sheet_ages_ms.size() + 1> sheets_by_age{};
  std::uint64_t sheet_age_ms_sum = 0;
  std::uint64_t verified = 0;          // signatures checked
  std::uint64_t messages_refused = 0;  // whole: over a pace, a byte budget or a size, or of someone
                                       // revoked
  std::uint64_t messages_malformed = 0;
  std::map<DropReason, std::uint64_t> dropped;
};

class Gossip {
 public:
  // (public key, message, signature) -> good?
  using Verify = VerifySignature;

  Gossip(GossipOptions options, Verify verify);

  // A record of our own (already signed), a member record from the registry, one kept from before a
  // restart, or a quote sheet that came with a refusal. Subject to the same checks as a peer's, so
  // the order is: the member record of a subject, then its site record, then its quote sheet.
  GossipOutput publish(const SignedRecord& record, Now now);
  // A proof kept from before a restart; after the member record of its subject.
  GossipOutput publish(const Equivocation& proof, Now now);
  // `from` is the sender as the link authenticated it.
  GossipOutput receive(const NodeId& from, const GossipMessage& message, Now now);
  // A peer's message, on whatever channel, that could not be decoded.
  void malformed(const NodeId& from, Now now);
  // Whether its messages are worth decoding: not for a while, after too many malformed ones. No
  // connection of a peer to us can be closed, so that is what closing it comes to.
  bool hears(const NodeId& from, Now now);
  // To be called when `next_tick` has come; may start a round. Earlier calls do nothing.
  GossipOutput tick(Now now);
  // May move closer with each publish and receive. Before the first tick: at once.
  Mono::time_point next_tick() const;

  // Who can be sent to right now; set by the shell when connections come and go. Seeds are tried
  // now and then even when silent.
  void set_peers(std::vector<NodeId> reachable, std::vector<NodeId> seeds);

  // From now on these keys sign member records. Members whose record none of them signed are
  // forgotten with all that is theirs, until one comes that is.
  void set_registry_keys(std::vector<Bytes> keys);

  // Rises whenever a member comes, goes or changes its state or number; it goes when its record has
  // ended.
  std::uint64_t membership_changes() const { return book_.membership_changes(); }
  // Newest valid record held, as of the last call that was told the time; nullptr when none. Valid
  // until the next call that is not const.
  const Accepted* find(const NodeId& subject, RecordKind kind) const;
  // All of the kind, ordered by subject.
  std::vector<const Accepted*> all(RecordKind kind) const;
  // Whether a proof is held that it has signed two stories: nothing of it is held or taken then.
  bool is_quarantined(const NodeId& member) const;
  std::size_t quarantined_count() const { return book_.quarantined().size(); }
  // Round-trip to the peer by the exchanges: median of the last five; nothing before the first.
  std::optional<std::chrono::microseconds> round_trip(const NodeId& peer) const;
  // Round-trip to each region: median over the peers whose site record names it. Regions without a
  // measured peer are left out.
  std::map<RegionId, std::chrono::microseconds> round_trip_by_region() const;
  const GossipCounters& counters() const { return counters_; }

 private:
  // What is kept of one who sends to us or is sent to.
  struct PeerState {
    ByteBucket bytes;    // that we send to it
    PaceLimit messages;  // that it sends to us
    PaceLimit faults;    // records of it that no honest relay would pass on
    PaceLimit malformed;
    std::optional<Mono::time_point> heard_at;
  };

  void observe(Now now);
  PeerState* peer_state(const NodeId& node);  // null when too many are known already
  bool refuses(const NodeId& from, const PeerState& peer, const GossipMessage& message) const;
  // Of a record or of a proof; whether it is news that matters.
  template <class Item>
  bool consider(const Item& item, PaceLimit* sender_faults, GossipOutput& output);
  // Sends news on at once, as far as pace and early bytes allow; rounds bring it to the others.
  void push(std::vector<SignedRecord> news, const NodeId& from, GossipOutput& output);
  void count_age(const RecordHeader& sheet);
  // What is exchanged with the peer besides member records.
  const Scope& scope_with(const NodeId& peer);
  const Scope& scope_of(const Cell& cell);
  const Cells& cells();
  std::vector<NodeId> choose_peers();
  Selection selection();
  // A sheet of the version that the peer names too, by chance: should it hold another body of it,
  // it has the proof. Versions alone would never tell two stories apart that went to two audiences.
  const SignedRecord* probe_of(const Scope& scope, const std::vector<Digest>& named);
  // What a message carries besides records, in bytes: on the wire, and at most when not packed.
  struct Beside {
    std::size_t wire = 0;
    std::size_t flat = 0;
  };
  static Beside beside_of(std::size_t digests_count, std::size_t numbers_count);
  // As much of it as the budgets allow.
  std::vector<SignedRecord> fit(const Selection& selection, const PeerState& peer,
                                const Beside& beside) const;
  std::size_t budget_of(const PeerState& peer, const Beside& beside) const;
  // Of the proofs about members that the peer did not name, as many as the budgets allow, which
  // `beside` then counts.
  std::vector<Equivocation> proofs_for(const std::vector<MemberNumber>& named,
                                       const PeerState& peer, Beside& beside) const;
  std::vector<MemberNumber> quarantined() const;
  void send(const NodeId& to, PeerState& peer, GossipMessage message, GossipOutput& output);
  void answer(const NodeId& from, PeerState& peer, std::uint64_t exchange, const GossipSyn& syn,
              GossipOutput& output);
  void answer(const NodeId& from, PeerState& peer, std::uint64_t exchange,
              const GossipSynAck& syn_ack, GossipOutput& output);
  void answer(const NodeId& from, PeerState& peer, std::uint64_t exchange, const GossipAck& ack,
              GossipOutput& output);
  bool is_revoked(const NodeId& node) const;
  bool in_region(const NodeId& peer, const RegionId& region) const;
  bool is_silent(const NodeId& peer) const;
  bool in_force(const Accepted& accepted) const;

  GossipOptions options_;
  RecordBook book_;
  PeerChoice peers_;
  std::map<NodeId, PeerState> peer_states_;
  RoundTrips round_trips_;
  ByteBucket bytes_;
  ByteBucket early_bytes_;
  PaceLimit pushes_;
  Cells cells_;
  std::uint64_t cells_as_of_ = 0;  // of the book's membership changes
  std::map<std::pair<std::uint32_t, std::uint64_t>, Scope> scopes_;  // by cell, of those in use
  Scope whole_scope_;
  Random random_;
  GossipCounters counters_;
  Now last_;  // what the last call was told
  Mono::time_point last_round_{};
  Mono::time_point next_round_ = Mono::time_point::min();
  Mono::time_point next_forgetting_ = Mono::time_point::min();
  bool news_ = false;  // since the last round
};

}  // namespace tradewind
