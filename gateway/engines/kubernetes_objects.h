// The jobs and pods of a gateway's attempts, as the API server has told of them so far. Pure.
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/engines/kubernetes_records.h"

namespace tradewind {

enum class KubernetesKind : std::size_t { job, pod };
inline constexpr std::size_t kubernetes_kinds = 2;

class KubernetesObjects {
 public:
  // Takes in an object, and gives the attempt that it belongs to; nothing for others.
  std::optional<std::string> put(KubernetesKind kind, const boost::json::object& object);
  // These are all there are: takes them in, and gives the attempts that have none any more, of
  // which what was known stays until `drop`.
  std::vector<std::string> put_all(KubernetesKind kind,
                                   const std::vector<boost::json::object>& objects);
  void drop(KubernetesKind kind, const std::string& attempt);
  // Whether all of both kinds have been told of once.
  bool complete() const { return listed_.size() == kubernetes_kinds; }

  // By attempt.
  const std::map<std::string, KubernetesJob>& jobs() const { return jobs_; }
  const KubernetesJob* job(const std::string& attempt) const;
  const KubernetesPod* pod(const std::string& attempt) const;

 private:
  std::map<std::string, KubernetesJob> jobs_;
  std::map<std::string, KubernetesPod> pods_;
  std::set<KubernetesKind> listed_;
};

}  // namespace tradewind
