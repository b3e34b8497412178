// Bounds of the journal, each with its unit and reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tradewind::limits {

// Not yet written tables of all column families together: what a busy minute of jobs takes.
inline constexpr std::size_t journal_memory_bytes = 128ULL * 1024 * 1024;
// Blocks read before, shared by all column families.
inline constexpr std::size_t journal_cache_bytes = 64ULL * 1024 * 1024;
// What is replayed at the next start at most; about a second's worth.
inline constexpr std::uint64_t journal_replay_bytes_max = 256ULL * 1024 * 1024;

}  // namespace tradewind::limits
