// What happens, in words: the names of messages and of journal entries, as they are told and as
// commands name them.
#pragma once

#include <string>
#include <string_view>

#include "schemas/dispatch.h"
#include "schemas/journal.h"
#include "tests/simulation/names.h"

namespace tradewind::simulation {

struct Told {
  std::string event;  // "dispatch", "attempt.granted"
  std::string about;  // "j1#1"; of an entry also the site
};

Told told_of(const ToGateway& message, const Names& names);
Told told_of(const ToBroker& message, const Names& names);
// `jobs` has the job that the entry speaks of, as it is after it.
Told told_of(const Entry& entry, const std::map<JobId, JobRecord>& jobs, const Names& names);

// What became of a job that has ended: "job.ended j1 failed: …".
Told told_of_end(const JobRecord& job, const Names& names);

}  // namespace tradewind::simulation
