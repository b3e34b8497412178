#include "gateway/engines/slurm_reconcile.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// Between submissions of one attempt: Slurm may be losing them as fast as they come.
std::chrono::seconds patience(std::uint32_t submissions) {
  return std::chrono::seconds(1) * (1U << std::min(submissions, 6U));
}

int rank(SlurmState state) {
  if (state == SlurmState::running) return 2;
  return state == SlurmState::waiting ? 1 : 0;
}

EndCode code_of(SlurmState state) {
  switch (state) {
    case SlurmState::timed_out: return EndCode::time_limit;
    case SlurmState::out_of_memory: return EndCode::out_of_memory;
    case SlurmState::preempted:
    case SlurmState::canceled: return EndCode::preempted;  // by the centre: not on our word
    case SlurmState::node_failed: return EndCode::interrupted;
    default: return EndCode::engine_failed;
  }
}

Wall::time_point time_of(std::int64_t seconds) {
  return Wall::time_point(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 253402300799)));
}

}  // namespace

bool better_job(const SlurmJob& a, const SlurmJob& b) {
  return std::tuple(rank(a.state), a.submitted, a.id) >
         std::tuple(rank(b.state), b.submitted, b.id);
}

SlurmStep reconcile(const SlurmStanding& standing, const SlurmJob* job, Mono::time_point asked,
                    Mono::time_point now, std::chrono::seconds settle_time) {
  if (job != nullptr && !is_over(job->state)) return SlurmStep::wait;
  // A list from before the submission was answered says nothing of it.
  if (standing.submitting || (standing.submitted && asked <= *standing.submitted)) {
    return SlurmStep::wait;
  }
  if (!standing.missed) return SlurmStep::look;
  if (job == nullptr && !standing.begun) {
    const bool soon =
        standing.submitted && now - *standing.submitted < patience(standing.submissions);
    return soon ? SlurmStep::wait : SlurmStep::resubmit;
  }
  if (now - *standing.missed < settle_time) return SlurmStep::look;
  return SlurmStep::give_up;
}

EndReport slurm_end(const SlurmJob* job, bool begun) {
  EndReport report;
  report.started = begun;
  if (job == nullptr) {
    report.code = EndCode::interrupted;
    report.detail = "Slurm does not know its job any more, and it left no end behind";
    return report;
  }
  report.code = code_of(job->state);
  report.detail = fmt::format("Slurm's job {} ended as {} ({})", job->id, job->word, job->reason);
  if (report.code == EndCode::engine_failed) {
    const std::int64_t code = job->wait_status >> 8 & 0xff;
    report.detail += fmt::format(" with exit code {} {}", code,
                                 begun ? "and left no end behind" : "before it began");
  }
  if (job->start > 0 && job->end >= job->start && begun) {
    report.usage.started = time_of(job->start);
    report.usage.ended = time_of(job->end);
    report.usage.wall_seconds = static_cast<std::uint64_t>(job->end - job->start);
  }
  return report;
}

}  // namespace tradewind
