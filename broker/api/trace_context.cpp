#include "broker/api/trace_context.h"

#include <cstddef>

#include "schemas/ascii.h"

namespace tradewind {
namespace {

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::string trace_parent(std::string_view header) {
  // version "-" trace id "-" parent id "-" flags; later versions may add to it, and are not kept.
  constexpr std::size_t length = 2 + 1 + 32 + 1 + 16 + 1 + 2;
  if (header.size() != length || header[2] != '-' || header[35] != '-' || header[52] != '-') {
    return {};
  }
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace = header.substr(3, 32);
  const std::string_view parent = header.substr(36, 16);
  if (!is_lower_hex(version) || version == "ff" || !is_lower_hex(trace) || is_zero(trace) ||
      !is_lower_hex(parent) || is_zero(parent) || !is_lower_hex(header.substr(53))) {
    return {};
  }
  return std::string(header);
}

}  // namespace tradewind
