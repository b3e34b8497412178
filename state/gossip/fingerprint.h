// Whether two nodes hold the same slow records, told in a few bytes.
#pragma once

#include <array>
#include <cstdint>

#include "schemas/gossip.h"
#include "schemas/record.h"

namespace tradewind {

using Fingerprints = std::array<std::uint64_t, fingerprints_count>;

constexpr std::size_t bucket_of(MemberNumber member) {
  return member.value % fingerprints_count;
}

// Of one record: the first eight bytes of its signature, least first. They look random to everybody
// but the signer, and who would choose them so that two changes cancel out has 2^64 signatures to
// make.
std::uint64_t fingerprint(const SignedRecord& record);

// The buckets in which `theirs` (as long as it came; what is missing is 0) is not `ours`, a bit
// each.
std::uint64_t differing_buckets(const Fingerprints& ours, const std::vector<std::uint64_t>& theirs);

}  // namespace tradewind
