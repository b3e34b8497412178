// Which program a command means, and whether it can run at a pool.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/staging/rooted_directory.h"
#include "schemas/architecture.h"

namespace tradewind {

// The architecture of an ELF program, read from the file's start; nothing for scripts, other files
// and machines that Tradewind has no word for.
std::optional<Architecture> program_architecture(int fd);

// What a pool runs.
struct PoolMachine {
  Architecture pool = Architecture::amd64;
  Architecture host = Architecture::amd64;
};

struct ProgramPlan {
  // The job's own file, if the program is one: its path as the job sees it.
  std::string own_path;
  bool emulated = false;  // of the pool's architecture, which is not the host's
  std::string refusal;    // not empty: of another architecture than the pool's; why
};

// Finds command[0] as execvp would in `workdir` with this PATH, among the job's own files
// (`visible` names of `files`); anything else is the machine's and taken as it is.
ProgramPlan plan_program(const std::string& program, const std::string& workdir,
                         const std::string& path_variable, const RootedDirectory& files,
                         const std::set<std::string>& visible, const PoolMachine& machine);

}  // namespace tradewind
