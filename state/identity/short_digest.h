// SHA-256 of short messages, for those who hash by the million: the inner nodes of a tree. Any
// thread.
#pragma once

#include <array>
#include <cstddef>

#include "state/identity/digest.h"

namespace tradewind {

inline constexpr std::size_t short_message_bytes_max = 119;  // what two blocks have room for

// The raw digest of a message of at most short_message_bytes_max.
std::array<char, sha256_bytes> sha256_short(BytesView message);

}  // namespace tradewind
