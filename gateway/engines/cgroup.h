// Control groups, version 1 or 2, as far as this machine lets the gateway make them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/staging/unique_fd.h"
#include "schemas/result.h"

namespace tradewind {

struct CgroupLimits {
  std::uint64_t memory_bytes = 0;   // 0: no limit
  std::uint32_t cpus = 0;           // 0: no limit
  std::uint32_t processes_max = 0;  // 0: no limit
};

struct CgroupUsage {
  std::optional<std::uint64_t> cpu_milliseconds;
  // The most memory at any time, with what the files it used kept in the page cache.
  std::optional<std::uint64_t> memory_peak_bytes;
  std::uint64_t oom_kills = 0;
};

// SIGKILL to all that is in the group of this directory now; whether there was anything.
// Async-signal-safe.
bool kill_group(const char* directory);

// The group of one attempt. Its end kills what is left in it, waits for that for a moment, and
// removes it: not for the event loop's thread.
class Cgroup {
 public:
  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&&) = delete;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  // Whoever writes "0" to each of these is in the group, with all its later children.
  std::vector<int> entrances() const;
  CgroupUsage usage() const;
  // SIGKILL to all that is in it now.
  void kill() const;

 private:
  friend class Cgroups;
  Cgroup() = default;

  bool unified_ = false;
  std::map<std::string, std::filesystem::path> directories_;  // by controller; "" when unified
  std::vector<UniqueFd> entrances_;
};

// Where groups can be made. Must outlive the groups; its end removes the group that held them.
class Cgroups {
 public:
  Cgroups(Cgroups&&) noexcept = default;
  Cgroups& operator=(Cgroups&&) noexcept = default;
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;
  ~Cgroups();

  // `name` is of the group that holds the attempts' groups; groups that an earlier process left
  // there are killed and removed. Fails with ErrorCode::unavailable, with the reason, when there is
  // no controller to be had. `mount` and `self` (/proc/self/cgroup) differ in tests only.
  static Result<Cgroups> open(const std::string& name,
                              const std::filesystem::path& mount = "/sys/fs/cgroup",
                              const std::filesystem::path& self = "/proc/self/cgroup");

  bool limits_memory() const { return has("memory"); }
  bool limits_cpus() const { return has("cpu"); }
  bool limits_processes() const { return has("pids"); }
  bool unified() const { return unified_; }

  // A directory of the group of this name, whether it is there or not, with all its processes.
  std::filesystem::path directory_of(const std::string& name) const {
    return directories_.begin()->second / name;
  }
  // A new group; `name` is a file name.
  Result<Cgroup> make(const std::string& name, const CgroupLimits& limits) const;

 private:
  Cgroups() = default;
  bool has(const std::string& controller) const;
  Status open_unified(const std::string& name, const std::filesystem::path& mount,
                      const std::string& own);
  Status open_hierarchies(const std::string& name, const std::filesystem::path& mount,
                          const std::map<std::string, std::string>& own);

  bool unified_ = false;
  std::vector<std::string> controllers_;
  std::map<std::string, std::filesystem::path> directories_;  // by controller; "" when unified
};

}  // namespace tradewind
