// The command lines of container runtimes. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gateway/engines/container_options.h"
#include "schemas/architecture.h"

namespace tradewind {

struct ContainerMount {
  std::string source;
  std::string target;
  bool read_only = false;
};

// One run of one container.
struct ContainerRun {
  std::string name;
  std::string image;  // that surely means the bytes that were looked at
  std::vector<std::string> command;
  std::string workdir;
  std::vector<ContainerMount> mounts;
  std::vector<std::string> devices;
  bool network = false;
  bool input = false;              // it reads its standard input
  std::string env_file;            // of podman: the path of lines NAME=VALUE
  std::string process_file;        // of podman: where the number of the process above is written
  std::uint64_t memory_bytes = 0;  // limits; 0: none
  std::uint32_t cpus = 0;
  std::uint32_t processes_max = 0;
  std::uint64_t file_bytes_max = 0;
  // Of the gateway's own limits, which a container cannot exceed; 0: left to the runtime.
  std::uint64_t open_files_max = 0;
  std::uint64_t user_processes_max = 0;
};

// What a run consists of, after program and options. Words are taken as they are, but for
// placeholders: {name}, {image}, {user}, {workdir}, {env_file}, {process_file}, {program} (the
// command's first word, as a JSON list) within a word; and as whole words that become several or
// none: {arguments} (the command's other words), {command}, {input}, {network}, {limits}, {mounts},
// {devices}.
const std::vector<std::string>& default_run(ContainerRuntime runtime);
std::vector<std::string> run_words(const ContainerOptions& options, const ContainerRun& run);

// Whether containers live beside the process that started them, and stay until they are removed.
bool lives_apart(ContainerRuntime runtime);
// How a runtime is given the environment: where not by a file, in its own, with this before names.
std::string_view env_prefix(ContainerRuntime runtime);

// The other commands, each after program and options. Empty where the runtime has none.
std::vector<std::string> pull_words(ContainerRuntime runtime, const std::string& image,
                                    Architecture architecture);
std::vector<std::string> state_words(const std::string& name);
std::vector<std::string> remove_words();  // names of containers follow
std::vector<std::string> list_words(const std::string& name_prefix);

}  // namespace tradewind
