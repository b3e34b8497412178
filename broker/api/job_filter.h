// Which jobs a request speaks of: the filters of GET /v1/jobs and POST /v1/jobs:cancel.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/api/auth.h"
#include "broker/api/http_message.h"
#include "state/journal/journal.h"

namespace tradewind {

// All that is given must hold; what is empty asks for nothing.
struct JobFilter {
  std::set<JobState> states;
  std::string array;
  std::string name_prefix;
  std::vector<std::pair<std::string, std::string>> tags;
  std::string tenant;  // counts for callers who see the jobs of all tenants

  bool empty() const;
  // But for the tenant, which is the query's.
  bool keeps(const JobRecord& job) const;
};

// From the names and values of a query; those of a page, limit and cursor, are passed over. Fails
// naming what is no filter or has no such value.
Result<JobFilter> parse_job_filter(const std::vector<std::pair<std::string, std::string>>& query);

// The page that the request asks for, of the jobs that the caller may list: `limit` (1 to
// `limit_max`), `cursor`, and the filter.
Result<JobQuery> job_query(const HttpRequest& request, const Caller& caller,
                           const JobFilter& filter, std::int64_t limit_default,
                           std::int64_t limit_max);

}  // namespace tradewind
