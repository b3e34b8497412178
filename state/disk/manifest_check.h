// RocksDB takes a record in the list of its own files for the end of it, and drops all that
// follows, where the record's length passes the file's end or its type is that of a file used
// again. Where a damaged bit says so, tables vanish without a word.
#pragma once

#include <filesystem>

#include "schemas/result.h"

namespace tradewind {

// Before a store is opened: whether its manifest consists of records that check, and at most the
// beginning of another, as a process leaves it that dies. Ok where there is no store yet. Fails
// with ErrorCode::corrupt. The form is that of RocksDB's write-ahead log (its wiki, "Write Ahead
// Log File Format").
Status check_manifest(const std::filesystem::path& store);

}  // namespace tradewind
