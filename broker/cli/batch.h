// `tradewind submit --batch`: many jobs in one request.
#pragma once

#include <string>
#include <vector>

#include "broker/cli/context.h"

namespace tradewind::cli {

// Sends the file's lines (NDJSON; "-": standard input), prints the ids of the jobs and what was
// refused. The exit code is `failed` when anything was.
void submit_batch(Context& context, const std::string& file,
                  const std::vector<std::string>& headers);

}  // namespace tradewind::cli
