#include "gateway/engines/assignment_check.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "gateway/engines/containers.h"
#include "gateway/engines/job_paths.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

bool holds_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

Status check_env(const std::string& field, const std::map<std::string, std::string>& env) {
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != std::string::npos || holds_nul(name)) {
      return fail(ErrorCode::invalid, field,
                  fmt::format("\"{}\" is no name of a variable", name.substr(0, 64)),
                  "give a name without '=' and NUL");
    }
    if (holds_nul(value)) {
      return fail(ErrorCode::invalid, field + "." + name, "the value holds a NUL", "leave it out");
    }
  }
  return ok();
}

Status check_executor(const std::string& field, const Executor& executor, Programs programs,
                      const ProcessEngineOptions& options) {
  const std::string command = field + ".command";
  if (executor.command.empty() || executor.command.front().empty()) {
    return fail(ErrorCode::invalid, command, "there is no command",
                "give the program and its arguments as a list");
  }
  if (std::ranges::any_of(executor.command, holds_nul)) {
    return fail(ErrorCode::invalid, command, "an argument holds a NUL", "leave it out");
  }
  if (options.containers && !executor.image.empty()) {
    const Status right = check_container(field, executor.image, executor.env, *options.containers);
    return right ? check_env(field + ".env", executor.env) : right;
  }
  // Programs that the job brings or makes cannot be looked at now, those of the machine can.
  const std::string& program = executor.command.front();
  if (programs == Programs::here && program.starts_with('/') &&
      is_system_directory(top_level(program)) && ::access(program.c_str(), X_OK) != 0) {
    return fail(ErrorCode::invalid, command + "[0]",
                fmt::format("this site has no program {}", program),
                "bring it as an executable input, or name one that the site has");
  }
  return check_env(field + ".env", executor.env);
}

Status check_input(const std::string& field, const Input& input, const StagingPolicy& policy) {
  if (input.content.empty() && !input.replicas.empty()) {
    if (input.replicas.size() != 1) {
      return fail(ErrorCode::invalid, field + ".replicas",
                  fmt::format("{} replicas were assigned", input.replicas.size()),
                  "assign exactly one");
    }
    const std::string& url = input.replicas.front().url;
    if (const Status allowed = check_source(policy, field + ".url", url); !allowed) return allowed;
    const auto scheme = check_url(field + ".url", url);
    if (!scheme) return fail(scheme.error());
    if (input.type == FileType::directory && *scheme != UrlScheme::file) {
      return fail(ErrorCode::invalid, field + ".type",
                  "a directory can be staged from a file: URL only",
                  "give an archive, or one input for each file");
    }
  } else if (input.type == FileType::directory) {
    return fail(ErrorCode::invalid, field + ".type", "inline content cannot be a directory",
                "give the type FILE");
  }
  if (input.size_bytes > policy.file_bytes_max && input.type == FileType::file) {
    return fail(ErrorCode::too_large, field + ".size_bytes",
                fmt::format("the file has {} bytes", input.size_bytes),
                fmt::format("the site stages files of at most {} bytes", policy.file_bytes_max));
  }
  return ok();
}

}  // namespace

bool names_image(const Executor& executor) {
  return !executor.image.empty();
}

Status check_assignment(const Assignment& assignment, const ProcessEngineOptions& options,
                        Programs programs) {
  if (!options.pools.contains(assignment.pool)) {
    return fail(ErrorCode::invalid, "pool",
                fmt::format("\"{}\" is no pool of this engine", assignment.pool.value),
                "assign one that the site publishes");
  }
  if (assignment.executors.empty() || assignment.executors.size() > limits::executors_max) {
    return fail(ErrorCode::invalid, "executors",
                fmt::format("there are {} executors", assignment.executors.size()),
                fmt::format("give 1 to {}", limits::executors_max));
  }
  if (assignment.run_seconds_max == 0 || assignment.run_seconds_max > limits::seconds_max) {
    return fail(ErrorCode::invalid, "run_seconds_max",
                fmt::format("{} s is no time limit", assignment.run_seconds_max),
                fmt::format("give 1 to {} seconds", limits::seconds_max));
  }
  for (std::size_t index = 0; index < assignment.executors.size(); ++index) {
    const Status right = check_executor(fmt::format("executors[{}]", index),
                                        assignment.executors[index], programs, options);
    if (!right) return right;
  }
  if (options.containers && std::ranges::any_of(assignment.executors, names_image)) {
    const auto& image = std::ranges::find_if(assignment.executors, names_image)->image;
    if (const Status right =
            check_container("executors", image, assignment.env, *options.containers);
        !right) {
      return right;
    }
    for (const auto& name : visible_names(assignment)) {
      if (const Status right = check_mount("inputs", "/" + name); !right) return right;
    }
  }
  if (const Status right = check_env("env", assignment.env); !right) return right;
  if (const Status right = check_paths(assignment, options.read_only_binds); !right) return right;
  const StagingPolicy staging = policy_for(options.staging, assignment.tenant);
  for (std::size_t index = 0; index < assignment.inputs.size(); ++index) {
    const Status right =
        check_input(fmt::format("inputs[{}]", index), assignment.inputs[index], staging);
    if (!right) return right;
  }
  for (std::size_t index = 0; index < assignment.outputs.size(); ++index) {
    const std::string& url = assignment.outputs[index].url;
    if (url.empty()) continue;
    const Status right = check_target(staging, fmt::format("outputs[{}].url", index), url);
    if (!right) return right;
  }
  return ok();
}

}  // namespace tradewind
