// Starts a process.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

struct LaunchSpec {
  std::vector<std::string> argv;  // argv[0] is the program's absolute path
  std::vector<std::string> env;   // "NAME=value"
  std::string directory;          // to start in; empty: the gateway's
  int standard_input = -1;        // -1: /dev/null
  int standard_output = -1;
  int standard_error = -1;
  std::vector<int> descriptors;       // become 3, 4… in the process; all others are closed
  std::vector<int> cgroup_entrances;  // of Cgroup::entrances()
  std::uint64_t file_bytes_max = 0;   // limits of the process and its children; 0: none
  std::uint64_t data_bytes_max = 0;
  std::uint64_t processes_max = 0;
  // In shared memory: set to the process's number before its program begins, for the caller to
  // clear before it reaps the process. May be null.
  std::atomic<pid_t>* number = nullptr;
};

// The process is in a session of its own, has default signal handling, and gets SIGKILL when the
// calling thread ends. Fails with ErrorCode::unavailable, naming the step, when it could not be
// started; then there is no process.
Result<pid_t> launch(const LaunchSpec& spec);

}  // namespace tradewind
