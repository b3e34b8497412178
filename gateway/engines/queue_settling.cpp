#include "gateway/engines/queue_settling.h"

#include <algorithm>
#include <cstdint>

namespace tradewind {
namespace {

// Between questions about one job that the queue's accounting does not know yet.
constexpr auto accounting_interval = std::chrono::seconds(2);

Wall::time_point time_of(std::int64_t seconds) {
  return Wall::time_point(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 253402300799)));
}

// By the job alone; without times where it has none.
EndReport end_of(const QueueJob* job, bool begun) {
  EndReport report;
  report.started = begun;
  if (job == nullptr) {
    report.code = begun ? EndCode::interrupted : EndCode::engine_failed;
    report.detail = begun ? "the queue does not know its job any more, and it left no end behind"
                          : "no job of it that the queue took has begun";
    return report;
  }
  report.code = job->code;
  report.detail = job->words;
  if (report.code == EndCode::engine_failed) {
    report.detail += begun ? " and left no end behind" : " before it began";
  }
  if (job->usage && begun) {
    report.usage.cpu_milliseconds = job->usage->cpu_milliseconds;
    report.usage.memory_peak_mib = job->usage->memory_peak_mib;
    report.system_log.push_back("what was used is what the queue's accounting says");
  }
  if (job->start > 0 && job->end >= job->start && begun) {
    report.usage.started = time_of(job->start);
    report.usage.ended = time_of(job->end);
    report.usage.wall_seconds = static_cast<std::uint64_t>(job->end - job->start);
  }
  return report;
}

}  // namespace

void QueueInquiry::answered(Mono::time_point now) {
  asking = false;
  ask_at = now + accounting_interval;
}

SettleStep settle(QueueInquiry& inquiry, const QueueJob* job, bool begun, Mono::time_point now,
                  std::chrono::seconds accounting_time) {
  if (job != nullptr && (in_queue(job->state) || !begun)) return SettleStep::end;
  if (!inquiry.ask_until) inquiry.ask_until = now + accounting_time;
  if (now >= *inquiry.ask_until) return SettleStep::end_untold;
  if (inquiry.asking || now < inquiry.ask_at) return SettleStep::wait;
  inquiry.asking = true;
  return SettleStep::ask;
}

EndReport queue_end(const QueueEnding& ending, Wall::time_point now) {
  EndReport report = end_of(ending.job, ending.begun);
  if (ending.untold) {
    report.system_log.push_back("the queue's accounting has not told what was used");
  }
  if (ending.stop) report.code = *ending.stop;
  if (report.usage.ended == Wall::time_point{}) report.usage.started = report.usage.ended = now;
  return report;
}

}  // namespace tradewind
