// What a record's header alone tells of its time. Cheap: looked at before any signature.
#pragma once

#include <optional>

#include "schemas/record.h"
#include "schemas/time.h"
#include "state/gossip/drop_reason.h"

namespace tradewind {

// The longest time between issued and valid-until that a receiver believes.
Wall::duration validity_max(RecordKind kind);
// The largest encoded record of a kind, in bytes.
std::size_t record_bytes_max(RecordKind kind);

// Why a record with this header is not in force at `now`; nothing when it is. Clocks may differ by
// limits::clock_skew_max.
std::optional<DropReason> check_freshness(const RecordHeader& header, Wall::time_point now);

}  // namespace tradewind
