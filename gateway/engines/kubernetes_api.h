// The few things that are asked of a Kubernetes API server.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/engines/http_client.h"
#include "gateway/engines/kubernetes_access.h"
#include "gateway/engines/kubernetes_records.h"
#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// Any thread; all calls block. Where the server cannot be reached they fail with
// ErrorCode::unavailable or, when it may have heard, maybe_delivered; with unauthenticated or
// forbidden when it does not take us, and with not_found, conflict or refused (never, as it is).
class KubernetesApi {
 public:
  KubernetesApi(KubernetesAccess access, std::string namespace_name);

  const std::string& url() const { return access_.url; }
  // Calls on their way end soon, and watches at once.
  void stop() { http_.stop(); }

  // Fine also when it is there already: its name tells that it is the same.
  Status create_job(const std::string& document);
  Status create_secret(const std::string& document);
  Result<KubernetesJob> job(const std::string& name);
  // Gone with its pods some time later. Fine also when it is not there.
  Status delete_job(const std::string& name);
  Status set_deadline(const std::string& name, std::int64_t seconds);
  // What a container wrote, both streams in one, at most `bytes_max` from its start.
  Result<std::string> log(const std::string& pod, const std::string& container,
                          std::uint64_t bytes_max);

  // `what` is "jobs" or "pods" of the namespace with the label, or all "nodes" and "pods" of the
  // cluster: see paths below.
  Result<KubernetesList> list(const std::string& path);
  // Changes after `version`, until the server says no more. corrupt when it speaks of something
  // else, not_found when the version is too old.
  Status watch(const std::string& path, const std::string& version,
               const std::function<void(KubernetesEvent)>& on_event);

  std::string jobs_path(std::string_view gateway) const;
  std::string pods_path(std::string_view gateway) const;
  static std::string nodes_path() { return "/api/v1/nodes"; }
  // Of all that take something of a node.
  static std::string all_pods_path();

 private:
  Result<HttpAnswer> call(const char* method, const std::string& path, const std::string& body = {},
                          std::string_view content_type = "application/json");
  // Only what is no success is an error.
  Status judge(const Result<HttpAnswer>& answer) const;
  std::vector<std::string> headers(std::string_view content_type);
  void refused();

  const KubernetesAccess access_;
  const std::string namespace_;
  HttpClient http_;
  std::mutex mutex_;
  std::string token_;
  Mono::time_point token_read_{};
};

}  // namespace tradewind
