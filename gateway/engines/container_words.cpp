#include "gateway/engines/container_words.h"

#include <algorithm>
#include <boost/json.hpp>

#include <fmt/format.h>

namespace tradewind {
namespace {

using Words = std::vector<std::string>;

Words network_words(const ContainerOptions& options, const ContainerRun& run) {
  if (options.runtime == ContainerRuntime::podman) {
    return {"--network=" + (run.network ? options.network : "none")};
  }
  return run.network ? Words{} : Words{"--net", "--network=none"};
}

// Apptainer's processes are below ours, and limited as ours are.
Words limit_words(const ContainerOptions& options, const ContainerRun& run) {
  Words words;
  if (options.runtime != ContainerRuntime::podman) return words;
  if (run.memory_bytes > 0) {
    words.push_back(fmt::format("--memory={}", run.memory_bytes));
    words.push_back(fmt::format("--memory-swap={}", run.memory_bytes));
  }
  if (run.cpus > 0) words.push_back(fmt::format("--cpus={}", run.cpus));
  if (run.processes_max > 0) words.push_back(fmt::format("--pids-limit={}", run.processes_max));
  const auto limit = [&words](std::string_view name, std::uint64_t value) {
    if (value > 0) words.push_back(fmt::format("--ulimit={0}={1}:{1}", name, value));
  };
  limit("fsize", run.file_bytes_max);
  limit("nofile", run.open_files_max);
  limit("nproc", run.user_processes_max);
  return words;
}

Words mount_words(const ContainerOptions& options, const ContainerRun& run) {
  const std::string_view option =
      options.runtime == ContainerRuntime::podman ? "--volume" : "--bind";
  Words words;
  for (const ContainerMount& each : run.mounts) {
    words.push_back(
        fmt::format("{}={}:{}:{}", option, each.source, each.target, each.read_only ? "ro" : "rw"));
  }
  return words;
}

Words device_words(const ContainerOptions& options, const ContainerRun& run) {
  const std::string_view option =
      options.runtime == ContainerRuntime::podman ? "--device" : "--bind";
  Words words;
  for (const std::string& each : run.devices) words.push_back(fmt::format("{}={}", option, each));
  return words;
}

// One pass: what is put in is not looked at again, since it may be a job's own words.
std::string filled(std::string_view word,
                   const std::map<std::string, std::string, std::less<>>& values) {
  std::string result;
  while (!word.empty()) {
    const auto open = std::min(word.find('{'), word.size());
    result += word.substr(0, open);
    word.remove_prefix(open);
    const auto value = values.find(word.substr(0, word.find('}') + 1));
    if (value == values.end()) {
      result += word.substr(0, 1);
      word.remove_prefix(std::min<std::size_t>(1, word.size()));
    } else {
      result += value->second;
      word.remove_prefix(value->first.size());
    }
  }
  return result;
}

}  // namespace

const Words& default_run(ContainerRuntime runtime) {
  static const Words podman{"run",
                            "--name={name}",
                            "--pull=never",
                            "--user={user}",
                            "--workdir={workdir}",
                            "--hostname=tradewind",
                            "--env-file={env_file}",
                            "--http-proxy=false",
                            "--cap-drop=all",
                            "--security-opt=no-new-privileges",
                            "--no-healthcheck",
                            "--ulimit=core=0:0",
                            "--log-driver=none",
                            "--conmon-pidfile={process_file}",
                            "{network}",
                            "{input}",
                            "{limits}",
                            "{mounts}",
                            "{devices}",
                            "--entrypoint={program}",
                            "{image}",
                            "{arguments}"};
  static const Words apptainer{
      "exec",     "--containall", "--cleanenv",      "--no-home",        "--no-privs", "{network}",
      "{mounts}", "{devices}",    "--pwd={workdir}", "docker://{image}", "{command}"};
  return runtime == ContainerRuntime::podman ? podman : apptainer;
}

Words run_words(const ContainerOptions& options, const ContainerRun& run) {
  const std::map<std::string, Words, std::less<>> lists{
      {"{arguments}", Words(run.command.begin() + 1, run.command.end())},
      {"{command}", run.command},
      {"{input}", run.input ? Words{"--interactive"} : Words{}},
      {"{network}", network_words(options, run)},
      {"{limits}", limit_words(options, run)},
      {"{mounts}", mount_words(options, run)},
      {"{devices}", device_words(options, run)}};
  const std::map<std::string, std::string, std::less<>> values{
      {"{name}", run.name},
      {"{image}", run.image},
      {"{user}", options.user},
      {"{workdir}", run.workdir},
      {"{env_file}", run.env_file},
      {"{process_file}", run.process_file},
      {"{program}",
       boost::json::serialize(boost::json::array{boost::json::string(run.command.front())})}};
  Words words;
  for (const std::string& each : options.run.empty() ? default_run(options.runtime) : options.run) {
    if (const auto list = lists.find(each); list != lists.end()) {
      words.insert(words.end(), list->second.begin(), list->second.end());
      continue;
    }
    words.push_back(filled(each, values));
  }
  return words;
}

bool lives_apart(ContainerRuntime runtime) {
  return runtime == ContainerRuntime::podman;
}

std::string_view env_prefix(ContainerRuntime runtime) {
  return runtime == ContainerRuntime::podman ? "" : "APPTAINERENV_";
}

Words pull_words(ContainerRuntime runtime, const std::string& image, Architecture architecture) {
  if (runtime != ContainerRuntime::podman) return {};
  return {"pull", "--quiet", fmt::format("--arch={}", to_string(architecture)), image};
}

Words state_words(const std::string& name) {
  return {"container", "inspect",
          "--format={{.State.StartedAt.Unix}} {{.State.ExitCode}} {{.State.OOMKilled}}", name};
}

Words remove_words() {
  return {"rm", "--force", "--time=0", "--volumes", "--ignore"};
}

Words list_words(const std::string& name_prefix) {
  return {"ps", "--all", "--format={{.Names}}", "--filter=name=^" + name_prefix};
}

}  // namespace tradewind
