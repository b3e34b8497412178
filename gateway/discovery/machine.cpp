#include "gateway/discovery/machine.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "gateway/engines/process_engine.h"
#include "gateway/engines/tool_run.h"
#include "state/disk/disk_reserve.h"

namespace tradewind {
namespace {

constexpr std::size_t kernel_file_bytes_max = 64 * 1024;

std::string contents(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(kernel_file_bytes_max, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

std::optional<std::uint64_t> first_number(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

std::uint32_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

Result<std::vector<ReportedAccelerator>> ask(const AcceleratorTool& tool,
                                             const std::string& program,
                                             std::chrono::milliseconds time_max) {
  std::vector<std::string> argv{program};
  argv.insert(argv.end(), tool.arguments.begin(), tool.arguments.end());
  const auto text = run_tool(argv, time_max, report_bytes_max);
  if (!text) return fail(text.error());
  auto devices = parse_accelerator_report(tool, *text);
  if (!devices || tool.program != "nvidia-smi") return devices;
  const auto slices = run_tool({program, "-L"}, time_max, report_bytes_max);
  if (!slices) return fail(slices.error());
  return with_slices(std::move(*devices), *slices);
}

}  // namespace

Result<std::uint64_t> parse_memory_total(std::string_view meminfo) {
  constexpr std::string_view key = "MemTotal:";
  const std::size_t at = meminfo.find(key);
  const auto kib =
      at == std::string_view::npos ? std::nullopt : first_number(meminfo.substr(at + key.size()));
  if (kib) return *kib / 1024;
  return fail(ErrorCode::unavailable, "memory", "/proc/meminfo has no line MemTotal",
              "write the site file by hand");
}

std::optional<std::uint64_t> parse_memory_max(std::string_view text) {
  const auto bytes = first_number(text);
  if (!bytes) return std::nullopt;
  return *bytes >> 20;
}

std::optional<std::uint32_t> parse_cpu_max(std::string_view text) {
  const auto quota = first_number(text);
  const std::size_t space = text.find(' ');
  if (!quota || space == std::string_view::npos) return std::nullopt;
  const auto period = first_number(text.substr(space));
  if (!period || *period == 0) return std::nullopt;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*quota / *period, 1, UINT32_MAX));
}

Result<Machine> look_at_machine(const MachineLook& look) {
  Machine machine;
  machine.architecture = host_architecture();
  machine.cpus = usable_cpus();
  if (machine.cpus == 0) {
    return fail(ErrorCode::unavailable, "cpus",
                "the kernel does not say which this process may use",
                "write the site file by hand");
  }
  const auto memory = parse_memory_total(contents("/proc/meminfo"));
  if (!memory) return fail(memory.error());
  machine.memory_mib = *memory;
  const auto disk = free_bytes(look.directory);
  if (!disk) return fail(disk.error());
  machine.disk_mib = *disk >> 20;
  // Of the group that a container starts in; elsewhere there are no such files.
  if (const auto most = parse_memory_max(contents("/sys/fs/cgroup/memory.max"))) {
    machine.memory_mib = std::min(machine.memory_mib, *most);
  }
  if (const auto most = parse_cpu_max(contents("/sys/fs/cgroup/cpu.max"))) {
    machine.cpus = std::min(machine.cpus, *most);
  }
  machine.slurm = find_tool("sinfo", look.path) || find_tool("slurmrestd", look.path);
  for (const AcceleratorTool& tool : accelerator_tools()) {
    const auto program = find_tool(tool.program, look.path);
    if (!program) continue;
    if (!tool.same_devices_as.empty() && find_tool(tool.same_devices_as, look.path)) continue;
    auto devices = ask(tool, *program, look.tool_time_max);
    if (!devices) {
      machine.warnings.push_back(describe(devices.error()));
    } else if (!devices->empty()) {
      machine.accelerators.push_back({std::string(tool.family), std::move(*devices)});
    }
  }
  return machine;
}

}  // namespace tradewind
