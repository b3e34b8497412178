// The newest record of each (subject, kind), and the checks that a record passes to get in.
// No I/O, no clock; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/gossip/drop_reason.h"
#include "state/gossip/fingerprint.h"
#include "state/gossip/flow_control.h"

namespace tradewind {

// (public key, message, signature) -> good?
using VerifySignature = std::function<bool(BytesView key, BytesView message, BytesView signature)>;

// A record that was verified and taken.
struct Accepted {
  SignedRecord signed_record;
  Record record;
};

class RecordBook {
 public:
  // What is kept of one subject's records of one kind.
  struct Slot {
    std::unique_ptr<const Accepted> held;
    // The newest that was ever taken: an older one never comes back, even when `held` is gone.
    RecordVersion newest;
    bool capacity_fell = false;  // of a quote sheet, against the one before
    PaceLimit pace;
  };
  struct Entry {
    explicit Entry(NodeId subject);
    const Slot& slot(RecordKind kind) const { return slots[static_cast<std::size_t>(kind)]; }
    Slot& slot(RecordKind kind) { return slots[static_cast<std::size_t>(kind)]; }
    // The member record held; null when it is over.
    const Member* member() const;

    NodeId node;
    std::array<Slot, record_kinds_count> slots;
    // When the last of its member records that were taken ends: until then an earlier one could be
    // replayed, so the versions stay.
    Wall::time_point remembered_until{};
    // That it has signed two stories: while it is there, the subject's site record and quote sheets
    // are neither held nor taken. It goes when the registry gives the subject another identity key,
    // since it tells nothing of who has that one.
    std::unique_ptr<const Equivocation> proof;
    Bytes proof_key;  // which signed both
  };

  // What became of a record.
  struct Verdict {
    std::optional<DropReason> dropped;
    const Accepted* taken = nullptr;      // valid until the next call that changes the book
    bool matters = false;                 // taken, or a new proof, and worth an early round
    std::uint32_t verified = 0;           // signatures that were checked, whatever came of it
    const Equivocation* proof = nullptr;  // new, as its entry holds it
  };

  RecordBook(std::vector<Bytes> registry_keys, VerifySignature verify);

  // Checks the cheap things first: size, header, member, version, time, pace; only then the
  // signature, then the whole body. Versions are compared before verifying, so an old record costs
  // no cryptography. `sender_faults`, when given, is charged for each record that an honest relay
  // would not have passed on, and while it is used up nothing of that sender is looked at.
  Verdict consider(const SignedRecord& record, Now now, PaceLimit* sender_faults);

  // Lets go of the members whose record none of these keys signed, with all that is theirs.
  void set_registry_keys(std::vector<Bytes> keys);
  // A proof that somebody else has made. Whoever brings it is not trusted: it is taken when both
  // signatures are its subject's, whatever the records' times. One that comes from no peer, of a
  // member that is not known, waits for its record: after a start the clock may be behind it.
  Verdict consider(const Equivocation& proof, Now now, PaceLimit* sender_faults);

  // Lets go of what has been over for a while (a digest names an ended record a little longer, so
  // that a peer whose clock is behind does not send it again and again).
  void forget_ended(Wall::time_point now);

  const Entry* find(const NodeId& subject) const;
  const Entry* find(MemberNumber number) const;
  // Ordered by member number, as digests are.
  const std::map<MemberNumber, Entry*>& by_number() const { return by_number_; }
  // Ordered by node id.
  const std::map<NodeId, Entry>& entries() const { return entries_; }
  // Sums of the fingerprints of the member and site records held, by bucket.
  const Fingerprints& fingerprints(RecordKind kind) const {
    return fingerprints_[static_cast<std::size_t>(kind)];
  }
  // The members of whom a proof of equivocation is held.
  const std::set<MemberNumber>& quarantined() const { return quarantined_; }
  // Rises whenever a member comes, goes or changes its state or number.
  std::uint64_t membership_changes() const { return membership_changes_; }

 private:
  // The slot that a record with this header would go to, after the checks that need no signature.
  struct Place {
    std::optional<DropReason> dropped;
    Slot* slot = nullptr;             // null: a member that is not known yet
    const Member* subject = nullptr;  // null for member records
    bool same_version = false;        // as the one held, with other bytes
  };
  Place place_of(const RecordHeader& header, const SignedRecord& record, Now now);
  // By the subject or, for a member record, by a registry key.
  bool is_signed(const SignedRecord& record, const Member* subject) const;
  std::optional<DropReason> check_body(const Record& record, const Entry* entry) const;
  // Whether it matters.
  bool take(const SignedRecord& signed_record, Record record);
  bool take_member(Accepted accepted);
  bool take_site(Entry& entry, Accepted accepted);
  bool take_quote(Entry& entry, Accepted accepted);
  const Equivocation* quarantine(Entry& entry, Equivocation proof);
  // Every change of what a slot holds goes through these two.
  void hold(Entry& entry, Accepted accepted);
  void release(Entry& entry, RecordKind kind);

  std::vector<Bytes> registry_keys_;
  VerifySignature verify_;
  std::map<NodeId, Entry> entries_;  // nodes of a map stay where they are: by_number_ points there
  std::map<MemberNumber, Entry*> by_number_;
  std::set<MemberNumber> quarantined_;
  std::map<NodeId, Equivocation> proofs_kept_;  // until the member is known
  std::array<Fingerprints, record_kinds_count> fingerprints_{};
  std::uint64_t membership_changes_ = 0;
};

}  // namespace tradewind
