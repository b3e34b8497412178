#include "broker/core/event_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/jobs/event.h"
#include "broker/jobs/fold.h"

namespace tradewind {
namespace {

// What only went as it should is told at the level of debugging.
spdlog::level::level_enum level_of(const Entry& entry) {
  if (std::holds_alternative<AttemptLost>(entry.body)) return spdlog::level::warn;
  const bool of_note = std::holds_alternative<JobUnroutable>(entry.body) ||
                       std::holds_alternative<JobExpired>(entry.body);
  return of_note ? spdlog::level::info : spdlog::level::debug;
}

}  // namespace

void log_events(const std::vector<Entry>& entries, const std::vector<ChangedJob>& jobs) {
  for (const Entry& entry : entries) {
    const auto level = level_of(entry);
    if (!spdlog::should_log(level)) continue;
    if (const auto* submitted = std::get_if<JobSubmitted>(&entry.body)) {
      spdlog::log(level, "{} job={} tasks={}", event_name(entry), submitted->job.value,
                  submitted->spec.array_count);
      continue;
    }
    const auto id = job_of(entry);
    if (!id) continue;
    const auto job = std::lower_bound(
        jobs.begin(), jobs.end(), *id,
        [](const ChangedJob& each, const JobId& wanted) { return each.job < wanted; });
    if (job == jobs.end() || job->job != *id) continue;
    spdlog::log(level, "{} {}", event_name(entry), event_details(entry, **job));
  }
}

}  // namespace tradewind
