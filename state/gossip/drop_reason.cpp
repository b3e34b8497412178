#include "state/gossip/drop_reason.h"

namespace tradewind {

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::malformed: return "malformed";
    case DropReason::oversized: return "oversized";
    case DropReason::unknown_member: return "unknown_member";
    case DropReason::revoked_member: return "revoked_member";
    case DropReason::wrong_signature: return "wrong_signature";
    case DropReason::old: return "old";
    case DropReason::expired: return "expired";
    case DropReason::from_future: return "from_future";
    case DropReason::too_long_valid: return "too_long_valid";
    case DropReason::insane_values: return "insane_values";
    case DropReason::over_ceiling: return "over_ceiling";
    case DropReason::too_often: return "too_often";
    case DropReason::equivocation: return "equivocation";
    case DropReason::quarantined: return "quarantined";
    case DropReason::false_proof: return "false_proof";
    case DropReason::unknown_site: return "unknown_site";
    case DropReason::too_many_members: return "too_many_members";
  }
  return "malformed";
}

}  // namespace tradewind
