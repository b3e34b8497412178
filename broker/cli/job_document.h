// Job documents: read from a JSON or YAML file, or made from the options of a command line.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/cli/configuration.h"
#include "schemas/result.h"

namespace tradewind::cli {

// Options of `submit` and `quote` that describe a job.
struct JobOptions {
  std::string file;  // JSON or YAML; "-": standard input; empty: only options
  std::string name;
  std::string description;
  std::uint32_t cpus = 0;
  std::string memory_gib;
  std::string disk_gib;
  std::uint32_t accelerators = 0;
  std::string accelerator_family;
  std::vector<std::string> accelerator_models;
  std::uint32_t accelerator_memory_gib = 0;
  std::uint32_t nodes = 0;
  std::vector<std::string> architectures;
  std::string image;
  std::string workdir;
  std::string stdin_path;
  std::string stdout_path;
  std::string stderr_path;
  std::string workload_class;
  std::uint64_t work_seconds = 0;
  std::uint64_t duration_seconds = 0;
  std::uint64_t run_seconds_max = 0;
  std::uint64_t queue_seconds_max = 0;
  std::uint64_t total_seconds_max = 0;
  std::vector<std::string> after;
  std::vector<std::string> inputs;    // PATH=URL
  std::vector<std::string> datasets;  // PATH=NAME
  std::vector<std::string> outputs;   // PATH=URL, or PATH alone
  std::vector<std::string> env;       // NAME=VALUE
  std::vector<std::string> tags;      // NAME=VALUE
  // By the member of `constraints` that they set.
  std::map<std::string, std::vector<std::string>> places;  // sites_allowed, regions_denied, …
  std::vector<std::string> labels;                         // NAME=VALUE
  std::vector<std::string> labels_denied;                  // NAME=VALUE
  std::string latency;                                     // REGION=MILLISECONDS
  std::string cost_max;
  std::string rate_max;
  std::uint32_t wait_seconds_max = 0;
  std::uint32_t carbon_max = 0;
  std::string deadline;
  std::string objective;
  std::string value_per_hour;
  std::string home_region;
  std::int32_t priority = 0;
  bool preemptible = false;
  bool network = false;
  bool no_restart = false;
  std::uint32_t attempts_max = 0;
  std::string on_disconnect;
  std::uint32_t array_count = 0;
  std::vector<std::string> command;
};

void add_job_options(CLI::App& command, JobOptions& options);

// The document to post: the file's, with what the options say put over it, and the defaults where
// neither says anything.
Result<boost::json::object> job_document(const JobOptions& options, const JobDefaults& defaults);
// YAML (and so JSON) text as JSON. Plain scalars become null, booleans and integers where they look
// like it, all else text; decimals stay text, so that no digit is lost.
Result<boost::json::value> json_from_yaml(const std::string& text, const std::string& name);

}  // namespace tradewind::cli
