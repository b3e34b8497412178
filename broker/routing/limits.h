// Bounds and defaults of routing, each with its unit and reason.
#pragma once

#include <cstdint>

namespace tradewind::limits {

// Where no row says how fast a path is: what an ordinary line between two institutes sustains.
inline constexpr std::uint64_t bandwidth_mbit_default = 100;
// Data that lies at the site already is still copied once: 1 GB/s, a common local disk.
inline constexpr std::uint64_t bandwidth_mbit_local = 8'000;
// Longer times are all the same to a decision, and sums of them still fit into 64 bits.
inline constexpr std::uint64_t seconds_forever = 1'000'000'000'000;

}  // namespace tradewind::limits
