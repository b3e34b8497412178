// How bubblewrap is called. The sandbox's root is an empty tmpfs, made anew for each executor, with
// the system's programs read-only, a /proc, a small /dev, the little of /etc that programs need,
// and the attempt's own top-level directories. Nothing is ever mounted inside a directory that a
// job can write to: a symbolic link there would lead the mount elsewhere.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/engines/process_engine.h"
#include "gateway/staging/unique_fd.h"
#include "schemas/result.h"

namespace tradewind {

struct SandboxedCommand {
  std::vector<std::string> argv;
  UniqueFd arguments;  // what the process must find as descriptor 3; -1: nothing
};

class Sandbox {
 public:
  // Descriptor on which bubblewrap tells of the process it starts; see SandboxStatus.
  static constexpr int arguments_descriptor = 3;
  static constexpr int status_descriptor = 4;

  // Tries what this machine lets us have: a user namespace if possible, else (as root) none with
  // all capabilities dropped. Fails with ErrorCode::unavailable, naming the remedy.
  static Result<Sandbox> probe(const ProcessEngineOptions& options);

  // The call that runs `command` in `workdir` with exactly `env`, seeing the `visible` names of the
  // directory `files` and the device nodes `devices`. Environment and mounts go through a memory
  // file, where other users of the machine do not see them.
  Result<SandboxedCommand> wrap(const std::vector<std::string>& command, const std::string& workdir,
                                const std::map<std::string, std::string>& env,
                                const std::filesystem::path& files,
                                const std::set<std::string>& visible, bool network,
                                const std::vector<std::string>& devices) const;

  // Where a job sees the emulator of an architecture.
  static std::string emulator_path(Architecture architecture);

 private:
  Sandbox() = default;
  std::string program_;
  std::vector<std::string> isolation_;  // options that the probe found to work
  std::vector<std::string> system_;     // mounts that are the same for every job
};

// What bubblewrap wrote to its status descriptor.
struct SandboxStatus {
  pid_t init = 0;      // process 1 of the sandbox, in our numbers; 0: not told
  int exit_code = -1;  // of the command; -1: it did not run to an end
};
SandboxStatus parse_sandbox_status(std::string_view text);

// Bytes in a file that only exists in memory, to be read from their start.
Result<UniqueFd> memory_file(std::string_view bytes);

// The program's absolute path by the PATH of the gateway; empty when there is none.
std::string find_program(const std::string& name);

}  // namespace tradewind
