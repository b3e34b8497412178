// What makers' tools print, for every tool that is read: no bytes may crash a parser, a refusal
// says why, and what is taken is within its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/discovery/accelerator_report.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void check(const Result<std::vector<ReportedAccelerator>>& devices) {
  TRADEWIND_ASSERT(devices || !devices.error().message.empty());
  if (!devices) return;
  for (const ReportedAccelerator& each : *devices) {
    TRADEWIND_ASSERT(!each.name.empty() && each.name.find('\n') == std::string::npos);
  }
}

void fuzz(std::string_view text) {
  for (const AcceleratorTool& tool : accelerator_tools()) {
    check(parse_accelerator_report(tool, text));
  }
  check(with_slices({{"NVIDIA A100-SXM4-40GB", 40960}, {"Tesla T4", 15360}}, text));
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
