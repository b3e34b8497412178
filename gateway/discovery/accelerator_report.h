// What the makers' tools print of the accelerators of a machine, read as from a stranger: bounds
// first, and whatever is not understood is an error that names tool and line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

struct ReportedAccelerator {
  std::string name;              // as printed: 1 to 80 characters of printable ASCII
  std::uint64_t memory_mib = 0;  // 0: the tool does not say
  friend bool operator==(const ReportedAccelerator&, const ReportedAccelerator&) = default;
};

inline constexpr std::size_t report_bytes_max = 1 << 20;
inline constexpr std::size_t reported_accelerators_max = 1024;

// A tool that lists accelerators, and how it is asked.
struct AcceleratorTool {
  std::string_view program;
  std::vector<std::string> arguments;
  std::string_view family;  // of devices that the catalogue does not know
  // The program whose presence means that this one would list the same devices again.
  std::string_view same_devices_as;
  Result<std::vector<ReportedAccelerator>> (*parse)(std::string_view program,
                                                    std::string_view text);
};
const std::vector<AcceleratorTool>& accelerator_tools();

// What `tool` printed, one entry for each device. Fails with ErrorCode::too_large over
// `report_bytes_max`, else ErrorCode::invalid.
Result<std::vector<ReportedAccelerator>> parse_accelerator_report(const AcceleratorTool& tool,
                                                                  std::string_view text);

// What `nvidia-smi -L` printed, put into `accelerators` as its table listed them: a device that is
// cut into slices (MIG) gives way to its slices, named "DEVICE MIG 1g.5gb".
Result<std::vector<ReportedAccelerator>> with_slices(std::vector<ReportedAccelerator> accelerators,
                                                     std::string_view text);

}  // namespace tradewind
