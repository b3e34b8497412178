#include "gateway/engines/slurm_job.h"

#include <boost/json.hpp>

#include <fmt/format.h>

namespace tradewind {

std::string slurm_job_document(const SlurmJobRequest& request, const Assignment& assignment,
                               const SlurmPool& pool, const SlurmAccount& account) {
  const std::uint64_t units = assignment.units;
  const Resources& unit = pool.pool.unit;
  const std::string output = request.directory + "/job.out";
  boost::json::object job{
      {"name", "tradewind-" + request.name},
      {"comment", request.key},
      {"partition", pool.partition},
      {"current_working_directory", request.directory},
      {"environment", {{"PATH", "/usr/local/bin:/usr/bin:/bin"}}},
      {"standard_output", output},
      {"standard_error", output},
      {"nodes", assignment.nodes},
      {"tasks", assignment.nodes},
      {"cpus_per_task", units * unit.cpus},
      {"memory_per_node", units * unit.memory_mib},
      {"time_limit", (request.seconds_max + 59) / 60},
      // "requeue": false is ignored without a word; a job that Slurm starts again after a node's
      // failure would find its attempt begun and do nothing.
      {"no_requeue", true},
  };
  if (unit.accelerators > 0) {
    job["gres"] = fmt::format("{}:{}", pool.gres, units * unit.accelerators);
  }
  if (!pool.features.empty()) job["constraints"] = pool.features;
  if (!account.account.empty()) job["account"] = account.account;
  if (!account.qos.empty()) job["qos"] = account.qos;
  return boost::json::serialize(boost::json::object{
      {"script", fmt::format("#!/bin/sh\nexec {}\n", request.command)}, {"job", std::move(job)}});
}

}  // namespace tradewind
