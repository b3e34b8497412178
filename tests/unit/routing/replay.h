// Decisions with all that they rest on, as bytes: the job, the bodies of the market's records as
// they were signed, the broker's debits and options, and the time. Whoever reads them back has what
// it takes to route again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "schemas/result.h"

namespace tradewind::replay {

// The decisions of random cases 1 to `count`, by the plain scan and by the chooser.
Result<Bytes> written(std::uint64_t count);

// Builds each case's market anew from its bytes and routes again. Tells of the first decision that
// comes out with other bytes, or rests on records that are not in the market; else how many cases
// there were.
Result<std::size_t> replayed(BytesView bytes);

}  // namespace tradewind::replay
