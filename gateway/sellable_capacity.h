// What a site can sell of a pool: what it has granted to nobody, as far as its engine's machines
// can take it, which others may use too. Pure.
#pragma once

#include "gateway/admission/admission.h"
#include "gateway/engines/engine.h"

namespace tradewind {

// Leaves of `pool` what `most` has room for: first what is held back for contracts, in their order,
// then what is free for all.
void limit_to(PoolCapacity& pool, const EngineCapacity& most);

}  // namespace tradewind
