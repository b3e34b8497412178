#include "gateway/environment_values.h"

#include <cstdlib>

#include <fmt/format.h>

namespace tradewind {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<std::string> expanded(const TomlTable& table, std::string_view key,
                                    std::string_view text, const Environment& environment) {
  std::string result;
  while (!text.empty()) {
    const std::size_t at = text.find("${");
    result += text.substr(0, at);
    if (at == std::string_view::npos) break;
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      table.refuse(key, fmt::format("\"{}\" has a ${{ without its }}", text),
                   "write ${NAME} for the environment variable NAME");
      return std::nullopt;
    }
    const std::string name(text.substr(at + 2, end - at - 2));
    const auto value = environment(name);
    if (!value) {
      table.refuse(key, fmt::format("the environment variable {} is not set", name),
                   fmt::format("export {} before starting, or write the path out", name));
      return std::nullopt;
    }
    result += *value;
    text.remove_prefix(end + 1);
  }
  return result;
}

std::vector<std::string> paths_at(const TomlTable& table, std::string_view key,
                                  const Environment& environment) {
  std::vector<std::string> paths;
  for (const std::string& each : table.texts(key)) {
    const auto path = expanded(table, key, each, environment);
    if (!path) return paths;
    if (path->empty() || path->front() != '/') {
      table.refuse(key, fmt::format("\"{}\" is not an absolute path", *path),
                   "start the path with /");
      return paths;
    }
    paths.push_back(*path);
  }
  return paths;
}

std::string path_at(const TomlTable& table, std::string_view key, std::string_view example,
                    const Environment& environment) {
  const std::string text = table.text(key, std::nullopt);
  const auto path = expanded(table, key, text, environment);
  if (!path) return {};
  if (path->empty() || path->front() != '/') {
    table.refuse(key, fmt::format("\"{}\" is not an absolute path", *path),
                 fmt::format("give a path such as {}", example));
  }
  return *path;
}

}  // namespace tradewind
