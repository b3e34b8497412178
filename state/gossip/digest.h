// Digests: what is held, what a peer lacks by its own digests, and which of that goes first.
#pragma once

#include <cstdint>
#include <vector>

#include "schemas/gossip.h"
#include "schemas/time.h"
#include "state/gossip/record_book.h"

namespace tradewind {

// What a digest costs on the wire, in bytes: as a rule, for byte budgets, and at most, for the
// bound of a frame. (gossip.capnp says how they are packed.)
inline constexpr std::size_t digest_bytes = 10;
inline constexpr std::size_t digest_bytes_max = 26;
// At most what a record costs on the wire, framing included.
std::size_t record_bytes(const SignedRecord& record);

// One for each record held, ordered by member number and kind.
std::vector<Digest> digests_of(const RecordBook& book);

// The records in force that the sender of `theirs` lacks or has an older version of, most urgent
// first: members (revoked and suspended before the rest), sites that it does not know (site record,
// then sheet), changed site records, sheets whose capacity fell, then the longest stale. Digests of
// members that are not held say nothing. Among equals the order begins at a place that `rotation`
// names, so that two peers who serve the same newcomer do not send it the same half.
std::vector<const Accepted*> lacking(const RecordBook& book, std::vector<Digest> theirs,
                                     Wall::time_point now, std::uint32_t rotation);

// As many of the most urgent as fit into `bytes_max`, at least one if there is any and it fits into
// `frame_bytes_max`. Nothing less urgent overtakes a record that does not fit.
std::vector<SignedRecord> fit(const std::vector<const Accepted*>& most_urgent_first,
                              std::size_t bytes_max, std::size_t frame_bytes_max);

}  // namespace tradewind
