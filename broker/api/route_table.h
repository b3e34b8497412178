// Which handler a request is for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind {

// Patterns are paths whose segments are literal, "{name}" (one segment, no ':' in it),
// "{name}:verb", or "{name...}" (one or more segments). A route is an index into the table given.
class RouteTable {
 public:
  struct Match {
    enum class Kind { found, no_path, no_method };
    Kind kind = Kind::no_path;
    std::size_t route = 0;
    std::vector<std::string> captures;      // decoded, in the pattern's order
    std::vector<std::string_view> methods;  // when no_method: those that the path takes
  };

  void add(std::string_view method, std::string_view pattern, std::size_t route);
  // `path` as sent. HEAD is served as GET; a slash at the end counts for nothing.
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> segments;
    std::size_t route = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace tradewind
