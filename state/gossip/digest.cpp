#include "state/gossip/digest.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <tuple>

#include "schemas/codec.h"

namespace tradewind {
namespace {

constexpr std::size_t record_framing_bytes = 64;
constexpr std::size_t record_framing_wire_bytes = 12;

bool by_member_and_kind(const Digest& a, const Digest& b) {
  return std::tie(a.member, a.kind, b.version) < std::tie(b.member, b.kind, a.version);
}

// Ours come sorted, a stranger's may come in any order and with repetitions.
void sort(std::vector<Digest>& digests) {
  if (!std::is_sorted(digests.begin(), digests.end(), by_member_and_kind)) {
    std::sort(digests.begin(), digests.end(), by_member_and_kind);
  }
}

// The newest that a peer claims of one member, by kind; null where it claims none.
using Claims = std::array<const RecordVersion*, record_kinds_count>;

// Moves `next` past the digests of `member` and of those before it. Members come in rising order.
Claims claims_of(MemberNumber member, std::vector<Digest>::const_iterator& next,
                 std::vector<Digest>::const_iterator end) {
  Claims claims{};
  while (next != end && next->member < member) ++next;
  for (; next != end && next->member == member; ++next) {
    const auto kind = static_cast<std::size_t>(next->kind);
    if (kind < claims.size() && claims[kind] == nullptr) claims[kind] = &next->version;
  }
  return claims;
}

MemberNumber number_of(const RecordBook::Entry& entry) {
  return entry.slot(RecordKind::member).held->record.header.member;
}

bool in_buckets(MemberNumber member, std::uint64_t buckets) {
  return (buckets >> bucket_of(member) & 1U) != 0;
}

// The more versions behind, the staler; another epoch, or nothing, is staler than any.
std::uint64_t freshness_of(const RecordVersion* theirs, const RecordVersion& ours) {
  if (theirs == nullptr || theirs->epoch != ours.epoch) return 0;
  return std::numeric_limits<std::uint64_t>::max() - (ours.version - theirs->version);
}

void name(std::vector<Digest>& digests, const RecordBook::Entry& entry, RecordKind kind) {
  const auto& held = entry.slot(kind).held;
  if (held) digests.push_back(Digest{number_of(entry), kind, held->record.header.version});
}

// Whether records of this kind could be taken now.
bool takes(const RecordBook::Entry& entry, RecordKind kind) {
  if (kind == RecordKind::member) return true;
  if (entry.member()->state == MemberState::revoked || entry.proof) return false;
  return kind == RecordKind::site || entry.slot(RecordKind::site).held != nullptr;
}

}  // namespace

std::size_t record_bytes(const SignedRecord& record) {
  return record.body.size() + record.signature.size() + record_framing_bytes;
}

std::size_t record_wire_bytes(const SignedRecord& record) {
  return packed_bytes(record.body) + record.signature.size() + record_framing_wire_bytes;
}

std::vector<Digest> sheet_digests(const Scope& scope) {
  std::vector<Digest> digests;
  digests.reserve(scope.size());
  for (const RecordBook::Entry* each : scope) name(digests, *each, RecordKind::quote);
  return digests;
}

Fingerprints fingerprints_of(const RecordBook& book, const Scope& scope) {
  Fingerprints sums = book.fingerprints(RecordKind::member);
  if (scope.size() == book.by_number().size()) {
    const Fingerprints& sites = book.fingerprints(RecordKind::site);
    std::transform(sums.begin(), sums.end(), sites.begin(), sums.begin(), std::plus<>());
    return sums;
  }
  for (const RecordBook::Entry* each : scope) {
    const auto& held = each->slot(RecordKind::site).held;
    if (held) sums[bucket_of(number_of(*each))] += fingerprint(held->signed_record);
  }
  return sums;
}

std::vector<Digest> slow_digests(const RecordBook& book, const Scope& scope,
                                 std::uint64_t buckets) {
  std::vector<Digest> digests;
  if (buckets == 0) return digests;
  for (const auto& [number, entry] : book.by_number()) {
    if (in_buckets(number, buckets)) name(digests, *entry, RecordKind::member);
  }
  for (const RecordBook::Entry* each : scope) {
    if (in_buckets(number_of(*each), buckets)) name(digests, *each, RecordKind::site);
  }
  sort(digests);
  return digests;
}

std::vector<Digest> wanted_sheets(const Scope& scope, std::vector<Digest> named) {
  std::vector<Digest> wants;
  sort(named);
  auto next = named.cbegin();
  for (const RecordBook::Entry* each : scope) {
    const MemberNumber number = number_of(*each);
    const Claims claims = claims_of(number, next, named.cend());
    const RecordVersion* version = claims[static_cast<std::size_t>(RecordKind::quote)];
    const RecordVersion& newest = each->slot(RecordKind::quote).newest;
    if (version == nullptr || *version <= newest || !takes(*each, RecordKind::quote)) continue;
    wants.push_back(Digest{number, RecordKind::quote, newest});
  }
  return wants;
}

std::vector<Digest> wanted_slow(const RecordBook& book, const std::vector<Digest>& named) {
  std::vector<Digest> wants;
  for (const Digest& each : named) {
    if (each.kind == RecordKind::quote) continue;
    const RecordBook::Entry* entry = book.find(each.member);
    if (entry == nullptr) {
      // Its member record comes first, from whoever names the site.
      wants.push_back(Digest{each.member, each.kind, {}});
    } else if (takes(*entry, each.kind) && entry->slot(each.kind).newest < each.version) {
      wants.push_back(Digest{each.member, each.kind, entry->slot(each.kind).newest});
    }
  }
  return wants;
}

void Selection::add(const RecordBook::Entry& entry, RecordKind kind, const RecordVersion* theirs,
                    bool site_known) {
  const RecordBook::Slot& slot = entry.slot(kind);
  if (!slot.held || slot.held->record.header.valid_until <= now_) return;
  const RecordHeader& header = slot.held->record.header;
  if (theirs != nullptr && *theirs >= header.version) return;
  const auto urgency = [&] {
    using Urgency = Item::Urgency;
    if (const auto* member = std::get_if<Member>(&slot.held->record.body)) {
      return member->state == MemberState::active ? Urgency::member : Urgency::member_barred;
    }
    if (!site_known) return Urgency::unknown_site;
    if (kind == RecordKind::site) return Urgency::changed_site;
    return slot.capacity_fell ? Urgency::capacity_fell : Urgency::stale;
  }();
  // A newcomer gets each site's record and sheet side by side; only sheets go by staleness.
  const bool by_turn = urgency < Item::Urgency::capacity_fell;
  items_.push_back(Item{.urgency = urgency,
                        .freshness = by_turn ? 0 : freshness_of(theirs, header.version),
                        .turn = header.member.value - rotation_,
                        .kind = kind,
                        .accepted = slot.held.get()});
}

void Selection::add_sheets(const Scope& scope, std::vector<Digest> theirs,
                           std::uint64_t differing) {
  sort(theirs);
  auto next = theirs.cbegin();
  for (const RecordBook::Entry* each : scope) {
    const MemberNumber number = number_of(*each);
    const Claims claims = claims_of(number, next, theirs.cend());
    const RecordVersion* version = claims[static_cast<std::size_t>(RecordKind::quote)];
    if (version == nullptr && in_buckets(number, differing)) continue;
    add(*each, RecordKind::quote, version, true);
  }
}

void Selection::add_slow(const Scope& scope, std::vector<Digest> theirs, std::uint64_t buckets) {
  if (buckets == 0) return;
  sort(theirs);
  auto next = theirs.cbegin();
  auto in_scope = scope.begin();
  for (const auto& [number, entry] : book_.by_number()) {
    while (in_scope != scope.end() && number_of(**in_scope) < number) ++in_scope;
    if (!in_buckets(number, buckets)) continue;
    const Claims claims = claims_of(number, next, theirs.cend());
    add(*entry, RecordKind::member, claims[static_cast<std::size_t>(RecordKind::member)], true);
    if (in_scope == scope.end() || *in_scope != entry) continue;
    const RecordVersion* site = claims[static_cast<std::size_t>(RecordKind::site)];
    add(*entry, RecordKind::site, site, site != nullptr);
    if (site == nullptr) add(*entry, RecordKind::quote, nullptr, false);
  }
}

void Selection::add_wanted(const std::vector<Digest>& wants) {
  for (const Digest& each : wants) {
    const RecordBook::Entry* entry = book_.find(each.member);
    if (entry == nullptr) continue;
    const bool has_none = each.version == RecordVersion{};
    const bool unknown_site = has_none && each.kind == RecordKind::site;
    add(*entry, each.kind, has_none ? nullptr : &each.version, !unknown_site);
    if (unknown_site) add(*entry, RecordKind::quote, nullptr, false);
  }
}

std::vector<const Accepted*> Selection::in_order() const {
  // A stranger may have named a record twice, with two versions.
  const auto record = [](const Item& item) { return std::tie(item.turn, item.kind); };
  const auto order = [](const Item& item) {
    return std::tie(item.urgency, item.freshness, item.turn, item.kind);
  };
  std::vector<Item> items = items_;
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return record(a) != record(b) ? record(a) < record(b) : order(a) < order(b);
  });
  const auto end = std::unique(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return record(a) == record(b);
  });
  items.erase(end, items.end());
  std::sort(items.begin(), items.end(),
            [&order](const Item& a, const Item& b) { return order(a) < order(b); });
  std::vector<const Accepted*> result;
  result.reserve(items.size());
  for (const Item& each : items) result.push_back(each.accepted);
  return result;
}

std::vector<SignedRecord> Selection::fit(std::size_t wire_bytes_max,
                                         std::size_t frame_bytes_max) const {
  std::vector<SignedRecord> result;
  std::size_t wire_used = 0;
  std::size_t used = 0;
  for (const Accepted* each : in_order()) {
    const std::size_t wire_bytes = record_wire_bytes(each->signed_record);
    const std::size_t bytes = record_bytes(each->signed_record);
    if (used + bytes > frame_bytes_max) break;
    if (!result.empty() && wire_used + wire_bytes > wire_bytes_max) break;
    used += bytes;
    wire_used += wire_bytes;
    result.push_back(each->signed_record);
  }
  return result;
}

}  // namespace tradewind
