#include "state/gossip/record_book.h"

#include <algorithm>
#include <utility>

#include "schemas/assert.h"
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/gossip/freshness.h"
#include "state/gossip/news.h"
#include "state/gossip/sanity.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t signature_bytes = 64;
constexpr auto ended_kept = 2 * limits::clock_skew_max;

// How often a subject may speak. Site and member records change rarely; the burst lets a member be
// corrected at once. A quote's burst is the site's own, and one for what a relay held back.
PaceLimit pace_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::member: return PaceLimit(1s, 16);
    case RecordKind::site: return PaceLimit(5s, 16);
    case RecordKind::quote:
      return PaceLimit(limits::publish_interval_min, limits::publish_burst + 1);
  }
  return PaceLimit(1s, 1);
}

template <class Body>
const Body* body_of(const std::unique_ptr<const Accepted>& held) {
  return held ? std::get_if<Body>(&held->record.body) : nullptr;
}

}  // namespace

RecordBook::Entry::Entry(NodeId subject)
    : node(std::move(subject)),
      slots{Slot{{}, {}, false, pace_of(RecordKind::member)},
            Slot{{}, {}, false, pace_of(RecordKind::site)},
            Slot{{}, {}, false, pace_of(RecordKind::quote)}} {}

const Member* RecordBook::Entry::member() const {
  return body_of<Member>(slot(RecordKind::member).held);
}

RecordBook::RecordBook(std::vector<Bytes> registry_keys, VerifySignature verify)
    : registry_keys_(std::move(registry_keys)), verify_(std::move(verify)) {
  TRADEWIND_ASSERT(verify_ != nullptr);
}

const RecordBook::Entry* RecordBook::find(const NodeId& subject) const {
  const auto place = entries_.find(subject);
  return place == entries_.end() ? nullptr : &place->second;
}

const RecordBook::Entry* RecordBook::find(MemberNumber number) const {
  const auto place = by_number_.find(number);
  return place == by_number_.end() ? nullptr : place->second;
}

RecordBook::Place RecordBook::place_of(const RecordHeader& header, const SignedRecord& record,
                                       Now now) {
  const auto dropped = [](DropReason reason) { return Place{.dropped = reason}; };
  const auto found = entries_.find(header.subject);
  Entry* entry = found == entries_.end() ? nullptr : &found->second;
  Place place;
  if (header.kind == RecordKind::member) {
    const Entry* namesake = find(header.member);
    if (namesake != nullptr && namesake->node != header.subject) {
      return dropped(DropReason::insane_values);
    }
    if (entry == nullptr) {
      if (entries_.size() >= limits::sites_max) return dropped(DropReason::too_many_members);
      place.dropped = check_freshness(header, now.wall);
      return place;
    }
  } else {
    place.subject = entry == nullptr ? nullptr : entry->member();
    if (place.subject == nullptr) return dropped(DropReason::unknown_member);
    if (place.subject->state == MemberState::revoked) return dropped(DropReason::revoked_member);
    if (entry->proof) return dropped(DropReason::quarantined);
    if (place.subject->number != header.member) return dropped(DropReason::insane_values);
    if (header.kind == RecordKind::quote && !entry->slot(RecordKind::site).held) {
      return dropped(DropReason::unknown_site);
    }
  }
  place.slot = &entry->slot(header.kind);
  if (header.version < place.slot->newest) return dropped(DropReason::old);
  if (place.slot->held && header.version == place.slot->held->record.header.version) {
    if (place.slot->held->signed_record.body == record.body) return dropped(DropReason::old);
    place.same_version = true;
  }
  place.dropped = check_freshness(header, now.wall);
  if (!place.dropped && !place.same_version && !place.slot->pace.allows(now.mono)) {
    place.dropped = DropReason::too_often;
  }
  return place;
}

RecordBook::Verdict RecordBook::consider(const SignedRecord& record, Now now,
                                         PaceLimit* sender_faults) {
  if (sender_faults != nullptr && !sender_faults->allows(now.mono)) {
    return Verdict{.dropped = DropReason::too_often};
  }
  const auto fault = [&](DropReason reason, std::uint32_t verified = 0) {
    if (sender_faults != nullptr) sender_faults->charge(now.mono);
    return Verdict{.dropped = reason, .verified = verified};
  };
  if (record.body.size() > limits::site_record_bytes_max) return fault(DropReason::oversized);
  if (record.signature.size() != signature_bytes) return fault(DropReason::malformed);
  const Result<RecordHeader> header = decode_record_header(record.body);
  if (!header) {
    const bool over = header.error().code == ErrorCode::too_large;
    return fault(over ? DropReason::oversized : DropReason::malformed);
  }
  if (record.body.size() > record_bytes_max(header->kind)) return fault(DropReason::oversized);

  const Place place = place_of(*header, record, now);
  // What comes from no peer is what this node knew before. Though it is over, or is yet to be
  // issued, nothing before it may come back, as when a broker starts while its clock is wrong.
  const bool is_off =
      place.dropped == DropReason::expired || place.dropped == DropReason::from_future;
  const bool was_known = sender_faults == nullptr && is_off && place.slot != nullptr &&
                         header->version > place.slot->newest;
  if (place.dropped && !was_known) return Verdict{.dropped = place.dropped};
  if (!is_signed(record, place.subject)) {
    return fault(DropReason::wrong_signature, 1);
  }
  if (was_known) {
    place.slot->newest = header->version;
    // Its own time is yet to come.
    if (place.dropped == DropReason::from_future && header->version.version > 0) {
      --place.slot->newest.version;
    }
    return Verdict{.dropped = place.dropped, .verified = 1};
  }
  if (place.same_version) {
    Verdict verdict;
    verdict.dropped = DropReason::equivocation;
    verdict.verified = 1;
    // Of member records the registry is the signer, and there is nobody to tell of it.
    if (header->kind == RecordKind::member) return verdict;
    Equivocation proof{place.slot->held->signed_record, record};
    if (proof.second.body < proof.first.body) std::swap(proof.first, proof.second);
    verdict.proof = quarantine(entries_.at(header->subject), std::move(proof));
    verdict.matters = true;
    return verdict;
  }
  // Only its owner can use up a subject's pace, since the signature is good by now; a forger could
  // otherwise keep a site's sheets out by sending false ones.
  if (place.slot != nullptr) place.slot->pace.charge(now.mono);

  // The codec bounds every value and holds the body against the header's kind, subject and number.
  Result<Record> whole = decode_record(record.body);
  if (!whole) return Verdict{.dropped = DropReason::insane_values, .verified = 1};
  if (const auto reason = check_body(*whole, find(header->subject))) {
    return Verdict{.dropped = reason, .verified = 1};
  }
  Verdict verdict;
  verdict.verified = 1;
  verdict.matters = take(record, std::move(*whole));
  verdict.taken = &*entries_.at(header->subject).slot(header->kind).held;
  if (auto kept = proofs_kept_.extract(header->subject)) {
    const Verdict proven = consider(kept.mapped(), now, nullptr);
    verdict.proof = proven.proof;
    verdict.verified += proven.verified;
    verdict.matters = verdict.matters || proven.matters;
  }
  return verdict;
}

RecordBook::Verdict RecordBook::consider(const Equivocation& proof, Now now,
                                         PaceLimit* sender_faults) {
  if (sender_faults != nullptr && !sender_faults->allows(now.mono)) {
    return Verdict{.dropped = DropReason::too_often};
  }
  const auto false_proof = [&](std::uint32_t verified) {
    if (sender_faults != nullptr) sender_faults->charge(now.mono);
    return Verdict{.dropped = DropReason::false_proof, .verified = verified};
  };
  const Result<RecordHeader> header = header_of(proof);
  if (!header || proof.second.body.size() > record_bytes_max(header->kind) ||
      proof.first.body.size() > record_bytes_max(header->kind)) {
    return false_proof(0);
  }
  const auto found = entries_.find(header->subject);
  const Member* member = found == entries_.end() ? nullptr : found->second.member();
  if (member == nullptr) {
    if (sender_faults == nullptr) proofs_kept_[header->subject] = proof;
    return Verdict{.dropped = DropReason::unknown_member};
  }
  if (member->state == MemberState::revoked) return Verdict{.dropped = DropReason::revoked_member};
  if (found->second.proof) return Verdict{.dropped = DropReason::old};
  std::uint32_t verified = 0;
  for (const SignedRecord* each : {&proof.first, &proof.second}) {
    ++verified;
    if (each->signature.size() != signature_bytes ||
        !verify_(member->identity_key, each->body, each->signature)) {
      return false_proof(verified);
    }
  }
  Verdict verdict;
  verdict.matters = true;
  verdict.verified = verified;
  verdict.proof = quarantine(found->second, proof);
  return verdict;
}

const Equivocation* RecordBook::quarantine(Entry& entry, Equivocation proof) {
  entry.proof = std::make_unique<const Equivocation>(std::move(proof));
  entry.proof_key = entry.member()->identity_key;
  quarantined_.insert(entry.member()->number);
  release(entry, RecordKind::site);
  release(entry, RecordKind::quote);
  return entry.proof.get();
}

bool RecordBook::is_signed(const SignedRecord& record, const Member* subject) const {
  if (subject != nullptr) return verify_(subject->identity_key, record.body, record.signature);
  return std::any_of(registry_keys_.begin(), registry_keys_.end(),
                     [&](const Bytes& key) { return verify_(key, record.body, record.signature); });
}

void RecordBook::set_registry_keys(std::vector<Bytes> keys) {
  if (keys == registry_keys_) return;
  registry_keys_ = std::move(keys);
  for (auto& [node, entry] : entries_) {
    const auto& member = entry.slot(RecordKind::member).held;
    if (!member || is_signed(member->signed_record, nullptr)) continue;
    ++membership_changes_;
    for (std::uint16_t i = 0; i < record_kinds_count; ++i) {
      release(entry, static_cast<RecordKind>(i));
    }
  }
}

std::optional<DropReason> RecordBook::check_body(const Record& record, const Entry* entry) const {
  const auto* sheet = std::get_if<QuoteSheet>(&record.body);
  if (sheet == nullptr) return std::nullopt;
  const auto* site = body_of<SiteRecord>(entry->slot(RecordKind::site).held);
  return check_quote(*sheet, *site, *entry->member());
}

bool RecordBook::take(const SignedRecord& signed_record, Record record) {
  const RecordKind kind = record.header.kind;
  Accepted accepted{signed_record, std::move(record)};
  if (kind == RecordKind::member) return take_member(std::move(accepted));
  Entry& entry = entries_.at(accepted.record.header.subject);
  return kind == RecordKind::site ? take_site(entry, std::move(accepted))
                                  : take_quote(entry, std::move(accepted));
}

bool RecordBook::take_member(Accepted accepted) {
  const NodeId node = accepted.record.header.subject;
  Entry& entry = entries_.try_emplace(node, node).first->second;
  const Member& member = std::get<Member>(accepted.record.body);
  const Member* before = entry.member();
  const bool matters = before == nullptr || *before != member;
  const bool signs_anew = before != nullptr && (before->identity_key != member.identity_key ||
                                                before->number != member.number);
  entry.remembered_until = std::max(entry.remembered_until, accepted.record.header.valid_until);
  const bool revoked = member.state == MemberState::revoked;
  if (before == nullptr || before->state != member.state || before->number != member.number) {
    ++membership_changes_;
  }
  // Whoever has another key has not signed what the proof holds.
  if (revoked || entry.proof_key != member.identity_key) entry.proof.reset();
  hold(entry, std::move(accepted));
  // A revoked member offers nothing; records under a former key or number convince nobody who comes
  // later. The versions stay, so that none of them returns.
  if (revoked || signs_anew) {
    release(entry, RecordKind::site);
    release(entry, RecordKind::quote);
  }
  return matters;
}

void RecordBook::hold(Entry& entry, Accepted accepted) {
  const RecordHeader& header = accepted.record.header;
  release(entry, header.kind);
  if (header.kind == RecordKind::member) {
    by_number_[header.member] = &entry;
    if (entry.proof) quarantined_.insert(header.member);
  }
  fingerprints_[static_cast<std::size_t>(header.kind)][bucket_of(header.member)] +=
      fingerprint(accepted.signed_record);
  Slot& slot = entry.slot(header.kind);
  slot.newest = header.version;
  slot.held = std::make_unique<const Accepted>(std::move(accepted));
}

void RecordBook::release(Entry& entry, RecordKind kind) {
  auto& held = entry.slot(kind).held;
  if (!held) return;
  const MemberNumber number = held->record.header.member;
  if (kind == RecordKind::member) {
    by_number_.erase(number);
    quarantined_.erase(number);
  }
  fingerprints_[static_cast<std::size_t>(kind)][bucket_of(number)] -=
      fingerprint(held->signed_record);
  held.reset();
}

bool RecordBook::take_site(Entry& entry, Accepted accepted) {
  Slot& slot = entry.slot(RecordKind::site);
  const auto* before = body_of<SiteRecord>(slot.held);
  const bool matters = before == nullptr || *before != std::get<SiteRecord>(accepted.record.body);
  hold(entry, std::move(accepted));
  return matters;
}

bool RecordBook::take_quote(Entry& entry, Accepted accepted) {
  Slot& slot = entry.slot(RecordKind::quote);
  const auto* before = body_of<QuoteSheet>(slot.held);
  const auto& sheet = std::get<QuoteSheet>(accepted.record.body);
  const bool matters = before == nullptr || quote_change_matters(*before, sheet);
  slot.capacity_fell = before != nullptr && capacity_fell(*before, sheet);
  hold(entry, std::move(accepted));
  return matters;
}

void RecordBook::forget_ended(Wall::time_point now) {
  for (auto place = entries_.begin(); place != entries_.end();) {
    Entry& entry = place->second;
    // Not now >= valid_until + ended_kept: a stated end near the end of time would overflow.
    const auto ended = [now](Wall::time_point end) { return now - ended_kept >= end; };
    const auto& member = entry.slot(RecordKind::member).held;
    const bool leaves = member && ended(member->record.header.valid_until);
    if (leaves) ++membership_changes_;
    for (std::uint16_t i = 0; i < record_kinds_count; ++i) {
      const auto kind = static_cast<RecordKind>(i);
      const auto& held = entry.slot(kind).held;
      if (held && (leaves || ended(held->record.header.valid_until))) release(entry, kind);
    }
    place = entry.member() == nullptr && ended(entry.remembered_until) ? entries_.erase(place)
                                                                       : std::next(place);
  }
}

}  // namespace tradewind
