// The Kubernetes engine: runs attempts as jobs (batch/v1) of a cluster, through its API server.
//
// Each attempt is one job with one pod, whose containers are the executors: all but the last as
// initial containers, which Kubernetes runs in order. The job's name follows from the attempt, so
// that asking twice makes one. Jobs and pods are watched; what a job's pod says is how the attempt
// stands. A lease is the job's own deadline, moved with each renewal, so that Kubernetes ends the
// job when the gateway is gone.
//
// The gateway keeps each attempt's ticket, log and end in a directory of its own. While the API
// server cannot be reached, capacity() is nothing free and check() refuses; attempts stay what they
// were.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/engines/engine.h"
#include "gateway/engines/kubernetes_access.h"
#include "gateway/engines/kubernetes_job.h"
#include "gateway/engines/remote_engine.h"

namespace tradewind {

struct KubernetesEngineOptions : RemoteEngineOptions {
  KubernetesAccess access;
  std::string namespace_name;       // where its jobs are made; it must be there
  std::filesystem::path directory;  // the attempts' own lies in it
  std::vector<KubernetesPool> pools;
  KubernetesJobOptions job;  // but for `gateway`, which follows from directory and namespace
  std::uint64_t log_bytes_max = 16ULL << 20;  // kept of each container
  // How often nodes and pods of the cluster are counted, and deadlines looked at.
  std::chrono::milliseconds poll_interval{2'000};
};

// As make_process_engine(); does not wait for Kubernetes. Fails with ErrorCode::invalid for wrong
// options and unavailable when the directory cannot be made.
Result<std::unique_ptr<Engine>> make_kubernetes_engine(boost::asio::io_context& io,
                                                       KubernetesEngineOptions options,
                                                       Engine::OnEvent on_event);

}  // namespace tradewind
