// RocksDB options of every store of ours: damage and errors are told, never passed over.
#pragma once

#include <rocksdb/options.h>

namespace tradewind {

// Makes the store when there is none; refuses one that does not read back, but for a half-written
// batch at its very end, which was never acknowledged; does not go on by itself after an error of
// the disk; keeps no log of its own.
rocksdb::Options store_options();

}  // namespace tradewind
