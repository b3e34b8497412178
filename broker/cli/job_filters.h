// The options that say which jobs are meant, of `tradewind jobs` and `tradewind cancel`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "broker/cli/context.h"

namespace tradewind::cli {

struct JobFilters {
  std::string state;
  std::string array;
  std::string name_prefix;
  std::vector<std::string> tags;  // NAME:VALUE or NAME=VALUE
  std::string tenant;
};

void add_job_filters(CLI::App& command, JobFilters& filters);
// Whether one was given.
bool any(const JobFilters& filters);
// "&state=queued&tag=team:blue"; the tenant is that of the settings when none is given.
std::string query_of(const JobFilters& filters, const Context& context);

}  // namespace tradewind::cli
