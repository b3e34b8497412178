// Why a record was not taken. Each is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tradewind {

enum class DropReason : std::uint16_t {
  malformed,         // its header does not decode, or the signature is not 64 bytes
  oversized,         // over the limit of its kind
  unknown_member,    // no valid member record of its subject is held yet; digests bring it again
  revoked_member,    // the subject is revoked
  wrong_signature,   // not by the registry (member) or the subject's identity key (site, quote)
  old,               // not newer than what was taken before
  expired,           // its time is over
  from_future,       // issued beyond limits::clock_skew_max from now
  too_long_valid,    // valid for longer than a receiver believes
  insane_values,     // well signed, but with numbers or names that cannot be
  over_ceiling,      // more free units than the member is certified for
  too_often,         // more of its origin, or more bad ones of its sender, than a second allows
  equivocation,      // a second body of one version, well signed: its owner signs two stories
  quarantined,       // of a subject that is proved to have signed two stories
  false_proof,       // of an equivocation: of what may both be there, or not signed by the subject
  unknown_site,      // a quote sheet whose site record is not held yet; digests bring it again
  too_many_members,  // over limits::sites_max
};
inline constexpr std::size_t drop_reasons_count = 17;
std::string_view to_string(DropReason reason);

}  // namespace tradewind
