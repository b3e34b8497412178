#include "broker/core/metrics.h"

#include <fmt/format.h>

namespace tradewind {

std::string metrics_text(const CoreFigures& figures) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           auto value) {
    text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
  };
  const LifecycleCounters& lifecycle = figures.lifecycle;
  text +=
      "# HELP tradewind_events_total What happened: entries of the journal, by event.\n"
      "# TYPE tradewind_events_total counter\n";
  for (std::size_t i = 0; i < event_names.size(); ++i) {
    text += fmt::format("tradewind_events_total{{event=\"{}\"}} {}\n", event_names[i],
                        figures.events[i]);
  }
  add("tradewind_jobs_submitted_total", "counter", "Jobs accepted, tasks of arrays one by one.",
      lifecycle.submitted);
  add("tradewind_jobs_succeeded_total", "counter", "Jobs that ended well.",
      lifecycle.jobs_succeeded);
  add("tradewind_jobs_failed_total", "counter", "Jobs that failed.", lifecycle.jobs_failed);
  add("tradewind_jobs_canceled_total", "counter", "Jobs that were canceled.",
      lifecycle.jobs_canceled);
  add("tradewind_jobs_live", "gauge", "Jobs that have not ended.", figures.live);
  add("tradewind_jobs_waiting", "gauge", "Jobs that wait for an adequate place.", figures.waiting);
  add("tradewind_budgets", "gauge", "Tenants that have a budget.", figures.budgets);
  add("tradewind_jobs_waiting_for_budget", "gauge",
      "Jobs with a place that their tenants' budgets do not cover, of those that wait.",
      figures.waiting_for_budget);
  add("tradewind_decisions_tried_total", "counter", "Whole decisions, placed or not.",
      lifecycle.tried);
  add("tradewind_places_checked_total", "counter",
      "Waiting jobs held against one place that has opened.", lifecycle.checked);
  add("tradewind_attempts_unanswered", "gauge", "Dispatches without an answer.",
      figures.unanswered);
  add("tradewind_attempts_asked_total", "counter", "Questions to sites about attempts.",
      lifecycle.asked);
  add("tradewind_attempts_taken_back_total", "counter",
      "Attempts taken back since nothing of them had begun in time.", lifecycle.taken_back);
  add("tradewind_messages_duplicate_total", "counter", "Messages of sites that said nothing new.",
      lifecycle.duplicates);
  add("tradewind_messages_stray_total", "counter",
      "Messages about attempts that are not at their sender.", lifecycle.strays);
  add("tradewind_charges_cut_total", "counter", "Charges above the decision's terms, cut to them.",
      lifecycle.overcharges);
  add("tradewind_sites_distrusted", "gauge",
      "Sites that broke too many promises lately, those on trial included.", figures.distrusted);
  add("tradewind_members_locked", "gauge",
      "Members that are locked, since two seem to hold their key.", figures.locked);
  add("tradewind_trust_expires_seconds", "gauge",
      "When the newest trust record expires, in seconds since 1970.",
      std::chrono::duration_cast<std::chrono::seconds>(figures.trust_expires.time_since_epoch())
          .count());
  add("tradewind_journal_entries", "gauge", "Entries in the journal.", figures.entries);
  if (figures.disk) {
    add("tradewind_disk_free_bytes", "gauge", "Free on the journal's file system.",
        figures.disk->free);
    add("tradewind_disk_reserve_bytes", "gauge", "Below this nothing new is taken.",
        figures.disk->reserve);
    add("tradewind_disk_refused_total", "counter", "Requests refused for want of disk space.",
        figures.disk->refused);
  }
  return text;
}

}  // namespace tradewind
