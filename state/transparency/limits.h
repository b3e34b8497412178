// Bounds of the transparency log, each with its unit and reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace tradewind::limits {

inline constexpr std::size_t leaf_bytes_max = 65'535;  // bundles have two bytes for a length
inline constexpr std::size_t bundle_bytes_max = 256 * (2 + leaf_bytes_max);
// Sizes and indices, so that those who read them into signed 64-bit numbers can.
inline constexpr std::uint64_t tree_size_max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::size_t proof_hashes_max = 63;  // what a tree of that size needs

// Room for 16 signatures, which every verifier takes, of the largest kind that is assigned.
inline constexpr std::size_t note_bytes_max = 128 * 1024;
inline constexpr std::size_t note_signatures_max = 64;
inline constexpr std::size_t policy_bytes_max = 256 * 1024;  // a witness takes some 150
inline constexpr std::size_t receipt_extra_bytes_max = 64 * 1024;

// Leaves that wait in memory for a publication; several seconds' worth at the highest rate.
inline constexpr std::size_t unpublished_bytes_max = 256ULL * 1024 * 1024;

}  // namespace tradewind::limits
