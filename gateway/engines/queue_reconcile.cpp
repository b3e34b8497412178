#include "gateway/engines/queue_reconcile.h"

#include <algorithm>

namespace tradewind {
namespace {

// Between submissions of one attempt: the queue may be losing them as fast as they come.
std::chrono::seconds patience(std::uint32_t submissions) {
  return std::chrono::seconds(1) * (1U << std::min(submissions, 6U));
}

}  // namespace

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

}  // namespace tradewind
