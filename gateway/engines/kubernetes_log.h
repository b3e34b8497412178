// What the containers of an attempt's pod wrote, kept at the site. Blocks; any thread.
#pragma once

#include <cstdint>

#include "gateway/engines/attempt_directory.h"
#include "gateway/engines/kubernetes_api.h"
#include "gateway/engines/kubernetes_records.h"
#include "schemas/dispatch.h"

namespace tradewind {

// Puts what all containers that began wrote so far, one after the other and of each at most
// `bytes_max`, in place of the attempt's log; and the end of each into `report`, of the same
// executor, unless null. What was kept before stays where the API server cannot tell.
void keep_kubernetes_log(KubernetesApi& api, const KubernetesPod& pod,
                         const AttemptDirectory& directory, std::uint64_t bytes_max,
                         EndReport* report);

}  // namespace tradewind
