// SHA-256 of a byte and two digests, for those who hash by the million: the inner nodes of a tree.
// Any thread.
#pragma once

#include <array>

#include "state/identity/digest.h"

namespace tradewind {

using Sha256Digest = std::array<char, sha256_bytes>;

// The raw digest of first || left || right.
Sha256Digest sha256_pair(char first, const Sha256Digest& left, const Sha256Digest& right);

}  // namespace tradewind
