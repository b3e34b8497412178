#include "gateway/engines/slurm_job.h"

#include <boost/json.hpp>

#include <fmt/format.h>

namespace tradewind {

SlurmSubmission slurm_submission(const SlurmJobRequest& request, const Assignment& assignment,
                                 const SlurmPool& pool, const SlurmAccount& account) {
  const std::uint64_t units = assignment.units;
  const Resources& unit = pool.pool.unit;
  SlurmSubmission made;
  made.name = "tradewind-" + request.name;
  made.key = request.key;
  made.directory = request.directory;
  made.output = request.directory + "/job.out";
  made.command = request.command;
  made.partition = pool.partition;
  made.features = pool.features;
  if (unit.accelerators > 0) made.gres = fmt::format("{}:{}", pool.gres, units * unit.accelerators);
  made.account = account.account;
  made.qos = account.qos;
  made.nodes = assignment.nodes;
  made.cpus = units * unit.cpus;
  made.memory_mib = units * unit.memory_mib;
  made.minutes_max = (request.seconds_max + 59) / 60;
  return made;
}

std::string slurm_document(const SlurmSubmission& submission) {
  boost::json::object job{
      {"name", submission.name},
      {"comment", submission.key},
      {"partition", submission.partition},
      {"current_working_directory", submission.directory},
      {"environment", {{"PATH", "/usr/local/bin:/usr/bin:/bin"}}},
      {"standard_output", submission.output},
      {"standard_error", submission.output},
      {"nodes", submission.nodes},
      {"tasks", submission.nodes},
      {"cpus_per_task", submission.cpus},
      {"memory_per_node", submission.memory_mib},
      {"time_limit", submission.minutes_max},
      // "requeue": false is ignored without a word; a job that Slurm starts again after a node's
      // failure would find its attempt begun and do nothing.
      {"no_requeue", true},
  };
  if (!submission.gres.empty()) job["gres"] = submission.gres;
  if (!submission.features.empty()) job["constraints"] = submission.features;
  if (!submission.account.empty()) job["account"] = submission.account;
  if (!submission.qos.empty()) job["qos"] = submission.qos;
  return boost::json::serialize(
      boost::json::object{{"script", fmt::format("#!/bin/sh\nexec {}\n", submission.command)},
                          {"job", std::move(job)}});
}

std::vector<std::string> sbatch_options(const SlurmSubmission& submission) {
  std::vector<std::string> options{
      "--parsable",
      "--no-requeue",
      "--job-name=" + submission.name,
      "--comment=" + submission.key,
      "--partition=" + submission.partition,
      "--chdir=" + submission.directory,
      "--output=" + submission.output,
      "--error=" + submission.output,
      fmt::format("--nodes={}", submission.nodes),
      fmt::format("--ntasks={}", submission.nodes),
      fmt::format("--cpus-per-task={}", submission.cpus),
      fmt::format("--mem={}M", submission.memory_mib),
      fmt::format("--time={}", submission.minutes_max),
  };
  if (!submission.gres.empty()) options.push_back("--gres=" + submission.gres);
  if (!submission.features.empty()) options.push_back("--constraint=" + submission.features);
  if (!submission.account.empty()) options.push_back("--account=" + submission.account);
  if (!submission.qos.empty()) options.push_back("--qos=" + submission.qos);
  options.push_back("--wrap=exec " + submission.command);
  return options;
}

}  // namespace tradewind
