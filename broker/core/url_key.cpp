#include "broker/core/url_key.h"

#include <algorithm>
#include <vector>

#include "schemas/ascii.h"

namespace tradewind {
namespace {

std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// "/a//./b/../c/" -> "/a/c". A '?' in it, escaped or a file's, becomes a zero byte, so that it is
// taken for no query.
std::string plain_path(std::string_view encoded) {
  const std::string path = decoded(encoded);
  std::vector<std::string_view> parts;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  std::replace(out.begin(), out.end(), '?', '\0');
  return out.empty() ? "/" : out;
}

std::string plain_authority(std::string_view authority, std::string_view default_port) {
  const auto user = authority.rfind('@');
  if (user != std::string_view::npos) authority.remove_prefix(user + 1);
  std::string_view port;
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  while (port.size() > 1 && port.front() == '0') port.remove_prefix(1);
  std::string host = ascii_lower(decoded(authority));
  while (!host.empty() && host.back() == '.') host.pop_back();
  if (port.empty() || port == default_port) return host;
  return host + ":" + std::string(port);
}

}  // namespace

std::string url_key(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const auto colon = url.find(':');
  if (colon == std::string_view::npos) return std::string(url);
  const std::string scheme = ascii_lower(url.substr(0, colon));
  std::string_view rest = url.substr(colon + 1);
  if (scheme == "file") return "file:" + plain_path(rest);
  if (rest.starts_with("//")) rest.remove_prefix(2);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  const auto query = rest.find('?');
  std::string key = "//" + plain_authority(authority, scheme == "https" ? "443" : "80") +
                    plain_path(rest.substr(0, query));
  if (query != std::string_view::npos && query + 1 < rest.size()) {
    key += "?" + decoded(rest.substr(query + 1));
  }
  return key;
}

std::string_view without_query(std::string_view url_key) {
  return url_key.substr(0, url_key.find('?'));
}

}  // namespace tradewind
