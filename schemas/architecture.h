// Processor architectures and accelerators, in the words that container registries and vendors use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

// DO NOT CHANGE THESE VALUES: they are in the journal and on the wire.
enum class Architecture : std::uint16_t {
  amd64 = 0,
  arm64 = 1,
  riscv64 = 2,
  ppc64le = 3,
  s390x = 4,
  loong64 = 5,
};
inline constexpr std::uint16_t architectures_count = 6;

std::string_view to_string(Architecture architecture);  // as in OCI images: "amd64"
// Also knows "x86_64", "aarch64" and "loongarch64". Fails with ErrorCode::invalid naming `field`.
Result<Architecture> parse_architecture(std::string_view field, std::string_view text);

// How the devices of one node are joined, from weakest to strongest. Values are on the wire.
enum class Interconnect : std::uint16_t {
  none = 0,
  pcie = 1,
  ethernet = 2,
  infiniband = 3,
  nvlink = 4
};
inline constexpr std::uint16_t interconnects_count = 5;
std::string_view to_string(Interconnect interconnect);
Result<Interconnect> parse_interconnect(std::string_view field, std::string_view text);

// The accelerators of a pool's node; an empty family means the pool has none.
struct Accelerator {
  std::string family;            // the programming family, lower case: "cuda", "rocm", "ascend"
  std::string model;             // lower case: "h100-sxm"
  std::uint32_t memory_gib = 0;  // of one device
  Interconnect interconnect = Interconnect::none;
  friend bool operator==(const Accelerator&, const Accelerator&) = default;
};

// What a variant asks of accelerators; an empty family with no count asks for none. The count per
// node stands in Resources::accelerators.
struct AcceleratorNeed {
  std::string family;                // empty: any
  std::vector<std::string> models;   // empty: any
  std::uint32_t memory_gib_min = 0;  // of one device
  Interconnect interconnect_min = Interconnect::none;
  friend bool operator==(const AcceleratorNeed&, const AcceleratorNeed&) = default;
};

}  // namespace tradewind
