// How an address is reached, by what it begins with: in small letters, as endpoint and gateways ask
// for it. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace tradewind {

// Whether it is an http:, https: or s3: URL: of data that is reached over the network.
inline bool is_web_url(std::string_view url) {
  return url.starts_with("http:") || url.starts_with("https:") || url.starts_with("s3:");
}
// Whether it is a file: URL: of data that lies at a site.
inline bool is_file_url(std::string_view url) {
  return url.starts_with("file:");
}

// What stands behind http:// or https://, from the host on; nothing where it begins with neither.
inline std::optional<std::string_view> behind_http(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme)) return url.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace tradewind
