#include "broker/api/job_filter.h"

#include <algorithm>

#include "broker/api/api.h"
#include "broker/api/job_json.h"

namespace tradewind {
namespace {

Status add_states(const std::string& value, std::set<JobState>& states) {
  for (std::size_t at = 0; at <= value.size();) {
    const std::string word = value.substr(at, value.find(',', at) - at);
    at += word.size() + 1;
    std::uint16_t index = 0;
    while (index < job_states_count && to_string(static_cast<JobState>(index)) != word) ++index;
    if (index == job_states_count) {
      return fail(ErrorCode::invalid, "state",
                  "\"" + word.substr(0, 40) + "\" is no state of a job",
                  "use queued, dispatching, staging, running, finishing, succeeded, failed, "
                  "canceled or unroutable, several with commas");
    }
    states.insert(static_cast<JobState>(index));
  }
  return ok();
}

}  // namespace

bool JobFilter::empty() const {
  return states.empty() && array.empty() && name_prefix.empty() && tags.empty() && tenant.empty();
}

bool JobFilter::keeps(const JobRecord& job) const {
  if (!states.empty() && !states.contains(job.state)) return false;
  if (!array.empty() && (!job.array || job.array->value != array)) return false;
  if (!job.spec.name.starts_with(name_prefix)) return false;
  return std::all_of(tags.begin(), tags.end(), [&](const auto& tag) {
    const auto found = job.spec.tags.find(tag.first);
    return found != job.spec.tags.end() && found->second == tag.second;
  });
}

Result<JobFilter> parse_job_filter(const std::vector<std::pair<std::string, std::string>>& query) {
  JobFilter filter;
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    if (name == "state") {
      if (Status good = add_states(value, filter.states); !good)
        return fail(std::move(good.error()));
    } else if (name == "array") {
      if (!is_job_id(value)) {
        return fail(ErrorCode::invalid, "array", "\"" + value.substr(0, 64) + "\" is no id",
                    "give the id that the submission answered");
      }
      filter.array = value;
    } else if (name == "name_prefix") {
      filter.name_prefix = value;
    } else if (name == "tag") {
      const auto colon = value.find(':');
      if (colon == std::string::npos) {
        return fail(ErrorCode::invalid, "tag", "\"" + value.substr(0, 64) + "\" has no colon",
                    "write tag=KEY:VALUE");
      }
      filter.tags.emplace_back(value.substr(0, colon), value.substr(colon + 1));
    } else if (name == "tenant") {
      filter.tenant = value;
    } else if (name != "limit" && name != "cursor") {
      return fail(ErrorCode::invalid, name.substr(0, 64), "there is no such filter",
                  "use state, array, tag, name_prefix, tenant, limit and cursor");
    }
  }
  return filter;
}

Result<JobQuery> job_query(const HttpRequest& request, const Caller& caller,
                           const JobFilter& filter, std::int64_t limit_default,
                           std::int64_t limit_max) {
  JobQuery query;
  const auto limit = query_number(request, "limit", limit_default, 1, limit_max);
  if (!limit) return fail(limit.error());
  query.limit = static_cast<std::size_t>(*limit);
  auto cursor = query_cursor(request, is_job_id);
  if (!cursor) return fail(std::move(cursor.error()));
  query.after = std::move(*cursor);
  if (!sees_all_tenants(caller)) {
    query.tenant = caller.tenant;
  } else if (!filter.tenant.empty()) {
    query.tenant = TenantId{filter.tenant};
  }
  query.keep = [filter](const JobRecord& job) { return filter.keeps(job); };
  return query;
}

}  // namespace tradewind
