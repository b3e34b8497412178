// From Slurm's partitions and nodes to what a pool can take now, and to pools for a site file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/engines/engine.h"
#include "gateway/engines/slurm_job.h"
#include "gateway/engines/slurm_records.h"

namespace tradewind {

// Whether the node is one of the pool's: by partition, features and architecture.
bool belongs(const SlurmNode& node, const SlurmPool& pool);

// What is idle in Slurm for the pool, less the units of this gateway's jobs that Slurm has not
// started, and when Slurm expects one more job of it to start: not before those that wait, and not
// before the first that runs is over. `now` is in seconds since 1970.
EngineCapacity slurm_capacity(const SlurmPool& pool, const std::vector<SlurmNode>& nodes,
                              const std::vector<SlurmJob>& jobs, std::uint64_t units_unstarted,
                              std::int64_t now);

// [[pool]] tables for a site file, one for each kind of node in each partition, without prices, and
// the [engine.slurm.pools] that go with them.
std::string discovered_pools(const std::vector<SlurmNode>& nodes);

}  // namespace tradewind
