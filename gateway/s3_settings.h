// [[staging.s3]] of the site file: the buckets that jobs may use.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/staging/policy.h"
#include "gateway/toml_table.h"

namespace tradewind {

// The text at the key with the environment's values in place of ${NAME}; nothing when it is
// refused.
using ExpandText = std::function<std::optional<std::string>(
    const TomlTable& table, std::string_view key, std::string_view text)>;

std::vector<S3Bucket> read_s3_buckets(const TomlTable& staging, const ExpandText& expand);

}  // namespace tradewind
