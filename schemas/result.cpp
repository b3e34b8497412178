#include "schemas/result.h"

#include <fmt/format.h>

#include <optional>

#include "schemas/utf8.h"

namespace tradewind {
namespace {

bool obeyed_by_terminals(char32_t point) {
  if (point == '\n' || point == '\t') return false;
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

// A message may quote what a peer sent or a damaged disk gave back.
std::string legible(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    std::string_view rest = text;
    const std::optional<char32_t> point = take_code_point(rest);
    const std::string_view taken = text.substr(0, point ? text.size() - rest.size() : 1);
    if (point && !obeyed_by_terminals(*point)) {
      clean += taken;
    } else {
      for (const char each : taken) {
        clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(each));
      }
    }
    text.remove_prefix(taken.size());
  }
  return clean;
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::forbidden: return "forbidden";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::too_large: return "too_large";
    case ErrorCode::exhausted: return "exhausted";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::refused: return "refused";
    case ErrorCode::maybe_delivered: return "maybe_delivered";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string describe(const Error& error) {
  std::string text;
  if (!error.field.empty()) text = error.field + ": ";
  text += error.message;
  if (!error.remedy.empty()) text += "; " + error.remedy;
  return legible(text);
}

}  // namespace tradewind
