// What an API server tells a gateway: its own jobs and pods, listed once and watched from then on,
// and from time to time the nodes and pods of the whole cluster. Whatever breaks off begins anew,
// at growing intervals while the server is away. All on the loop's thread; threads of its own wait
// for the server, until KubernetesApi::stop().
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/engines/kubernetes_api.h"
#include "gateway/engines/kubernetes_objects.h"
#include "gateway/engines/kubernetes_records.h"
#include "gateway/engines/loop_tasks.h"
#include "gateway/engines/warnings.h"
#include "gateway/staging/worker_pool.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

struct KubernetesCluster {
  std::vector<KubernetesNode> nodes;
  std::vector<KubernetesPod> pods;  // of everybody
};

class KubernetesWatch : private LoopTasks {
 public:
  struct Handlers {
    // The job or the pod of this attempt is there, or has changed.
    std::function<void(const std::string& attempt)> changed;
    // Its pod is gone, and stays in objects() for the time of this call; or its job is, and it has
    // no pod.
    std::function<void(const std::string& attempt)> gone;
    // All jobs, or all pods, are in objects() anew.
    std::function<void()> listed;
    // Again and again, a poll interval or more between: nullptr when the server is away.
    std::function<void(const KubernetesCluster*)> counted;
  };

  // `gateway` is KubernetesJobOptions::gateway. Nothing is told before the loop goes on. `api` and
  // `warnings` must outlive it.
  KubernetesWatch(boost::asio::io_context& io, KubernetesApi& api, const std::string& gateway,
                  std::chrono::milliseconds poll_interval, Warnings& warnings, Handlers handlers);

  const KubernetesObjects& objects() const { return objects_; }
  // Why nothing can be asked of the server now, with ErrorCode::unavailable: the last of one kind
  // of question has failed, or has not been answered yet.
  const std::optional<Error>& down() const { return down_; }

 private:
  // Of one kind, how it is followed.
  struct Following {
    std::string path;
    boost::asio::steady_timer timer;
    std::string version{};
    bool expired = false;  // the version is too old to go on from
    Mono::duration back_off{};
  };

  void heard(std::string_view kind, const Status& answer);
  Following& followed(KubernetesKind kind) { return following_[static_cast<std::size_t>(kind)]; }
  void list(KubernetesKind kind);
  void watch(KubernetesKind kind);
  void on_change(KubernetesKind kind, const KubernetesEvent& event);
  void drop(KubernetesKind kind, const std::string& attempt);
  void count();

  KubernetesApi& api_;
  const std::chrono::milliseconds poll_interval_;
  Warnings& warnings_;
  const Handlers handlers_;
  KubernetesObjects objects_;

  std::set<std::string> waiting_for_{"jobs", "pods", "nodes"};  // have not been heard of yet
  std::map<std::string, Error> troubles_;
  std::optional<Error> down_ = Error{ErrorCode::unavailable, "engine.kubernetes.url",
                                     "Kubernetes has not answered yet", "wait"};

  std::array<Following, kubernetes_kinds> following_;
  boost::asio::steady_timer count_timer_;
  // Last: its threads use what stands above.
  WorkerPool calls_;
};

}  // namespace tradewind
