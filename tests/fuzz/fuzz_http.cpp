// One fuzzer for each thing that the HTTP server reads of a request before anybody has said who he
// is: the build names it in FUZZED. No bytes may crash it, and what it makes of them must hold.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/api/entity_tag.h"
#include "broker/api/http_loop.h"
#include "broker/api/route_table.h"
#include "schemas/assert.h"

namespace tradewind {
namespace fuzzed {
namespace {

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// A header up to its empty line, as the server cuts it out.
[[maybe_unused]] void parse_request_head(std::string_view bytes) {
  static const HttpServerOptions options = [] {
    HttpServerOptions made;
    made.body_rule = [](std::string_view, std::string_view, std::string_view) {
      return BodyRule{1'000, false};
    };
    return made;
  }();
  std::string head(
      bytes.substr(0, std::min(bytes.find("\r\n\r\n"), options.limits.header_bytes_max)));
  head += "\r\n\r\n";
  RequestParser parser;
  BodyRule rule;
  if (const auto refusal = parse_head(parser, head, options, rule)) {
    TRADEWIND_ASSERT(refusal->status >= 400 && !refusal->message.empty());
    return;
  }
  TRADEWIND_ASSERT(parser.is_header_done());
  const auto request = to_request(parser);
  if (!request) {
    TRADEWIND_ASSERT(!request.error().message.empty());
    return;
  }
  TRADEWIND_ASSERT(!request->method.empty() && is_one_line(request->target));
  TRADEWIND_ASSERT(request->path.find('?') == std::string::npos);
  for (const auto& [name, value] : request->headers) {
    TRADEWIND_ASSERT(!name.empty() && is_one_line(name) && is_one_line(value));
    for (const char c : name) TRADEWIND_ASSERT(c < 'A' || c > 'Z');
  }
}

std::string escaped(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return out;
}

[[maybe_unused]] void parse_query(std::string_view bytes) {
  const auto pairs = tradewind::parse_query(bytes);
  if (!pairs) {
    TRADEWIND_ASSERT(!pairs.error().message.empty());
    return;
  }
  std::string again;
  for (const auto& [name, value] : *pairs) again += escaped(name) + "=" + escaped(value) + "&";
  const auto same = tradewind::parse_query(again);
  TRADEWIND_ASSERT(same && *same == *pairs);
}

// Accept-Encoding, Content-Encoding and If-None-Match.
[[maybe_unused]] void parse_coding_header(std::string_view bytes) {
  const CodingChoice choice = choose_coding(bytes);
  const std::string all(bytes);
  // Nothing is made of nothing.
  if (all.find_first_of("*gGzZiI") == std::string::npos) TRADEWIND_ASSERT(choice == CodingChoice{});
  (void)parse_coding(bytes);
  static const std::string tag = entity_tag("body");
  if (names_tag(bytes, tag)) {
    TRADEWIND_ASSERT(bytes.find('*') != std::string_view::npos ||
                     bytes.find(std::string_view(tag).substr(2)) != std::string_view::npos);
  }
  TRADEWIND_ASSERT(names_tag(tag + "," + all, tag));
}

[[maybe_unused]] void parse_route_path(std::string_view bytes) {
  static const RouteTable table = [] {
    RouteTable made;
    constexpr std::array patterns{"/v1/jobs",
                                  "/v1/jobs/{id}",
                                  "/v1/jobs/{id}:cancel",
                                  "/v1/jobs/{id}/logs",
                                  "/log/tile/{path...}",
                                  "/log/{path...}/end",
                                  "/"};
    for (std::size_t i = 0; i < patterns.size(); ++i) made.add("GET", patterns.at(i), i);
    return made;
  }();
  const auto match = table.match("GET", bytes);
  TRADEWIND_ASSERT(match.kind != RouteTable::Match::Kind::no_method);
  if (match.kind != RouteTable::Match::Kind::found) return;
  for (const std::string& each : match.captures) {
    TRADEWIND_ASSERT(!each.empty() && each.find('\0') == std::string::npos);
  }
  TRADEWIND_ASSERT(table.match("POST", bytes).kind == RouteTable::Match::Kind::no_method);
}

std::optional<std::string> decoded(Coding coding, std::string_view text, std::size_t piece) {
  constexpr std::size_t step = 1'000;
  constexpr std::size_t all_max = 100'000;
  BodyDecoder decoder(coding);
  std::string out;
  std::string waiting;
  while (!text.empty() && out.size() <= all_max) {
    waiting += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
    for (std::size_t given = step; given == step && out.size() <= all_max;) {
      const std::size_t before = out.size();
      std::string_view rest = waiting;
      if (!decoder.decode(rest, out, step)) return std::nullopt;
      given = out.size() - before;
      TRADEWIND_ASSERT(given <= step);
      waiting.erase(0, waiting.size() - rest.size());
    }
    TRADEWIND_ASSERT(waiting.empty() || out.size() > all_max);
  }
  out.resize(std::min(out.size(), all_max));
  return out;
}

// The first byte tells the coding and in what pieces the others come.
[[maybe_unused]] void parse_coded_body(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto first = static_cast<unsigned char>(bytes.front());
  const Coding coding = (first & 1U) != 0 ? Coding::gzip : Coding::zstd;
  const std::string_view text = bytes.substr(1);
  const auto whole = decoded(coding, text, text.size() + 1);
  const auto pieces = decoded(coding, text, 1 + first / 2U);
  if (whole && pieces) TRADEWIND_ASSERT(*whole == *pieces);
  const auto back = decoded(coding, encode_body(coding, text), 7);
  TRADEWIND_ASSERT(back && *back == text.substr(0, 100'000));
}

}  // namespace
}  // namespace fuzzed
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzzed::FUZZED(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
