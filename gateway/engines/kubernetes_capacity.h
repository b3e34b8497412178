// What a pool's nodes in a Kubernetes cluster can still take. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "gateway/engines/engine.h"
#include "gateway/engines/kubernetes_job.h"
#include "gateway/engines/kubernetes_records.h"
#include "schemas/time.h"

namespace tradewind {

// Attempts of a pool that wait for a node.
struct KubernetesWaiting {
  std::uint64_t units = 0;
  Mono::duration longest{};  // that one of them has waited so far
};

// When `pods` are all of the cluster. Units of what waits for a node are taken already. Kubernetes
// makes no estimate of when there is room, so what comes next is told to wait as long as others
// have, half a minute at least.
EngineCapacity kubernetes_capacity(const KubernetesPool& pool,
                                   const std::vector<KubernetesNode>& nodes,
                                   const std::vector<KubernetesPod>& pods,
                                   const KubernetesWaiting& waiting);

}  // namespace tradewind
