#include "gateway/engines/slurm_job.h"

#include <boost/json.hpp>

#include <fmt/format.h>

#include "gateway/engines/slurm_words.h"

namespace tradewind {

SlurmSubmission slurm_submission(const SlurmJobRequest& request, const Assignment& assignment,
                                 const SlurmPool& pool, const SlurmAccount& account) {
  const std::uint64_t units = assignment.units;
  const Resources& unit = pool.pool.unit;
  SlurmSubmission made;
  made.name = slurm_job_name(request.name);
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

std::string slurm_document(const SlurmSubmission& submission, int version) {
  const std::string path = "/usr/local/bin:/usr/bin:/bin";
  boost::json::object job{
      {"name", submission.name},
      {"comment", submission.key},
      {"partition", submission.partition},
      {"current_working_directory", submission.directory},
      {"standard_output", submission.output},
      {"standard_error", submission.output},
      {"tasks", submission.nodes},
      {"cpus_per_task", submission.cpus},
  };
  if (version >= slurm_typed_version) {
    job["environment"] = boost::json::array{"PATH=" + path};
    job["nodes"] = std::to_string(submission.nodes);
    job["memory_per_node"] = {{"set", true}, {"number", submission.memory_mib}};
    job["time_limit"] = {{"set", true}, {"number", submission.minutes_max}};
    job["requeue"] = false;
    if (!submission.gres.empty()) {
      // As Slurm itself wrote it, when these versions came.
      job["tres_per_node"] = (version == slurm_typed_version ? "gres:" : "gres/") + submission.gres;
    }
  } else {
    job["environment"] = {{"PATH", path}};
    job["nodes"] = submission.nodes;
    job["memory_per_node"] = submission.memory_mib;
    job["time_limit"] = submission.minutes_max;
    // "requeue": false is ignored without a word; a job that Slurm starts again after a node's
    // failure would find its attempt begun and do nothing.
    job["no_requeue"] = true;
    if (!submission.gres.empty()) job["gres"] = submission.gres;
  }
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
