#include "gateway/engines/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>

namespace tradewind {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t cpu_period_us = 100'000;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Status write_text(const fs::path& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
    return ok();
  }
  return fail(ErrorCode::unavailable, path.string(),
              fmt::format("\"{}\" cannot be written: {}", text, std::strerror(errno)));
}

// The number after `key ` in a file of such lines.
std::optional<std::uint64_t> keyed(const fs::path& path, const std::string& key) {
  std::istringstream lines(read_text(path));
  std::string word;
  std::uint64_t value = 0;
  while (lines >> word >> value) {
    if (word == key) return value;
  }
  return std::nullopt;
}
std::optional<std::uint64_t> number(const fs::path& path) {
  std::istringstream text(read_text(path));
  std::uint64_t value = 0;
  return text >> value ? std::optional(value) : std::nullopt;
}

// Again until nothing is left; gives up after a second, when only the kernel could tell why
// something does not die.
void kill_members(const fs::path& directory) {
  for (int round = 0; round < 1000 && kill_group(directory.c_str()); ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void remove_group(const fs::path& directory) {
  for (int tries = 0; tries < 20; ++tries) {
    if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // its last process is being reaped
  }
}

// Groups of a process that is no more.
void clear_leftovers(const fs::path& directory) {
  std::error_code problem;
  for (fs::directory_iterator each(directory, problem), end; !problem && each != end;
       each.increment(problem)) {
    std::error_code ignored;
    if (!each->is_directory(ignored)) continue;
    kill_members(each->path());
    remove_group(each->path());
  }
}

Status make_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return ok();
  return fail(ErrorCode::unavailable, path.string(),
              fmt::format("the group cannot be made: {}", std::strerror(errno)));
}

// The gateway's own path in each hierarchy; "" for version 2.
std::map<std::string, std::string> own_paths(const fs::path& self) {
  std::map<std::string, std::string> paths;
  std::istringstream lines(read_text(self));
  std::string line;
  while (std::getline(lines, line)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string path = line.substr(second + 1);
    if (second == first + 1) {
      paths[""] = path;
      continue;
    }
    std::istringstream names(line.substr(first + 1, second - first - 1));
    std::string name;
    while (std::getline(names, name, ',')) paths[name] = path;
  }
  return paths;
}

}  // namespace

bool kill_group(const char* directory) {
  const UniqueFd group(::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!group) return false;
  // Version 2, from Linux 5.14.
  const UniqueFd all(::openat(group.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
  if (all) static_cast<void>(!::write(all.get(), "1", 1));
  const UniqueFd members(::openat(group.get(), "cgroup.procs", O_RDONLY | O_CLOEXEC));
  if (!members) return false;
  bool any = false;
  pid_t pid = 0;
  std::array<char, 4096> chunk{};
  for (ssize_t got = 0; (got = ::read(members.get(), chunk.data(), chunk.size())) > 0;) {
    for (const char each : std::span(chunk.data(), static_cast<std::size_t>(got))) {
      if (each != '\n') {
        pid = pid * 10 + (each - '0');
        continue;
      }
      // 0: of another process namespace, which no number reaches
      if (pid > 1) {
        any = true;
        ::kill(pid, SIGKILL);
      }
      pid = 0;
    }
  }
  return any;
}

// --- Cgroup

Cgroup::~Cgroup() {
  for (const auto& [controller, directory] : directories_) {
    kill_members(directory);
    remove_group(directory);
  }
}

std::vector<int> Cgroup::entrances() const {
  std::vector<int> descriptors;
  for (const auto& each : entrances_) descriptors.push_back(each.get());
  return descriptors;
}

CgroupUsage Cgroup::usage() const {
  CgroupUsage usage;
  if (unified_) {
    const fs::path& directory = directories_.at("");
    if (const auto us = keyed(directory / "cpu.stat", "usage_usec")) {
      usage.cpu_milliseconds = *us / 1000;
    }
    usage.memory_peak_bytes = number(directory / "memory.peak");
    usage.oom_kills = keyed(directory / "memory.events", "oom_kill").value_or(0);
    return usage;
  }
  if (const auto at = directories_.find("cpuacct"); at != directories_.end()) {
    if (const auto ns = number(at->second / "cpuacct.usage")) {
      usage.cpu_milliseconds = *ns / 1'000'000;
    }
  }
  if (const auto at = directories_.find("memory"); at != directories_.end()) {
    usage.memory_peak_bytes = number(at->second / "memory.max_usage_in_bytes");
    usage.oom_kills = keyed(at->second / "memory.oom_control", "oom_kill").value_or(0);
  }
  return usage;
}

void Cgroup::kill() const {
  for (const auto& [controller, directory] : directories_) kill_group(directory.c_str());
}

// --- Cgroups

Cgroups::~Cgroups() {
  for (const auto& [controller, directory] : directories_) ::rmdir(directory.c_str());
}

bool Cgroups::has(const std::string& controller) const {
  return std::ranges::find(controllers_, controller) != controllers_.end();
}

Result<Cgroups> Cgroups::open(const std::string& name, const fs::path& mount,
                              const fs::path& self) {
  const auto own = own_paths(self);
  Cgroups groups;
  std::error_code ignored;
  Status opened = ok();
  if (fs::exists(mount / "cgroup.controllers", ignored)) {
    opened = groups.open_unified(name, mount, own.contains("") ? own.at("") : "/");
  } else {
    opened = groups.open_hierarchies(name, mount, own);
  }
  if (!opened) return fail(opened.error());
  for (const auto& [controller, directory] : groups.directories_) clear_leftovers(directory);
  return groups;
}

Status Cgroups::open_unified(const std::string& name, const fs::path& mount,
                             const std::string& own) {
  unified_ = true;
  const fs::path base = mount / fs::path(own).relative_path();
  const fs::path directory = base / name;
  const std::string enable = [&base] {
    std::istringstream available(read_text(base / "cgroup.controllers"));
    std::string wanted;
    std::string each;
    while (available >> each) {
      if (each == "memory" || each == "cpu" || each == "pids") wanted += " +" + each;
    }
    return wanted.empty() ? wanted : wanted.substr(1);
  }();
  if (enable.empty()) {
    return fail(ErrorCode::unavailable, base.string(),
                "the gateway's group has none of the controllers memory, cpu and pids");
  }
  Status enabled = write_text(base / "cgroup.subtree_control", enable);
  if (!enabled) {
    // A group with processes of its own may not hand controllers on. If these are only the
    // gateway's, as in a service with Delegate=yes, they move into a leaf beside the attempts.
    if (const Status made = make_directory(base / "gateway"); !made) return made;
    if (const Status moved =
            write_text(base / "gateway" / "cgroup.procs", std::to_string(::getpid()));
        !moved) {
      return moved;
    }
    enabled = write_text(base / "cgroup.subtree_control", enable);
    if (!enabled) {
      static_cast<void>(write_text(base / "cgroup.procs", std::to_string(::getpid())));
      return enabled;
    }
  }
  if (const Status made = make_directory(directory); !made) return made;
  if (const Status passed = write_text(directory / "cgroup.subtree_control", enable); !passed) {
    return passed;
  }
  std::istringstream names(enable);
  std::string each;
  while (names >> each) controllers_.push_back(each.substr(1));
  directories_[""] = directory;
  return ok();
}

Status Cgroups::open_hierarchies(const std::string& name, const fs::path& mount,
                                 const std::map<std::string, std::string>& own) {
  Error reason{ErrorCode::unavailable, mount.string(), "no cgroup hierarchy is mounted there", ""};
  for (const std::string controller : {"memory", "cpu", "cpuacct", "pids"}) {
    std::error_code ignored;
    if (!fs::is_directory(mount / controller, ignored)) continue;
    fs::path base = mount / controller;
    if (const auto path = own.find(controller); path != own.end()) {
      // In a container the own path may be one of the host's, that is not to be seen here.
      const fs::path below = base / fs::path(path->second).relative_path();
      if (fs::is_directory(below, ignored)) base = below;
    }
    const fs::path directory = base / name;
    if (const Status made = make_directory(directory); !made) {
      reason = made.error();
      continue;
    }
    controllers_.push_back(controller);
    directories_[controller] = directory;
  }
  if (controllers_.empty()) return fail(reason);
  return ok();
}

Result<Cgroup> Cgroups::make(const std::string& name, const CgroupLimits& limits) const {
  Cgroup group;
  group.unified_ = unified_;
  std::vector<std::pair<fs::path, std::string>> settings;
  for (const auto& [controller, parent] : directories_) {
    const fs::path directory = parent / name;
    // Some administrators' scripts remove groups that are empty at the moment.
    if (const Status made = make_directory(parent); !made) return fail(made.error());
    if (const Status made = make_directory(directory); !made) return fail(made.error());
    group.directories_[controller] = directory;
    UniqueFd entrance(::open((directory / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!entrance) {
      return fail(ErrorCode::unavailable, directory.string(),
                  fmt::format("the group cannot be entered: {}", std::strerror(errno)));
    }
    group.entrances_.push_back(std::move(entrance));
  }
  const std::uint64_t quota = limits.cpus * cpu_period_us;
  const auto directory = [&](const char* controller) {
    return group.directories_.at(unified_ ? "" : controller);
  };
  if (limits.memory_bytes > 0 && limits_memory()) {
    settings.emplace_back(directory("memory") / (unified_ ? "memory.max" : "memory.limit_in_bytes"),
                          std::to_string(limits.memory_bytes));
  }
  if (limits.cpus > 0 && limits_cpus()) {
    settings.emplace_back(
        directory("cpu") / (unified_ ? "cpu.max" : "cpu.cfs_quota_us"),
        unified_ ? fmt::format("{} {}", quota, cpu_period_us) : std::to_string(quota));
  }
  if (limits.processes_max > 0 && limits_processes()) {
    settings.emplace_back(directory("pids") / "pids.max", std::to_string(limits.processes_max));
  }
  for (const auto& [file, text] : settings) {
    if (const Status set = write_text(file, text); !set) return fail(set.error());
  }
  // Memory that is swapped out would not count; a machine without swap has no such files.
  if (limits.memory_bytes > 0 && limits_memory()) {
    static_cast<void>(unified_ ? write_text(directory("memory") / "memory.swap.max", "0")
                               : write_text(directory("memory") / "memory.memsw.limit_in_bytes",
                                            std::to_string(limits.memory_bytes)));
  }
  return group;
}

}  // namespace tradewind
