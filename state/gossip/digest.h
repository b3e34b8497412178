// Digests: what is held, what a peer lacks by its own digests and wants, and which of that goes
// first.
#pragma once

#include <cstdint>
#include <vector>

#include "schemas/gossip.h"
#include "schemas/time.h"
#include "state/gossip/fingerprint.h"
#include "state/gossip/record_book.h"

namespace tradewind {

// What a digest costs on the wire, in bytes: as a rule, for byte budgets, and at most, for the
// bound of a frame. (gossip.capnp says how they are packed.)
inline constexpr std::size_t digest_bytes = 10;
inline constexpr std::size_t digest_bytes_max = 26;
// At most what a record takes in a message that is not packed, framing included.
std::size_t record_bytes(const SignedRecord& record);
// About what it costs on the wire, for byte budgets.
std::size_t record_wire_bytes(const SignedRecord& record);

// Whose site records and sheets two nodes exchange: entries of a book by rising member number, each
// with a member record held. Member records are everybody's and not bound to it.
using Scope = std::vector<const RecordBook::Entry*>;

// One for each sheet held, by rising member number.
std::vector<Digest> sheet_digests(const Scope& scope);
// Of all member records and the site records of the scope.
Fingerprints fingerprints_of(const RecordBook& book, const Scope& scope);
// One for each of these whose bucket's bit is set, by rising member number and kind.
std::vector<Digest> slow_digests(const RecordBook& book, const Scope& scope, std::uint64_t buckets);

// Which of the sheets that a peer names this node would take: newer than any it had, of a site in
// the scope that is not revoked and whose record is held. Each with the newest version it had.
std::vector<Digest> wanted_sheets(const Scope& scope, std::vector<Digest> named);
// Which of the member and site records, likewise; of members that are not known too.
std::vector<Digest> wanted_slow(const RecordBook& book, const std::vector<Digest>& named);

// Records in force that a peer is to get. They come out most urgent first: members (revoked and
// suspended before the rest), sites that it does not know (site record, then sheet), changed site
// records, sheets whose capacity fell, then the longest stale. Among equals the order begins at a
// place that `rotation` names, so that two peers who serve the same newcomer do not send it the
// same half.
class Selection {
 public:
  // The book must outlive the selection unchanged.
  Selection(const RecordBook& book, Wall::time_point now, std::uint32_t rotation)
      : book_(book), now_(now), rotation_(rotation) {}

  // Sheets newer than in `theirs`. Sheets that it does not name go only where the slow records
  // agree: in a `differing` bucket their site may be unknown there, and then they come along with
  // it.
  void add_sheets(const Scope& scope, std::vector<Digest> theirs, std::uint64_t differing);
  // Slow records of these buckets that are newer than in `theirs` or not named there.
  void add_slow(const Scope& scope, std::vector<Digest> theirs, std::uint64_t buckets);
  // What a peer asked for, where it is newer than the version in the want.
  void add_wanted(const std::vector<Digest>& wants);

  // As many of the most urgent as fit into `wire_bytes_max`, at least one if there is any and it
  // fits into `frame_bytes_max`, which counts bytes that are not packed. Nothing less urgent
  // overtakes a record that does not fit.
  std::vector<SignedRecord> fit(std::size_t wire_bytes_max, std::size_t frame_bytes_max) const;
  // Most urgent first, none twice.
  std::vector<const Accepted*> in_order() const;

 private:
  // What is sent first has the smaller values.
  struct Item {
    enum class Urgency : std::uint8_t {
      member_barred,
      member,
      unknown_site,
      changed_site,
      capacity_fell,
      stale,
    };
    Urgency urgency = Urgency::stale;
    std::uint64_t freshness = 0;  // of what the peer has; 0: it has nothing
    std::uint32_t turn = 0;
    RecordKind kind = RecordKind::quote;
    const Accepted* accepted = nullptr;
  };
  void add(const RecordBook::Entry& entry, RecordKind kind, const RecordVersion* theirs,
           bool site_known);

  const RecordBook& book_;
  Wall::time_point now_;
  std::uint32_t rotation_;
  std::vector<Item> items_;
};

}  // namespace tradewind
