// Bounds of the journal, each with its unit and reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tradewind::limits {

// Not yet written tables of all column families together: what a busy minute of jobs takes.
inline constexpr std::size_t journal_memory_bytes = 96ULL * 1024 * 1024;
// Blocks read before, shared by all column families.
inline constexpr std::size_t journal_cache_bytes = 64ULL * 1024 * 1024;
// What is compressed, checked and read at once: more costs readers of single rows, less whoever
// writes.
inline constexpr std::size_t journal_block_bytes = 16ULL * 1024;
// What of one commit is put into one row: who reads one entry expands a row of about so many bytes.
inline constexpr std::size_t entry_group_bytes = 64ULL * 1024;
inline constexpr std::uint32_t entry_group_count = 256;
// What is replayed at the next start at most; about a second's worth.
inline constexpr std::uint64_t journal_replay_bytes_max = 256ULL * 1024 * 1024;

// The newest entries, which are read before the store is used: about a second's work. Those before
// them are read behind.
inline constexpr std::uint64_t entries_checked_at_start = 500'000;
inline constexpr std::size_t check_readahead_bytes = 2ULL * 1024 * 1024;
// Records that are read for one page of jobs: about ten milliseconds' work. A page of more jobs
// than that, which the endpoint gives to nobody, reads one more than it holds.
inline constexpr std::size_t jobs_examined_max = 1'100;

}  // namespace tradewind::limits
