// The processes below one of ours, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace tradewind {

struct TreeProcess {
  pid_t pid = 0;
  int depth = 0;  // 1: a child of the root
  std::uint64_t resident_bytes = 0;
  std::uint64_t cpu_milliseconds = 0;  // with that of its ended children
};

// All descendants of `root`, parents before children; a snapshot that may be old when it returns.
std::vector<TreeProcess> descendants(pid_t root);

// Sends the signal to the descendants of `root` that are at least `depth_min` deep. A number that
// meanwhile names another process is not signalled.
void signal_descendants(pid_t root, int depth_min, int signal);

}  // namespace tradewind
