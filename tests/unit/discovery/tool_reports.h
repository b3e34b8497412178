// What makers' tools print, as test data: README.md says what it was made after.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "gateway/discovery/accelerator_report.h"

namespace tradewind {

inline std::string tool_report(std::string_view name) {
  std::ifstream stream(std::string(TRADEWIND_TOOL_REPORTS) + "/" + std::string(name),
                       std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline const AcceleratorTool& tool_named(std::string_view program) {
  return *std::ranges::find(accelerator_tools(), program, &AcceleratorTool::program);
}

}  // namespace tradewind
