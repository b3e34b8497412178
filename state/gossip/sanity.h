// Whether what its owner has signed can be true beside what else is known. The codec has bounded
// each value by itself; a signature proves who said it, not that it makes sense, and one node that
// lets nonsense through would hand it to all.
#pragma once

#include <optional>

#include "schemas/record.h"
#include "schemas/site.h"
#include "state/gossip/drop_reason.h"

namespace tradewind {

// Why the site cannot have what the sheet offers: a pool or contract that its record does not name
// or that is smaller, or more free and idle units than the pool has (insane_values), or more in all
// than the member is certified for (over_ceiling). Nothing when it can.
std::optional<DropReason> check_quote(const QuoteSheet& sheet, const SiteRecord& site,
                                      const Member& member);

}  // namespace tradewind
