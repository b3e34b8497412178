// Randomness for secrets, and comparing secrets. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "schemas/result.h"

namespace tradewind {

// `count` bytes of the cryptographic generator. Aborts when the system has no randomness: nothing
// secure can go on without it.
Bytes random_bytes(std::size_t count);

std::uint64_t random_number();

// Whether both are the same, in a time that depends on the lengths only.
bool constant_time_equal(BytesView left, BytesView right);

}  // namespace tradewind
