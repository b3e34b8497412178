// How a Kubernetes API server is reached, and as whom.
#pragma once

#include <string>
#include <string_view>

#include "schemas/result.h"

namespace tradewind {

struct KubernetesAccess {
  std::string url;      // "https://10.0.0.1:6443"
  std::string ca_file;  // one of the two; both empty: the system's authorities
  std::string ca_pem;
  std::string token_file;  // one of the three; read again when it may have changed
  std::string token;
  std::string certificate_pem;  // with key_pem
  std::string key_pem;
  std::string namespace_name;  // of the context; may be empty
  friend bool operator==(const KubernetesAccess&, const KubernetesAccess&) = default;
};

// Of a kubeconfig's current context. Programs that make credentials ("exec", "auth-provider") are
// not run, and certificates not left unchecked: both are refused. Fails with ErrorCode::invalid,
// naming the place. Files that it names are read; relative ones lie beside `path`.
Result<KubernetesAccess> read_kubeconfig(std::string_view text, const std::string& path);

// What Kubernetes gives to a pod; not_found outside of one.
Result<KubernetesAccess> access_of_pod();

}  // namespace tradewind
