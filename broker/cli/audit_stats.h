// What the log says of each site: how often it was chosen, why not, what it refused, and what it
// was paid.
#pragma once

#include "broker/cli/audit_log.h"
#include "broker/cli/context.h"

namespace tradewind::cli {

// Of the whole log, verified on the way.
Status stats(Context& context, AuditLog& log);

}  // namespace tradewind::cli
