// How data that sites keep for later jobs is told of without telling what it is. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradewind {

// What a broker calls data of a stated digest for those who may share it: a keyed hash of both, so
// that only that broker can tell what it stands for. All zero: no label.
struct HoldingLabel {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool none() const { return high == 0 && low == 0; }
  friend auto operator<=>(const HoldingLabel&, const HoldingLabel&) = default;
};

// 32 lower-case hexadecimal digits.
std::string to_string(const HoldingLabel& label);
// Nothing when the text is not of that form.
std::optional<HoldingLabel> parse_holding_label(std::string_view text);

}  // namespace tradewind
