#include "state/gossip/fingerprint.h"

#include <algorithm>

namespace tradewind {

std::uint64_t fingerprint(const SignedRecord& record) {
  std::uint64_t value = 0;
  for (std::size_t i = std::min<std::size_t>(record.signature.size(), 8); i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(record.signature[i - 1]);
  }
  return value;
}

std::uint64_t differing_buckets(const Fingerprints& ours,
                                const std::vector<std::uint64_t>& theirs) {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const std::uint64_t other = i < theirs.size() ? theirs[i] : 0;
    if (ours[i] != other) result |= std::uint64_t{1} << i;
  }
  return result;
}

}  // namespace tradewind
