#include "tests/simulation/span.h"

#include <charconv>
#include <utility>

namespace tradewind::simulation {
namespace {

constexpr std::pair<std::string_view, Micros> kUnits[] = {
    {"ms", kMillisecond}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}};
constexpr std::int64_t kCountMax = 1'000'000'000;

}  // namespace

std::optional<std::int64_t> read_number(std::string_view text) {
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Micros> read_span(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("-0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const auto count = read_number(text.substr(0, digits));
  if (!count || *count > kCountMax || *count < -kCountMax) return std::nullopt;
  for (const auto& [unit, span] : kUnits) {
    if (text.substr(digits) == unit) return *count * span;
  }
  return std::nullopt;
}

std::string span_text(Micros span) {
  const Micros milliseconds = span / kMillisecond;
  if (milliseconds % 1'000 != 0) return std::to_string(milliseconds) + "ms";
  return std::to_string(milliseconds / 1'000) + "s";
}

}  // namespace tradewind::simulation
