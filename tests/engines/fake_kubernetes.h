// One fake of Kubernetes' API (tests/engines/kubernetes) for all tests of this process.
#pragma once

#include <string>

#include "gateway/engines/kubernetes_engine.h"
#include "tests/engines/engine_under_test.h"

namespace tradewind::test {

class FakeKubernetes {
 public:
  // Started when first asked for. Why there is none; empty when there is.
  static std::string missing();
  static KubernetesAccess access();
  // "down", "up", "compact", "evict", "cpus/4"; gives what the fake holds and complains of, as
  // JSON.
  static std::string tell(const std::string& what);
  // With the paths and limits that the other kinds are tested with.
  static KubernetesEngineOptions options(const SlurmEngineOptions& like,
                                         const std::filesystem::path& directory);
};

}  // namespace tradewind::test
