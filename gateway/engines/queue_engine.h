// The engine for whatever has a queue: runs attempts as batch jobs.
//
// Each attempt is one batch job, which runs the program tradewind-attempt on a node: it stages
// inputs, runs the executors in sandboxes, stores outputs and records the end, as the process
// engine does here. Gateway and nodes share a file system (NodeExchange). The queue is asked for
// capacity, and which jobs it has, in one request each at a time; how far an attempt has come is
// read from the shared files, so that the queue's own memory of jobs does not matter.
//
// While the queue cannot be reached, capacity() is nothing free and check() refuses; attempts stay
// what they were.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/engines/engine.h"
#include "gateway/engines/process_engine.h"
#include "gateway/engines/queue.h"
#include "gateway/engines/queue_reconcile.h"
#include "schemas/site.h"

namespace tradewind {

struct QueueEngineOptions {
  // How attempts run on a node. Its attempts_directory lies on the shared file system, as does the
  // exchange's.
  ProcessEngineOptions node;
  std::filesystem::path exchange_directory;
  // tradewind-attempt, at a path where nodes of that architecture find it.
  std::map<Architecture, std::string> programs;
  // Beyond a job's own limit, for inputs and outputs.
  std::chrono::seconds staging_time{600};
  std::chrono::seconds settle_time = queue_settle_time;
  // After that, for the queue's accounting to tell what an attempt used that left no end behind.
  std::chrono::seconds accounting_time{30};
  // After an outage, before anything is submitted again: slurmctld may give out the numbers of jobs
  // that it has lost while those still run, and then takes their nodes out of service for it
  // ("Duplicate jobid"). It ends them within 4 s.
  std::chrono::seconds calm_time{10};
  // Of the queue; longer when it takes long to answer.
  std::chrono::milliseconds poll_interval{1'000};
  std::chrono::milliseconds news_interval{30};  // of the shared files
};

// As make_process_engine(); does not wait for the queue. `section` is the site file's for this
// engine ("engine.slurm"), for messages. Fails with ErrorCode::invalid for wrong options and
// unavailable when the shared directories cannot be made.
Result<std::unique_ptr<Engine>> make_queue_engine(boost::asio::io_context& io, std::string section,
                                                  QueueEngineOptions options,
                                                  const std::vector<Pool>& pools,
                                                  std::unique_ptr<Queue> queue,
                                                  Engine::OnEvent on_event);

}  // namespace tradewind
