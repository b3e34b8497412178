// Data sets as JSON documents of the native API; docs/api.md describes every member.
#pragma once

#include <string>
#include <string_view>

#include "broker/api/json.h"
#include "schemas/dataset.h"
#include "schemas/result.h"

namespace tradewind {

inline constexpr std::size_t dataset_document_bytes_max = 16 * 1024;

// Reads and checks the whole document of the data set with this name; the owner is not in it.
Result<Dataset> parse_dataset(const std::string& name, std::string_view text);

json::object dataset_to_json(const Dataset& dataset);

}  // namespace tradewind
