// What is free on an engine's machines between two answers of theirs, as attempts come and go.
// Pure.
#pragma once

#include <cstdint>

#include "gateway/engines/engine.h"
#include "schemas/site.h"

namespace tradewind {

// So many units of the pool are free no more, wherever they lie: no node has more of what is left
// than there is, and no more nodes are empty than it fills.
void take_units(EngineCapacity& capacity, const Pool& pool, std::uint64_t units);

// So many are free again on each of so many nodes. Whether a node is empty then is not known.
void give_units(EngineCapacity& capacity, const Pool& pool, std::uint32_t nodes,
                std::uint32_t units_each);

}  // namespace tradewind
