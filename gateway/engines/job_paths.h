// The paths that a job names, and how they come together with those of the machine.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/dispatch.h"
#include "schemas/result.h"

namespace tradewind {

inline constexpr std::string_view default_workdir = "/work";

// "/data/a/b" -> "data".
std::string top_level(std::string_view path);

// The machine's top-level directories, which a job finds but cannot have paths in.
bool is_system_directory(std::string_view top_level_name);

// Whether every path is absolute, normal, outside of the system's directories and those of
// `read_only_binds`, and of a kind that can be made there. Errors name the field.
Status check_paths(const Assignment& assignment,
                   const std::vector<std::filesystem::path>& read_only_binds);

// What the sandbox shows of the attempt's files: names in the root directory; files among them are
// inputs that lie directly in "/". "work" and "tmp" are always there.
std::set<std::string> visible_names(const Assignment& assignment);

// Directories to be made before the first executor: working directories, volumes, and those that
// outputs and streams go to.
std::vector<std::string> directories_to_make(const Assignment& assignment);

}  // namespace tradewind
