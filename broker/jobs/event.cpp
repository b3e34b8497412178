#include "broker/jobs/event.h"

#include <utility>
#include <variant>

#include "broker/jobs/fold.h"

namespace tradewind {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char each : text) {
    const bool plain = static_cast<unsigned char>(each) >= 0x20 && each != 0x7f && each != '"';
    out += plain ? each : '?';
  }
  return out + '"';
}

struct Tell {
  const JobRecord& job;
  std::string text;

  void attempt(const AttemptId& id) {
    text = "attempt=" + to_string(id);
    const AttemptRecord* const record = find_attempt(job, id.number);
    if (record != nullptr && record->decision.chosen) {
      text += " site=" + record->decision.chosen->site.value;
    }
  }
  void about_job() { text = "job=" + job.job.value; }
  void add(std::string_view name, std::string_view value) {
    text += ' ';
    text += name;
    text += '=';
    text += value;
  }

  void operator()(const JobDecided& entry) {
    attempt(entry.attempt);
    if (!entry.decision.chosen) return;
    add("pool", entry.decision.chosen->pool.value);
    add("cost", to_decimal(entry.decision.chosen->cost.total.micros));
  }
  void operator()(const JobUnroutable& entry) {
    about_job();
    if (entry.decision.rejections.empty()) return;
    add("reason", to_string(entry.decision.rejections.front().reason));
  }
  void operator()(const CancelRequested& entry) {
    about_job();
    add("principal", quoted(entry.principal));
  }
  void operator()(const JobExpired& entry) {
    about_job();
    add("detail", quoted(entry.reason));
  }
  void operator()(const AttemptGranted& entry) { attempt(entry.attempt); }
  void operator()(const AttemptRefused& entry) {
    attempt(entry.attempt);
    add("reason", to_string(entry.code));
    add("detail", quoted(entry.detail));
  }
  void operator()(const AttemptAdvanced& entry) {
    attempt(entry.attempt);
    add("phase", to_string(entry.phase));
  }
  void operator()(const AttemptFinished& entry) {
    attempt(entry.attempt);
    add("reason", to_string(entry.report.code));
    add("charge", to_decimal(entry.report.charge.micros));
    if (!entry.report.detail.empty()) add("detail", quoted(entry.report.detail));
  }
  void operator()(const AttemptLost& entry) {
    attempt(entry.attempt);
    add("detail", quoted(entry.reason));
  }
  // The others are not about one job that is there already.
  template <class Other>
  void operator()(const Other&) {
    about_job();
  }
};

}  // namespace

std::string event_details(const Entry& entry, const JobRecord& job) {
  Tell tell{job, {}};
  std::visit(tell, entry.body);
  return std::move(tell.text);
}

}  // namespace tradewind
