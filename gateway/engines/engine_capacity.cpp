#include "gateway/engines/engine_capacity.h"

#include <algorithm>

namespace tradewind {

void take_units(EngineCapacity& capacity, const Pool& pool, std::uint64_t units) {
  capacity.units_free -=
      static_cast<std::uint32_t>(std::min<std::uint64_t>(capacity.units_free, units));
  capacity.units_free_node = std::min(capacity.units_free_node, capacity.units_free);
  capacity.nodes_free = std::min(capacity.nodes_free, capacity.units_free / units_per_node(pool));
}

void give_units(EngineCapacity& capacity, const Pool& pool, std::uint32_t nodes,
                std::uint32_t units_each) {
  capacity.units_free += nodes * units_each;
  capacity.units_free_node = std::max(capacity.units_free_node, units_each);
  capacity.wait_seconds = 0;
  take_units(capacity, pool, 0);
}

}  // namespace tradewind
