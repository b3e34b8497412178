#include "broker/api/http_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

#include "schemas/ascii.h"

namespace tradewind {
namespace {

constexpr std::size_t kQueryPairsMax = 256;

// IMF-fixdate, as RFC 9110 wants it; made once a second.
std::string_view http_date() {
  thread_local std::time_t made = 0;
  thread_local std::array<char, 64> text{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made = now;
  }
  return {text.data(), size};
}

// A header's value must not end the header: what could do so becomes a space.
void add_header(std::string& head, std::string_view name, std::string_view value) {
  const auto begin = static_cast<std::ptrdiff_t>(head.size());
  head.append(name).append(": ").append(value);
  std::replace_if(
      head.begin() + begin, head.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; },
      ' ');
  head += "\r\n";
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view status_text(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

Result<std::string> percent_decode(std::string_view field, std::string_view text,
                                   bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\0') {
      return fail(ErrorCode::invalid, std::string(field), "it has a NUL", "leave it out");
    }
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return fail(ErrorCode::invalid, std::string(field),
                    "\"" + std::string(text.substr(i, 3)) + "\" is no percent-encoded character",
                    "write % as %25, and others as % and two hexadecimal digits");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    decoded.push_back(c);
  }
  return decoded;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::string_view each = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), each.size() + 1));
    if (each.empty()) continue;
    if (pairs.size() == kQueryPairsMax) {
      return fail(ErrorCode::too_large, "query", "more than 256 query parameters",
                  "send at most 256");
    }
    const std::size_t equals = each.find('=');
    auto name = percent_decode("query", each.substr(0, equals), true);
    if (!name) return fail(name.error());
    auto value = percent_decode(
        *name, equals == std::string_view::npos ? std::string_view() : each.substr(equals + 1),
        true);
    if (!value) return fail(value.error());
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

std::string response_head(const HttpResponse& response, BodyFraming framing, bool keep_alive) {
  std::string head;
  head.reserve(512);  // of most answers more than all
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\nDate: {}\r\nServer: tradewind\r\n",
                 response.status, status_text(response.status), http_date());
  if (!response.content_type.empty()) add_header(head, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) add_header(head, name, value);
  head += "X-Content-Type-Options: nosniff\r\n";
  const bool says_caching = std::ranges::any_of(
      response.headers, [](const auto& each) { return each.first == "Cache-Control"; });
  if (!says_caching) head += "Cache-Control: no-store\r\n";
  if (framing.length) {
    head += "Content-Length: " + std::to_string(*framing.length) + "\r\n";
  } else if (framing.chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  if (!keep_alive) head += "Connection: close\r\n";
  return head + "\r\n";
}

}  // namespace tradewind
