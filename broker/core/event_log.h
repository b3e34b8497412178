// The broker's log lines about jobs, in the words of broker/jobs/event.h.
#pragma once

#include <vector>

#include "schemas/changed_job.h"
#include "schemas/journal.h"

namespace tradewind {

// The entries about jobs, a line each; `jobs` are those that they changed, by id.
void log_events(const std::vector<Entry>& entries, const std::vector<ChangedJob>& jobs);

}  // namespace tradewind
