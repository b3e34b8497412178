#include "schemas/architecture.h"

#include <array>
#include <utility>

namespace tradewind {
namespace {

constexpr std::array<std::string_view, architectures_count> kArchitectures = {
    "amd64", "arm64", "riscv64", "ppc64le", "s390x", "loong64"};
constexpr std::array<std::pair<std::string_view, Architecture>, 3> kAliases = {{
    {"x86_64", Architecture::amd64},
    {"aarch64", Architecture::arm64},
    {"loongarch64", Architecture::loong64},
}};
constexpr std::array<std::string_view, interconnects_count> kInterconnects = {
    "none", "pcie", "ethernet", "infiniband", "nvlink"};

}  // namespace

std::string_view to_string(Architecture architecture) {
  return kArchitectures.at(static_cast<std::size_t>(architecture));
}

Result<Architecture> parse_architecture(std::string_view field, std::string_view text) {
  for (std::size_t i = 0; i < kArchitectures.size(); ++i) {
    if (kArchitectures[i] == text) return static_cast<Architecture>(i);
  }
  for (const auto& [alias, architecture] : kAliases) {
    if (alias == text) return architecture;
  }
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no architecture",
              "use amd64, arm64, riscv64, ppc64le, s390x or loong64");
}

std::string_view to_string(Interconnect interconnect) {
  return kInterconnects.at(static_cast<std::size_t>(interconnect));
}

Result<Interconnect> parse_interconnect(std::string_view field, std::string_view text) {
  for (std::size_t i = 0; i < kInterconnects.size(); ++i) {
    if (kInterconnects[i] == text) return static_cast<Interconnect>(i);
  }
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 40)) + "\" is no interconnect",
              "use none, pcie, ethernet, infiniband or nvlink");
}

}  // namespace tradewind
