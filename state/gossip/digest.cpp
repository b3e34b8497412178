#include "state/gossip/digest.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

namespace tradewind {
namespace {

constexpr std::size_t record_framing_bytes = 64;

// What is sent first has the smaller value.
enum class Urgency : std::uint8_t {
  member_barred,
  member,
  unknown_site,
  changed_site,
  capacity_fell,
  stale,
};

struct Item {
  Urgency urgency = Urgency::stale;
  std::uint64_t freshness = 0;  // of what the peer has; 0: it has nothing
  std::uint32_t turn = 0;
  RecordKind kind = RecordKind::quote;
  const Accepted* accepted = nullptr;

  auto order() const { return std::tie(urgency, freshness, turn, kind); }
};

bool by_member_and_kind(const Digest& a, const Digest& b) {
  return std::tie(a.member, a.kind, b.version) < std::tie(b.member, b.kind, a.version);
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

Urgency urgency_of(const RecordBook::Slot& slot, const Record& record, bool site_known) {
  if (const auto* member = std::get_if<Member>(&record.body)) {
    return member->state == MemberState::active ? Urgency::member : Urgency::member_barred;
  }
  if (!site_known) return Urgency::unknown_site;
  if (record.header.kind == RecordKind::site) return Urgency::changed_site;
  return slot.capacity_fell ? Urgency::capacity_fell : Urgency::stale;
}

// The more versions behind, the staler; another epoch, or nothing, is staler than any.
std::uint64_t freshness_of(const RecordVersion* theirs, const RecordVersion& ours) {
  if (theirs == nullptr || theirs->epoch != ours.epoch) return 0;
  return std::numeric_limits<std::uint64_t>::max() - (ours.version - theirs->version);
}

}  // namespace

std::size_t record_bytes(const SignedRecord& record) {
  return record.body.size() + record.signature.size() + record_framing_bytes;
}

std::vector<Digest> digests_of(const RecordBook& book) {
  std::vector<Digest> digests;
  digests.reserve(book.by_number().size() * record_kinds_count);
  for (const auto& [number, entry] : book.by_number()) {
    for (const RecordBook::Slot& slot : entry->slots) {
      if (!slot.held) continue;
      const RecordHeader& header = slot.held->record.header;
      digests.push_back(Digest{number, header.kind, header.version});
    }
  }
  return digests;
}

std::vector<const Accepted*> lacking(const RecordBook& book, std::vector<Digest> theirs,
                                     Wall::time_point now, std::uint32_t rotation) {
  // Ours come sorted, a stranger's may come in any order and with repetitions.
  if (!std::is_sorted(theirs.begin(), theirs.end(), by_member_and_kind)) {
    std::sort(theirs.begin(), theirs.end(), by_member_and_kind);
  }
  std::vector<Item> items;
  auto next = theirs.cbegin();
  for (const auto& [number, entry] : book.by_number()) {
    const Claims claims = claims_of(number, next, theirs.cend());
    const bool site_known = claims[static_cast<std::size_t>(RecordKind::site)] != nullptr;
    for (const RecordBook::Slot& slot : entry->slots) {
      if (!slot.held || slot.held->record.header.valid_until <= now) continue;
      const RecordHeader& header = slot.held->record.header;
      const RecordVersion* version = claims[static_cast<std::size_t>(header.kind)];
      if (version != nullptr && *version >= header.version) continue;
      const Urgency urgency = urgency_of(slot, slot.held->record, site_known);
      // A newcomer gets each site's record and sheet side by side; only sheets go by staleness.
      const bool by_turn = urgency < Urgency::capacity_fell;
      items.push_back(Item{.urgency = urgency,
                           .freshness = by_turn ? 0 : freshness_of(version, header.version),
                           .turn = number.value - rotation,
                           .kind = header.kind,
                           .accepted = &*slot.held});
    }
  }
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.order() < b.order(); });
  std::vector<const Accepted*> result;
  result.reserve(items.size());
  for (const Item& each : items) result.push_back(each.accepted);
  return result;
}

std::vector<SignedRecord> fit(const std::vector<const Accepted*>& most_urgent_first,
                              std::size_t bytes_max, std::size_t frame_bytes_max) {
  std::vector<SignedRecord> result;
  std::size_t used = 0;
  for (const Accepted* each : most_urgent_first) {
    const std::size_t bytes = record_bytes(each->signed_record);
    const std::size_t bound =
        result.empty() ? frame_bytes_max : std::min(bytes_max, frame_bytes_max);
    if (used + bytes > bound) break;
    used += bytes;
    result.push_back(each->signed_record);
  }
  return result;
}

}  // namespace tradewind
