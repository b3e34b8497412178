#include "broker/cli/job_filters.h"

#include <algorithm>

namespace tradewind::cli {

void add_job_filters(CLI::App& command, JobFilters& filters) {
  command.add_option("--state", filters.state, "in one of these states, with commas");
  command.add_option("--array", filters.array, "tasks of this array");
  command.add_option("--name-prefix", filters.name_prefix, "whose names begin so");
  command.add_option("--tag", filters.tags, "NAME=VALUE; each must hold")
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--tenant", filters.tenant, "of this tenant; for auditors and operators");
}

bool any(const JobFilters& filters) {
  return !filters.state.empty() || !filters.array.empty() || !filters.name_prefix.empty() ||
         !filters.tags.empty() || !filters.tenant.empty();
}

std::string query_of(const JobFilters& filters, const Context& context) {
  std::string query;
  const auto add = [&query](const char* name, const std::string& value) {
    if (!value.empty()) query += std::string("&") + name + "=" + url_escape(value);
  };
  add("state", filters.state);
  add("array", filters.array);
  add("name_prefix", filters.name_prefix);
  for (std::string tag : filters.tags) {
    // Written as `submit` has it, or as the API has it.
    const auto mark = tag.find_first_of("=:");
    if (mark != std::string::npos) tag[mark] = ':';
    add("tag", tag);
  }
  add("tenant", filters.tenant.empty() ? context.tenant : filters.tenant);
  return query;
}

}  // namespace tradewind::cli
