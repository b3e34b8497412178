#include "schemas/money.h"

namespace tradewind {

Result<std::int64_t> parse_micros(std::string_view field, std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, std::string(field),
                "\"" + std::string(text.substr(0, 40)) + "\" " + std::string(why),
                "write a decimal with at most six places, such as 1.25");
  };
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) at = 1;
  std::int64_t micros = 0;
  int decimals = -1;  // -1: before the point
  std::size_t digits = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && decimals < 0 && digits > 0) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return bad("is no decimal number");
    if (decimals >= 0 && ++decimals > 6) return bad("has more than six decimal places");
    ++digits;
    if (__builtin_mul_overflow(micros, std::int64_t{10}, &micros) ||
        __builtin_add_overflow(micros, std::int64_t{c - '0'}, &micros)) {
      return bad("is too large");
    }
  }
  if (digits == 0 || decimals == 0) return bad("is no decimal number");
  for (int i = decimals < 0 ? 0 : decimals; i < 6; ++i) {
    if (__builtin_mul_overflow(micros, std::int64_t{10}, &micros)) return bad("is too large");
  }
  return negative ? -micros : micros;
}

std::string to_decimal(std::int64_t micros) {
  const bool negative = micros < 0;
  const std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  std::string text = (negative ? "-" : "") + std::to_string(size / 1'000'000);
  std::string decimals = std::to_string(size % 1'000'000 + 1'000'000).substr(1);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  if (!decimals.empty()) text += "." + decimals;
  return text;
}

}  // namespace tradewind
