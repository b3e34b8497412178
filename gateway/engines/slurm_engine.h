// The Slurm engine: runs attempts as batch jobs of a Slurm cluster (queue_engine.h), through
// slurmrestd or Slurm's own commands.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/engines/engine.h"
#include "gateway/engines/queue_engine.h"
#include "gateway/engines/slurm_client.h"
#include "gateway/engines/slurm_job.h"
#include "gateway/engines/slurm_records.h"

namespace tradewind {

struct SlurmEngineOptions : QueueEngineOptions {
  SlurmAccess access;
  std::vector<SlurmPool> pools;
  SlurmAccount account;  // of tenants that are not listed
  std::map<TenantId, SlurmAccount> accounts;
};

// As make_queue_engine().
Result<std::unique_ptr<Engine>> make_slurm_engine(boost::asio::io_context& io,
                                                  SlurmEngineOptions options,
                                                  Engine::OnEvent on_event);

// What a Slurm has, for those who write a site file. Blocks.
Result<std::vector<SlurmNode>> discover_slurm(const SlurmAccess& access);

}  // namespace tradewind
