// Values of the site file in which environment variables may stand, as ${NAME}.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/toml_table.h"

namespace tradewind {

// Value of an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> process_environment(const std::string& name);

// `text` with the environment's values; nothing, and the value at `key` refused, when it cannot be.
std::optional<std::string> expanded(const TomlTable& table, std::string_view key,
                                    std::string_view text, const Environment& environment);

// Absolute paths; others are refused.
std::string path_at(const TomlTable& table, std::string_view key, std::string_view example,
                    const Environment& environment);
std::vector<std::string> paths_at(const TomlTable& table, std::string_view key,
                                  const Environment& environment);

}  // namespace tradewind
