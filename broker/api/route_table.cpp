#include "broker/api/route_table.h"

#include <algorithm>
#include <optional>

#include "broker/api/http_message.h"

namespace tradewind {
namespace {

constexpr std::size_t kSegmentsMax = 16;

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    segments.emplace_back(segment);
  }
  if (!segments.empty() && segments.back().empty()) segments.pop_back();
  return segments;
}

// The captures of the path, or nothing when it does not match.
std::optional<std::vector<std::string>> match_segments(const std::vector<std::string>& pattern,
                                                       const std::vector<std::string>& path) {
  std::vector<std::string> captures;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view want = pattern[i];
    if (want.front() != '{') {
      if (at >= path.size() || path[at++] != want) return std::nullopt;
      continue;
    }
    const auto close = want.find('}');
    const std::string_view verb = want.substr(close + 1);
    if (want.substr(0, close).ends_with("...")) {
      const std::size_t after = pattern.size() - i - 1;
      if (path.size() < at + after + 1) return std::nullopt;
      std::string joined = path[at++];
      while (path.size() - at > after) joined += "/" + path[at++];
      captures.push_back(std::move(joined));
      continue;
    }
    if (at >= path.size()) return std::nullopt;
    std::string_view have = path[at++];
    if (!have.ends_with(verb)) return std::nullopt;
    have.remove_suffix(verb.size());
    if (have.empty() || have.find(':') != std::string_view::npos) return std::nullopt;
    captures.emplace_back(have);
  }
  if (at != path.size()) return std::nullopt;
  return captures;
}

}  // namespace

void RouteTable::add(std::string_view method, std::string_view pattern, std::size_t route) {
  entries_.push_back(Entry{std::string(method), split(pattern), route});
}

RouteTable::Match RouteTable::match(std::string_view method, std::string_view path) const {
  Match match;
  std::vector<std::string> segments = split(path);
  if (segments.empty() || segments.size() > kSegmentsMax) return match;
  for (std::string& each : segments) {
    auto decoded = percent_decode("path", each, false);
    if (!decoded || decoded->empty()) return match;
    each = std::move(*decoded);
  }
  if (method == "HEAD") method = "GET";
  for (const Entry& each : entries_) {
    auto captures = match_segments(each.segments, segments);
    if (!captures) continue;
    if (each.method == method) {
      return Match{Match::Kind::found, each.route, std::move(*captures), {}};
    }
    match.kind = Match::Kind::no_method;
    if (std::find(match.methods.begin(), match.methods.end(), each.method) == match.methods.end()) {
      match.methods.emplace_back(each.method);
    }
  }
  return match;
}

}  // namespace tradewind
