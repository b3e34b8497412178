// The Slurm engine: runs attempts as batch jobs of a Slurm cluster, through slurmrestd.
//
// Each attempt is one batch job, which runs the program tradewind-attempt on a node: it stages
// inputs, runs the executors in sandboxes, stores outputs and records the end, as the process
// engine does here. Gateway and nodes share a file system (NodeExchange). Slurm is asked for
// capacity, and which jobs it has, in one request each at a time; how far an attempt has come is
// read from the shared files, so that Slurm's own memory of jobs does not matter.
//
// While Slurm cannot be reached, capacity() is nothing free and check() refuses; attempts stay what
// they were.
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
#include "gateway/engines/slurm_job.h"
#include "gateway/engines/slurm_reconcile.h"
#include "gateway/engines/slurm_records.h"

namespace tradewind {

struct SlurmEngineOptions {
  std::string url;         // of slurmrestd, "http://127.0.0.1:6820"
  std::string user;        // whose token it is: the account that the gateway runs as
  std::string token_file;  // one of the two
  std::string token_command;
  // How attempts run on a node. Its attempts_directory lies on the shared file system, as does the
  // exchange's.
  ProcessEngineOptions node;
  std::filesystem::path exchange_directory;
  // tradewind-attempt, at a path where nodes of that architecture find it.
  std::map<Architecture, std::string> programs;
  std::vector<SlurmPool> pools;
  SlurmAccount account;  // of tenants that are not listed
  std::map<TenantId, SlurmAccount> accounts;
  // Beyond a job's own limit, for inputs and outputs.
  std::chrono::seconds staging_time{600};
  std::chrono::seconds settle_time = slurm_settle_time;
  // After an outage, before anything is submitted again: slurmctld may give out the numbers of jobs
  // that it has lost while those still run, and then takes their nodes out of service for it
  // ("Duplicate jobid"). It ends them within 4 s.
  std::chrono::seconds calm_time{10};
  std::chrono::milliseconds poll_interval{1'000};  // of Slurm; longer when it takes long to answer
  std::chrono::milliseconds news_interval{30};     // of the shared files
};

// As make_process_engine(); does not wait for Slurm. Fails with ErrorCode::invalid for wrong
// options and unavailable when the shared directories cannot be made.
Result<std::unique_ptr<Engine>> make_slurm_engine(boost::asio::io_context& io,
                                                  SlurmEngineOptions options,
                                                  Engine::OnEvent on_event);

// What a Slurm has, for those who write a site file. Blocks.
Result<std::vector<SlurmNode>> discover_slurm(const SlurmEngineOptions& options);

}  // namespace tradewind
