#include "gateway/engines/job_paths.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "schemas/limits.h"

namespace tradewind {
namespace {

constexpr std::array<std::string_view, 12> system_directories{
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr"};

enum class Kind { file, directory };

std::string parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string{} : std::string(path.substr(0, slash));
}

std::string without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

Status check_form(const std::string& field, const std::string& path) {
  const auto wrong = [&](std::string what, std::string remedy) {
    return fail(ErrorCode::invalid, field, std::move(what), std::move(remedy));
  };
  if (path.size() > limits::text_bytes_max) {
    return fail(ErrorCode::too_large, field, fmt::format("the path has {} bytes", path.size()),
                fmt::format("give at most {}", limits::text_bytes_max));
  }
  if (path.find('\0') != std::string::npos) return wrong("the path holds a NUL", "leave it out");
  if (!path.starts_with('/')) {
    return wrong(fmt::format("\"{}\" is not an absolute path", path),
                 "give it from the root, as /work/x");
  }
  const std::string trimmed = without_trailing_slashes(path);
  if (trimmed == "/")
    return wrong("\"/\" itself cannot be a path of a job", "give a path below it");
  std::size_t at = 1;
  while (at <= trimmed.size()) {
    const auto slash = std::min(trimmed.find('/', at), trimmed.size());
    const std::string_view part = std::string_view(trimmed).substr(at, slash - at);
    if (part.empty() || part == "." || part == "..") {
      return wrong(fmt::format("{} has an empty part, \".\" or \"..\"", path), "give it without");
    }
    if (part.size() > 255) {
      return wrong(fmt::format("{} has a part of more than 255 bytes", path), "shorten it");
    }
    at = slash + 1;
  }
  return ok();
}

Status check_place(const std::string& field, const std::string& path, Kind kind,
                   const std::vector<std::filesystem::path>& read_only_binds) {
  if (const Status form = check_form(field, path); !form) return form;
  const std::string top = top_level(path);
  if (is_system_directory(top)) {
    return fail(ErrorCode::invalid, field,
                fmt::format("{} lies in /{}, which is the system's", path, top),
                "give a path elsewhere, as below /work, /data or /tmp");
  }
  for (const auto& each : read_only_binds) {
    if (top_level(each.string()) == top) {
      return fail(ErrorCode::invalid, field,
                  fmt::format("{} lies in /{}, where this site shows {}", path, top, each.string()),
                  "give a path elsewhere, as below /work, /data or /tmp");
    }
  }
  if (kind == Kind::file && without_trailing_slashes(path) == "/" + top) {
    return fail(ErrorCode::invalid, field, fmt::format("the file {} lies directly in /", path),
                fmt::format("give a directory as well, as /work/{}", top));
  }
  return ok();
}

Status check_input(const std::string& field, const Input& input,
                   const std::vector<std::filesystem::path>& read_only_binds) {
  // An input may lie directly in "/": it is there before the sandbox is made.
  if (const Status placed =
          check_place(field + ".path", input.path, Kind::directory, read_only_binds);
      !placed) {
    return placed;
  }
  if (input.path.ends_with('/') && input.type == FileType::file) {
    return fail(ErrorCode::invalid, field + ".path", fmt::format("{} ends with /", input.path),
                "give the file's own path, or the type DIRECTORY");
  }
  const std::string top = top_level(input.path);
  if ((top == "work" || top == "tmp") && input.path == "/" + top && input.type == FileType::file) {
    return fail(ErrorCode::invalid, field + ".path",
                fmt::format("{} is a directory of every job", input.path),
                fmt::format("give a path below it, as {}/input", input.path));
  }
  return ok();
}

Status check_output(const std::string& field, const Output& output,
                    const std::vector<std::filesystem::path>& read_only_binds) {
  const Kind kind = output.type == FileType::directory ? Kind::directory : Kind::file;
  if (const Status placed = check_place(field + ".path", output.path, kind, read_only_binds);
      !placed) {
    return placed;
  }
  if (output.path_prefix.empty()) return ok();
  if (output.path_prefix != "/") {
    if (const Status form = check_form(field + ".path_prefix", output.path_prefix); !form) {
      return form;
    }
  }
  const std::string prefix = without_trailing_slashes(output.path_prefix);
  if (prefix != "/" && output.path != prefix && !output.path.starts_with(prefix + "/")) {
    return fail(ErrorCode::invalid, field + ".path_prefix",
                fmt::format("{} is no prefix of {}", output.path_prefix, output.path),
                "give a leading directory of the path");
  }
  if (top_level(output.path).find_first_of("*?[") != std::string::npos) {
    return fail(ErrorCode::invalid, field + ".path",
                fmt::format("{} has a wildcard in its first part", output.path),
                "give the top directory by its name");
  }
  return ok();
}

}  // namespace

std::string top_level(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path.substr(0, path.find('/')));
}

bool is_system_directory(std::string_view top_level_name) {
  return std::ranges::find(system_directories, top_level_name) != system_directories.end();
}

Status check_paths(const Assignment& assignment,
                   const std::vector<std::filesystem::path>& read_only_binds) {
  std::set<std::string> inputs;
  for (std::size_t index = 0; index < assignment.inputs.size(); ++index) {
    const auto& input = assignment.inputs[index];
    const std::string field = fmt::format("inputs[{}]", index);
    if (const Status right = check_input(field, input, read_only_binds); !right) return right;
    if (!inputs.insert(without_trailing_slashes(input.path)).second) {
      return fail(ErrorCode::invalid, field + ".path",
                  fmt::format("{} is the path of another input, too", input.path),
                  "give each input a path of its own");
    }
  }
  for (std::size_t index = 0; index < assignment.outputs.size(); ++index) {
    const Status right =
        check_output(fmt::format("outputs[{}]", index), assignment.outputs[index], read_only_binds);
    if (!right) return right;
  }
  for (std::size_t index = 0; index < assignment.volumes.size(); ++index) {
    const Status right = check_place(fmt::format("volumes[{}]", index), assignment.volumes[index],
                                     Kind::directory, read_only_binds);
    if (!right) return right;
  }
  for (std::size_t index = 0; index < assignment.executors.size(); ++index) {
    const auto& executor = assignment.executors[index];
    const std::string field = fmt::format("executors[{}]", index);
    const std::array<std::pair<const char*, const std::string*>, 3> streams{
        {{".stdin", &executor.stdin_path},
         {".stdout", &executor.stdout_path},
         {".stderr", &executor.stderr_path}}};
    for (const auto& [name, path] : streams) {
      const Kind kind = path == &executor.stdin_path ? Kind::directory : Kind::file;
      if (path->empty()) continue;
      if (const Status right = check_place(field + name, *path, kind, read_only_binds); !right) {
        return right;
      }
    }
    if (executor.workdir.empty()) continue;
    const Status right =
        check_place(field + ".workdir", executor.workdir, Kind::directory, read_only_binds);
    if (!right) return right;
  }
  return ok();
}

std::set<std::string> visible_names(const Assignment& assignment) {
  std::set<std::string> names{"work", "tmp"};
  const auto add = [&names](const std::string& path) {
    if (!path.empty()) names.insert(top_level(path));
  };
  for (const auto& each : assignment.inputs) add(each.path);
  for (const auto& each : assignment.outputs) add(each.path);
  for (const auto& each : assignment.volumes) add(each);
  for (const auto& each : assignment.executors) {
    add(each.workdir);
    add(each.stdin_path);
    add(each.stdout_path);
    add(each.stderr_path);
  }
  return names;
}

std::vector<std::string> directories_to_make(const Assignment& assignment) {
  std::vector<std::string> directories{std::string(default_workdir), "/tmp"};
  const auto add = [&directories](const std::string& path) {
    if (!path.empty()) directories.push_back(path);
  };
  for (const auto& each : assignment.volumes) add(each);
  for (const auto& each : assignment.outputs) {
    const std::string path = without_trailing_slashes(each.path);
    const auto wildcard = each.path_prefix.empty() ? std::string::npos : path.find_first_of("*?[");
    if (wildcard != std::string::npos) {
      add(parent_of(std::string_view(path).substr(0, wildcard)));
    } else {
      add(each.type == FileType::directory ? path : parent_of(path));
    }
  }
  for (const auto& each : assignment.executors) {
    add(each.workdir);
    add(parent_of(each.stdout_path));
    add(parent_of(each.stderr_path));
  }
  return directories;
}

}  // namespace tradewind
