// The part of the site file below [engine.kubernetes].
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gateway/toml_table.h"
#include "schemas/site.h"

namespace tradewind {

// Where a pool's nodes are in Kubernetes.
struct KubernetesPoolSettings {
  std::map<std::string, std::string> selector;
  std::string accelerator;
  std::vector<std::string> tolerations;
  friend bool operator==(const KubernetesPoolSettings&, const KubernetesPoolSettings&) = default;
};

struct KubernetesSettings {
  std::string kubeconfig;  // empty: url, token_file and ca_file, or what a pod is given
  std::string url;
  std::string token_file;
  std::string ca_file;
  std::string name_space;  // empty: the kubeconfig's or the pod's
  std::string image;       // of executors that name none
  std::vector<std::string> images;
  std::uint32_t image_minutes = 10;
  std::map<PoolId, KubernetesPoolSettings> pools;
  friend bool operator==(const KubernetesSettings&, const KubernetesSettings&) = default;
};

KubernetesSettings read_kubernetes(const TomlTable& engine, const SiteRecord& record);

}  // namespace tradewind
