// What is asked of Kubernetes for one attempt: a job, and a secret with its small inputs. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/site.h"

namespace tradewind {

// Where a pool's nodes are in Kubernetes.
struct KubernetesPool {
  Pool pool;                                    // as it is sold
  std::map<std::string, std::string> selector;  // labels of its nodes
  std::string accelerator;                      // what one is called: "nvidia.com/gpu"
  std::vector<std::string> tolerations;         // keys of taints that its jobs bear
  friend bool operator==(const KubernetesPool&, const KubernetesPool&) = default;
};

struct KubernetesJobOptions {
  std::string gateway;              // value of the label by which its jobs are found
  std::string image;                // of executors that name none; empty: such are refused
  std::vector<std::string> images;  // what jobs may name, as image_allowed() takes it
  // Before a pod's own deadline counts against it: images on their way.
  std::chrono::seconds image_time{600};
  std::chrono::milliseconds stop_grace{2'000};
  // How long Kubernetes keeps a job that nobody fetched the end of.
  std::chrono::seconds kept{86'400};
};

// The job's name, and its secret's: the same for an attempt whenever it is asked for, so that a
// second one is refused as there already.
std::string kubernetes_name(std::string_view gateway, const AttemptId& attempt);

// Whether Kubernetes could ever run it, beyond check_assignment(): it needs images, has one node,
// and no data but what lies in the job. Fails with ErrorCode::invalid.
Status check_kubernetes(const Assignment& assignment, const KubernetesJobOptions& options,
                        const std::vector<KubernetesPool>& pools);

// `attempt` is AttemptDirectory::name(). Until `deadline_seconds` from its start the job may live;
// nothing: no lease ends it.
std::string kubernetes_job_document(const std::string& name, const std::string& attempt,
                                    const Assignment& assignment, const KubernetesPool& pool,
                                    const KubernetesJobOptions& options,
                                    std::optional<std::int64_t> deadline_seconds);
// The content of the inputs, owned by the job so that it goes with it. Empty: there are none.
std::string kubernetes_secret_document(const std::string& name, const std::string& job_uid,
                                       const Assignment& assignment,
                                       const KubernetesJobOptions& options);

}  // namespace tradewind
