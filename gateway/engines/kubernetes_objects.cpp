#include "gateway/engines/kubernetes_objects.h"

#include <utility>

namespace tradewind {
namespace {

template <class Object>
const Object* find(const std::map<std::string, Object>& objects, const std::string& attempt) {
  const auto found = objects.find(attempt);
  return found == objects.end() ? nullptr : &found->second;
}

template <class Object>
std::optional<std::string> keep(std::map<std::string, Object>& objects,
                                Result<Object> object) {
  if (!object || object->attempt.empty()) return std::nullopt;
  std::string attempt = object->attempt;
  objects.insert_or_assign(attempt, std::move(*object));
  return attempt;
}

}  // namespace

std::optional<std::string> KubernetesObjects::put(KubernetesKind kind,
                                                  const boost::json::object& object) {
  return kind == KubernetesKind::job ? keep(jobs_, read_kubernetes_job(object))
                                     : keep(pods_, read_kubernetes_pod(object));
}

std::vector<std::string> KubernetesObjects::put_all(
    KubernetesKind kind, const std::vector<boost::json::object>& objects) {
  std::set<std::string> before;
  if (kind == KubernetesKind::job) {
    for (const auto& [attempt, job] : jobs_) before.insert(attempt);
  } else {
    for (const auto& [attempt, pod] : pods_) before.insert(attempt);
  }
  for (const auto& each : objects) {
    if (const auto attempt = put(kind, each)) before.erase(*attempt);
  }
  listed_.insert(kind);
  return {before.begin(), before.end()};
}

void KubernetesObjects::drop(KubernetesKind kind, const std::string& attempt) {
  if (kind == KubernetesKind::job) {
    jobs_.erase(attempt);
  } else {
    pods_.erase(attempt);
  }
}

const KubernetesJob* KubernetesObjects::job(const std::string& attempt) const {
  return find(jobs_, attempt);
}
const KubernetesPod* KubernetesObjects::pod(const std::string& attempt) const {
  return find(pods_, attempt);
}

}  // namespace tradewind
