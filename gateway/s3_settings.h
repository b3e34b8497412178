// [[staging.s3]] of the site file: the buckets that jobs may use.
#pragma once

#include <vector>

#include "gateway/environment_values.h"
#include "gateway/staging/policy.h"
#include "gateway/toml_table.h"

namespace tradewind {

std::vector<S3Bucket> read_s3_buckets(const TomlTable& staging, const Environment& environment);

}  // namespace tradewind
