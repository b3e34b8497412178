// Rows that hold many like things, compressed by LZ4 as a whole: several times smaller before they
// are written to the store's log, which RocksDB's own compression of its tables comes too late for.
#pragma once

#include <cstddef>

#include "schemas/result.h"

namespace tradewind {

// The length in four bytes, least significant first, then an LZ4 block. At most 1 GiB.
Bytes compress(BytesView plain);

// What compress() was given. Fails with ErrorCode::corrupt when it was not made by that, and when
// it would be longer than `bytes_max`, before it takes the memory.
Result<Bytes> expand(BytesView compressed, std::size_t bytes_max);

}  // namespace tradewind
