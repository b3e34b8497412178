// The built-in catalogue of accelerators: what their makers say of them, and by which names their
// tools print them. The rows stand in accelerators.csv, which the build compiles in. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/architecture.h"
#include "schemas/result.h"

namespace tradewind {

// One device, as its maker's tool counts devices.
struct CatalogueAccelerator {
  std::string model;               // the site file's name for it: "h100-sxm"
  std::vector<std::string> names;  // as tools print it: "NVIDIA H100 80GB HBM3"
  std::string maker;
  std::string family;            // as in Accelerator: "cuda"
  std::uint32_t memory_gib = 0;  // nominal; tools tell some percent less
  // Dense peak of 16-bit matrix products that add up in 32 bits, in 10^9 operations a second; 0
  // where the source does not say.
  std::uint32_t peak_gigaflops = 0;
  std::uint32_t watts = 0;  // the most it draws by the source; 0 where that does not say
  Interconnect interconnect = Interconnect::none;  // between the devices of one node
  std::string source;
};

std::string_view accelerators_csv();

// A document of accelerators.csv's form. Fails with ErrorCode::invalid naming the line and the
// column.
Result<std::vector<CatalogueAccelerator>> parse_accelerator_catalogue(std::string_view csv);

// The built-in one, parsed once.
const std::vector<CatalogueAccelerator>& accelerator_catalogue();

// Lower case, and one '-' for whatever stands between letters and digits; at most 63 characters, so
// that it is a name. Empty when there is no letter or digit.
std::string accelerator_slug(std::string_view name);

// The row with this name or model, whatever its case and punctuation; null when there is none.
const CatalogueAccelerator* find_accelerator(std::string_view name);

}  // namespace tradewind
