// Bounds of the market view, each with its unit and reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tradewind::limits {

// Workload classes whose prices of work are kept ready, "default" among them; jobs of others are
// routed by a plain scan. Each costs three numbers a pool.
inline constexpr std::size_t workloads_indexed_max = 16;
// Changes of site records that a reader may lag behind before it has to look at all sites anew.
inline constexpr std::size_t site_changes_kept = 1'024;

}  // namespace tradewind::limits
