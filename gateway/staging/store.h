// Stages one output out. Blocking; any thread.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/staging/budget.h"
#include "gateway/staging/policy.h"
#include "gateway/staging/rooted_directory.h"
#include "schemas/dispatch.h"
#include "schemas/job.h"
#include "schemas/result.h"

namespace tradewind {

struct Stored {
  std::vector<OutputFile> files;   // url without credentials
  std::vector<std::string> notes;  // what was left out and why, for the system log
};

// Brings the files that `output` names below `files` to its URL: a copy that is renamed into place
// for file:, a PUT for http(s). With an empty URL they are digested and kept in `kept` under their
// path.
// - A plain path of type FILE: that file; it must be there.
// - Of type DIRECTORY: each regular file below it, to the URL with its relative path appended.
// - With a path_prefix, the path may hold the wildcards * ? [..] (not matching "/" or a leading
//   "."): each match, to the URL with the path after the prefix appended. No match is no failure.
// Symbolic links are followed as the job saw them, so never out of `files`; inside a directory
// those that lead to no file are left out with a note. Errors name `field` or a field below it.
Result<Stored> store(const StagingPolicy& policy, std::string_view field, const Output& output,
                     const RootedDirectory& files, const RootedDirectory& kept,
                     StagingBudget& budget, const std::stop_token& stop);

}  // namespace tradewind
