#include "state/link/endpoint.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace tradewind {
namespace {

constexpr std::string_view kScheme = "tcp://";

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (host.front() == '[') {
    if (host.size() < 4 || host.back() != ']') return false;
    const std::string_view address = host.substr(1, host.size() - 2);
    return address.find(':') != std::string_view::npos &&
           std::all_of(address.begin(), address.end(),
                       [&](char c) { return is_hex(c) || c == ':' || c == '.'; });
  }
  return host.front() != '.' && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '-' || c == '_';
         });
}

bool is_endpoint(std::string_view endpoint, bool to_listen) {
  if (!endpoint.starts_with(kScheme)) return false;
  endpoint.remove_prefix(kScheme.size());
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = endpoint.substr(0, colon);
  const std::string_view digits = endpoint.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 5 ||
      port > 65'535) {
    return false;
  }
  return (port > 0 || to_listen) && (is_host(host) || (to_listen && host == "*"));
}

}  // namespace

Status check_peer_endpoint(std::string_view field, std::string_view endpoint) {
  if (is_endpoint(endpoint, false)) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(endpoint.substr(0, 300)) + "\" is no endpoint of a link",
              "write it like tcp://host:7411");
}

Status check_bind_endpoint(std::string_view field, std::string_view endpoint) {
  if (is_endpoint(endpoint, true)) return ok();
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(endpoint.substr(0, 300)) + "\" is no endpoint to listen at",
              "write it like tcp://0.0.0.0:7411, with port 0 for a free one");
}

}  // namespace tradewind
