// How an attempt stands by what Kubernetes says of its job and its pod, and how it has ended. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "gateway/engines/kubernetes_records.h"
#include "schemas/dispatch.h"
#include "schemas/time.h"

namespace tradewind {

// What the gateway knows of an attempt that has not ended.
struct KubernetesStanding {
  bool created = false;                         // Kubernetes has taken its job
  std::optional<EndCode> stop{};                // the gateway wants it to end
  std::string why{};                            // in words; empty: the code's own
  std::optional<Wall::time_point> lease_end{};  // nothing: no lease
  Mono::duration waited{};                      // since it was taken
};

// One of the two at most; neither: it goes on.
struct KubernetesVerdict {
  std::optional<EndReport> end{};  // it is over, like this
  std::string hopeless{};          // why it will never begin
};

// `job` and `pod` are null where they are not known. `gone`: the pod was there and is not any more,
// or it never came and never will.
KubernetesVerdict reconcile(const KubernetesStanding& standing, const Assignment& assignment,
                            const KubernetesJob* job, const KubernetesPod* pod, bool gone,
                            Wall::time_point now);

// The end of an attempt that has left nothing behind in Kubernetes.
EndReport kubernetes_lost(const KubernetesStanding& standing, Wall::time_point now);

// How an attempt ended whose pod is over, or gone (`gone`), by the pod alone; nothing: it is not.
// What it is charged begins when a node took the pod, and until `now` where it was cut off.
std::optional<EndReport> kubernetes_end(const KubernetesPod& pod, bool gone,
                                        const Assignment& assignment, Wall::time_point now);
// An image that cannot be pulled is tried so long: registries are away now and then.
inline constexpr std::chrono::seconds kubernetes_hopeless_time{120};
// Why a pod will never begin that has waited so long; empty: it may.
std::string kubernetes_hopeless(const KubernetesPod& pod, Mono::duration waited);

}  // namespace tradewind
