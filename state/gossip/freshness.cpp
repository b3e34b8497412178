#include "state/gossip/freshness.h"

#include "schemas/limits.h"

namespace tradewind {

Wall::duration validity_max(RecordKind kind) {
  switch (kind) {
    case RecordKind::member: return limits::member_validity_max;
    case RecordKind::site: return limits::site_validity_max;
    case RecordKind::quote: return limits::quote_validity_max;
  }
  return Wall::duration::zero();
}

std::size_t record_bytes_max(RecordKind kind) {
  switch (kind) {
    case RecordKind::member: return limits::member_record_bytes_max;
    case RecordKind::site: return limits::site_record_bytes_max;
    case RecordKind::quote: return limits::quote_sheet_bytes_max;
  }
  return 0;
}

std::optional<DropReason> check_freshness(const RecordHeader& header, Wall::time_point now) {
  // Also keeps the subtraction below within range, whatever a stranger wrote.
  if (header.issued < Wall::time_point{} || header.valid_until <= header.issued ||
      header.version.version == 0) {
    return DropReason::insane_values;
  }
  if (header.valid_until <= now) return DropReason::expired;
  if (header.issued > now + limits::clock_skew_max) return DropReason::from_future;
  if (header.valid_until - header.issued > validity_max(header.kind)) {
    return DropReason::too_long_valid;
  }
  return std::nullopt;
}

}  // namespace tradewind
