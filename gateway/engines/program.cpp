#include "gateway/engines/program.h"

#include <elf.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include "gateway/engines/job_paths.h"

namespace tradewind {

std::optional<Architecture> program_architecture(int fd) {
  std::array<unsigned char, 20> head{};
  if (::pread(fd, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) ||
      std::memcmp(head.data(), ELFMAG, SELFMAG) != 0) {
    return std::nullopt;
  }
  const bool little = head[EI_DATA] == ELFDATA2LSB;
  const auto machine =
      static_cast<std::uint16_t>(little ? head[18] | (head[19] << 8) : head[19] | (head[18] << 8));
  if (head[EI_CLASS] != ELFCLASS64) return std::nullopt;
  switch (machine) {
    case EM_X86_64: return Architecture::amd64;
    case EM_AARCH64: return Architecture::arm64;
    case EM_RISCV: return Architecture::riscv64;
    case EM_PPC64: return little ? std::optional(Architecture::ppc64le) : std::nullopt;
    case EM_S390: return Architecture::s390x;
    case 258:  // EM_LOONGARCH, which this system's header may not have yet
      return Architecture::loong64;
    default: return std::nullopt;
  }
}

ProgramPlan plan_program(const std::string& program, const std::string& workdir,
                         const std::string& path_variable, const RootedDirectory& files,
                         const std::set<std::string>& visible, const PoolMachine& machine) {
  namespace fs = std::filesystem;
  std::vector<fs::path> candidates;
  if (program.find('/') != std::string::npos) {
    candidates.push_back((fs::path(workdir) / program).lexically_normal());
  } else {
    std::istringstream directories(path_variable);
    std::string directory;
    while (std::getline(directories, directory, ':')) {
      candidates.push_back((fs::path(workdir) / directory / program).lexically_normal());
    }
  }
  ProgramPlan plan;
  for (const auto& each : candidates) {
    if (!visible.contains(top_level(each.string()))) {
      if (::access(each.c_str(), X_OK) == 0) return plan;
      continue;
    }
    const auto fd = files.open_file(each.string());
    if (!fd) continue;
    plan.own_path = each.string();
    const auto built_for = program_architecture(fd->get());
    if (!built_for) return plan;
    if (*built_for != machine.pool) {
      plan.refusal = fmt::format("{} is a program for {}, and the pool is {}", plan.own_path,
                                 to_string(*built_for), to_string(machine.pool));
    }
    plan.emulated = *built_for == machine.pool && machine.pool != machine.host;
    return plan;
  }
  return plan;
}

}  // namespace tradewind
