// Bounds and defaults of routing, each with its unit and reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tradewind::limits {

// Where no row says how fast a path is: what an ordinary line between two institutes sustains.
inline constexpr std::uint64_t bandwidth_mbit_default = 100;
// Data that lies at the site already is still copied once: 1 GB/s, a common local disk.
inline constexpr std::uint64_t bandwidth_mbit_local = 8'000;
// Longer times are all the same to a decision, and sums of them still fit into 64 bits.
inline constexpr std::uint64_t seconds_forever = 1'000'000'000'000;

// What a chooser remembers from job to job; a full memory is forgotten and filled anew. Each is
// kept below about 100 MB at limits::sites_max sites of eight pools.
inline constexpr std::size_t needs_kept = 8'192;  // distinct shapes of demand
inline constexpr std::size_t paths_kept = 256;    // places that data lies at or goes to
// Of distinct sets of constraints, each a byte for every pool and a little more.
inline constexpr std::size_t filters_bytes_max = 64 * 1024 * 1024;
// A job with data at more places than this is routed by a plain scan.
inline constexpr std::size_t places_per_job_indexed = 32;
// Inputs and outputs whose traffic counts in the lower bounds; of further ones it is taken to be
// free there, which costs tightness only.
inline constexpr std::size_t flows_bounded = 8;
// Pools that are looked at to tell whether a job that has no place may wait for one.
inline constexpr std::size_t pools_glanced_at_max = 16;
// Where at most so many sites are nearest to a job's data, their pools are looked at first, and
// the rest are known to pay for the next nearest.
inline constexpr std::size_t nearest_sites_max = 8;

// What a quote tells of what would change the answer: more than a few nobody reads.
inline constexpr std::size_t relaxations_max = 5;
// Routings of one job to find them; about 0.01 ms each where the job is placed, up to a look at
// every pool where it is not. A job with a handful of constraints needs some tens.
inline constexpr std::size_t relaxation_choices_max = 256;

// Jobs in one clearing; those that wait longer come first.
inline constexpr std::size_t clearing_jobs_max = 10'000;

}  // namespace tradewind::limits
