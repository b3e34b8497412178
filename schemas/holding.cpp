#include "schemas/holding.h"

#include <fmt/format.h>

#include <charconv>

namespace tradewind {
namespace {

std::optional<std::uint64_t> half_of(std::string_view digits) {
  for (const char each : digits) {
    if (!(each >= '0' && each <= '9') && !(each >= 'a' && each <= 'f')) return std::nullopt;
  }
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

std::string to_string(const HoldingLabel& label) {
  return fmt::format("{:016x}{:016x}", label.high, label.low);
}

std::optional<HoldingLabel> parse_holding_label(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const auto high = half_of(text.substr(0, 16));
  const auto low = half_of(text.substr(16));
  if (!high || !low) return std::nullopt;
  return HoldingLabel{*high, *low};
}

}  // namespace tradewind
