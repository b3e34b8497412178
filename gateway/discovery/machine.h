// What this machine has: processors, memory, disk, and the accelerators that the makers' tools
// list. Shell: reads /proc and control groups, and runs the tools.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/discovery/accelerator_report.h"
#include "schemas/architecture.h"
#include "schemas/result.h"

namespace tradewind {

// The devices that one tool listed.
struct ListedAccelerators {
  std::string family;
  std::vector<ReportedAccelerator> devices;
};

struct Machine {
  Architecture architecture = Architecture::amd64;
  std::uint32_t cpus = 0;        // that this process may use
  std::uint64_t memory_mib = 0;  // that this process may use
  std::uint64_t disk_mib = 0;    // free to this process
  std::vector<ListedAccelerators> accelerators;
  bool slurm = false;                 // its commands are here
  std::vector<std::string> warnings;  // tools that are here and told nothing, and why
};

struct MachineLook {
  std::string path;                 // folders of tools, as in PATH
  std::filesystem::path directory;  // whose disk counts
  std::chrono::milliseconds tool_time_max{20'000};
};

// A tool that fails is a warning: it may be installed where there is no device. Fails with
// ErrorCode::unavailable when the machine itself does not tell.
Result<Machine> look_at_machine(const MachineLook& look);

// The machine's memory as /proc/meminfo has it, in MiB. Pure.
Result<std::uint64_t> parse_memory_total(std::string_view meminfo);

// A control group's memory.max in MiB and cpu.max in whole CPUs, at least 1; nothing where there is
// no limit. Pure.
std::optional<std::uint64_t> parse_memory_max(std::string_view text);
std::optional<std::uint32_t> parse_cpu_max(std::string_view text);

}  // namespace tradewind
