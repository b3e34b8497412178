#include "gateway/engines/queue_reconcile.h"

#include <algorithm>
#include <tuple>

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// Between submissions of one attempt: the queue may be losing them as fast as they come.
std::chrono::seconds patience(std::uint32_t submissions) {
  return std::chrono::seconds(1) * (1U << std::min(submissions, 6U));
}

int rank(QueueState state) {
  switch (state) {
    case QueueState::running: return 3;
    case QueueState::waiting: return 2;
    case QueueState::held: return 1;
    case QueueState::over: return 0;
  }
  return 0;
}

Wall::time_point time_of(std::int64_t seconds) {
  return Wall::time_point(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 253402300799)));
}

}  // namespace

bool better_job(const QueueJob& a, const QueueJob& b) {
  // Numbers of the same length are in order.
  const auto order = [](const QueueJob& each) {
    return std::tuple(rank(each.state), each.submitted, each.number.size(),
                      std::string_view(each.number));
  };
  return order(a) > order(b);
}

QueueStep reconcile(const QueueStanding& standing, const QueueJob* job, Mono::time_point asked,
                    Mono::time_point now, std::chrono::seconds settle_time) {
  if (job != nullptr && (job->state == QueueState::running || job->state == QueueState::waiting)) {
    return QueueStep::wait;
  }
  // A list from before the submission was answered says nothing of it.
  if (standing.submitting || (standing.submitted && asked <= *standing.submitted)) {
    return QueueStep::wait;
  }
  if (!standing.missed) return QueueStep::look;
  if (job == nullptr && !standing.begun && standing.submissions < queue_submissions_max) {
    const bool soon =
        standing.submitted && now - *standing.submitted < patience(standing.submissions);
    return soon ? QueueStep::wait : QueueStep::resubmit;
  }
  if (now - *standing.missed < settle_time) return QueueStep::look;
  return QueueStep::give_up;
}

EndReport queue_end(const QueueJob* job, bool begun) {
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

}  // namespace tradewind
