#include "gateway/sellable_capacity.h"

#include <algorithm>
#include <cstdint>

namespace tradewind {

void limit_to(PoolCapacity& pool, const EngineCapacity& most) {
  if (most.units_free == 0) pool.wait_seconds = std::max(pool.wait_seconds, most.wait_seconds);
  std::uint32_t left = most.units_free;
  for (ContractQuote& each : pool.contracts) {
    each.units_idle = std::min(each.units_idle, left);
    left -= each.units_idle;
  }
  pool.units_free = std::min(pool.units_free, left);
  pool.units_free_node = std::min(pool.units_free_node, most.units_free_node);
  pool.nodes_free = std::min(pool.nodes_free, most.nodes_free);
}

}  // namespace tradewind
