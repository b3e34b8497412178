// HTTP requests and responses as values, with no HTTP library behind them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // as sent, query included
  std::string path;    // the target's path as sent, still percent-encoded
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  bool body_to_come = false;  // it is not in `body` but read as it comes (Responder::read)
  std::string peer;           // address without port
  bool peer_is_loopback = false;

  // The first value of that name, empty when there is none; `name` in lower case.
  std::string_view header(std::string_view name) const;
  // The first value of that query parameter; nothing when it is absent.
  std::optional<std::string> parameter(std::string_view name) const;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;                            // without length and connection
  std::string content_type = "application/json";  // empty: no such header
  std::string body;
};

std::string_view status_text(int status);

// "%41+b" -> "A+b", or "A b" when `plus_is_space`. Fails on a broken escape or a NUL, naming
// `field`.
Result<std::string> percent_decode(std::string_view field, std::string_view text,
                                   bool plus_is_space);
// "a=1&b=%20" in order; a name without '=' has an empty value. At most 256 pairs.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text);

// How the end of a response's body is marked.
struct BodyFraming {
  std::optional<std::size_t> length;  // Content-Length
  bool chunked = false;               // else, when there is no length, by closing the connection
};
// The status line and headers of a response.
std::string response_head(const HttpResponse& response, BodyFraming framing, bool keep_alive);

}  // namespace tradewind
