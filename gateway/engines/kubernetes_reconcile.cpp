#include "gateway/engines/kubernetes_reconcile.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// With the times of its containers.
EndReport end_of(const KubernetesPod& pod, const Assignment& assignment) {
  EndReport report;
  std::size_t succeeded = 0;
  for (const KubernetesContainer& each : pod.containers) {
    if (each.began && !report.started) {
      report.started = true;
      report.usage.started = report.usage.ended = each.started;
    }
    if (!each.over || !each.began) break;
    report.executors.push_back({.exit_code = each.exit_code,
                                .started = each.started,
                                .ended = each.ended,
                                .stdout_tail = {},
                                .stderr_tail = {},
                                .image = each.image});
    report.usage.ended = std::max(report.usage.started, each.ended);
    const std::size_t index = report.executors.size() - 1;
    const bool ignored =
        index < assignment.executors.size() && assignment.executors[index].ignore_error;
    if (each.exit_code != 0 && !ignored) break;
    ++succeeded;
  }
  const auto ended = [&](EndCode code, std::string detail) {
    report.code = code;
    report.detail = std::move(detail);
    return report;
  };
  const std::string words = pod.reason + (pod.message.empty() ? "" : ": " + pod.message);
  if (succeeded == assignment.executors.size()) return ended(EndCode::succeeded, "");
  if (pod.reason == "DeadlineExceeded") {
    return ended(EndCode::time_limit,
                 fmt::format("ran longer than its time limit of {} s", assignment.run_seconds_max));
  }
  if (succeeded < pod.containers.size()) {
    const KubernetesContainer& last = pod.containers[succeeded];
    if (last.over && last.reason == "OOMKilled") {
      return ended(EndCode::out_of_memory,
                   fmt::format("executors[{}] used more memory than it was given", succeeded));
    }
    if (last.over && !last.began) {
      return ended(EndCode::engine_failed, fmt::format("executors[{}] could not be started: {}: {}",
                                                       succeeded, last.reason, last.message));
    }
    if (last.over && pod.reason.empty() && !pod.leaving) {
      return ended(EndCode::failed,
                   fmt::format("executors[{}] ended with exit code {}", succeeded, last.exit_code));
    }
  }
  // Drained, evicted, preempted, or deleted by somebody.
  return ended(EndCode::preempted, fmt::format("Kubernetes took it away ({})",
                                               words.empty() ? "its pod is gone" : words));
}

EndReport lost(Wall::time_point now) {
  EndReport report;
  report.code = EndCode::interrupted;
  report.detail = "its job is gone";
  report.usage.started = report.usage.ended = now;
  return report;
}

// Whoever asked for the end first has named it.
EndReport named(EndReport report, const KubernetesStanding& standing, bool lease_over) {
  if (standing.stop) {
    report.code = *standing.stop;
    report.detail = standing.why.empty() ? std::string(to_string(report.code)) : standing.why;
  } else if (lease_over && report.code != EndCode::succeeded) {
    report.code = EndCode::lease_expired;
    report.detail = "the lease ran out without word from the broker";
  }
  return report;
}

}  // namespace

std::optional<EndReport> kubernetes_end(const KubernetesPod& pod, bool gone,
                                        const Assignment& assignment, Wall::time_point now) {
  if (!gone && !pod.over()) return std::nullopt;
  EndReport report = end_of(pod, assignment);
  if (pod.bound != Wall::time_point{}) {
    const bool cut = std::ranges::any_of(pod.containers,
                                         [](const auto& each) { return each.began && !each.over; });
    if (cut) report.usage.ended = now;
    const auto held = std::max(report.usage.ended, pod.bound) - pod.bound;
    report.usage.wall_seconds =
        static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(held).count());
  }
  if (report.usage.ended == Wall::time_point{}) {
    report.usage.started = report.usage.ended = now;
  }
  return report;
}

std::string kubernetes_hopeless(const KubernetesPod& pod, Mono::duration waited) {
  for (const KubernetesContainer& each : pod.containers) {
    if (each.began || each.over) continue;
    const bool never = each.reason == "InvalidImageName" || each.reason == "ErrImageNeverPull" ||
                       each.reason == "CreateContainerConfigError";
    const bool perhaps = each.reason == "ImagePullBackOff" || each.reason == "ErrImagePull" ||
                         each.reason == "CreateContainerError" ||
                         each.reason == "RunContainerError";
    if (never || (perhaps && waited > kubernetes_hopeless_time)) {
      return fmt::format("{} cannot begin: {}: {}", each.name, each.reason, each.message);
    }
  }
  return {};
}

EndReport kubernetes_lost(const KubernetesStanding& standing, Wall::time_point now) {
  return named(lost(now), standing, false);
}

KubernetesVerdict reconcile(const KubernetesStanding& standing, const Assignment& assignment,
                            const KubernetesJob* job, const KubernetesPod* pod, bool gone,
                            Wall::time_point now) {
  const bool deadline_over = job != nullptr && job->failed == "DeadlineExceeded";
  // The job's word of its deadline may come after that of its pod.
  const bool perhaps = standing.lease_end && *standing.lease_end <= now + 1s;
  bool lease_over = deadline_over || (gone && perhaps);
  if (pod == nullptr) {
    if (!gone && !(lease_over && standing.created)) return {};
    return {.end = named(lost(now), standing, lease_over)};
  }
  if (auto report = kubernetes_end(*pod, gone, assignment, now)) {
    lease_over = lease_over || (report->code == EndCode::preempted && perhaps);
    return {.end = named(std::move(*report), standing, lease_over)};
  }
  if (standing.stop) return {};
  return {.hopeless = kubernetes_hopeless(*pod, standing.waited)};
}

}  // namespace tradewind
