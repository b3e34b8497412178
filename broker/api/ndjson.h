// Lines of a document of JSON values, one a line, that comes in pieces (application/x-ndjson).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradewind {

inline constexpr std::string_view ndjson_type = "application/x-ndjson";
// Whether the Content-Type says so; parameters do not matter.
bool is_ndjson(std::string_view content_type);

inline constexpr std::size_t job_batch_bytes_max = 256 * 1024 * 1024;  // read as it comes

class NdjsonLines {
 public:
  struct Line {
    std::uint64_t number = 0;  // from 1; blank lines count
    std::string_view text;     // without its end; empty when too_long
    bool too_long = false;
  };

  explicit NdjsonLines(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // All lines that had come must have been taken. Holds at most the piece and one line.
  void add(std::string_view piece);
  // Nothing follows: what has come is the last line, whether its end has come or not.
  void end() { ended_ = true; }
  // The next line that is not blank, once it has come whole. Valid until the next non-const call.
  std::optional<Line> next();

 private:
  const std::size_t line_bytes_max_;
  std::string bytes_;
  std::size_t at_ = 0;       // where the next line begins
  std::size_t scanned_ = 0;  // no line ends between `at_` and here
  std::uint64_t number_ = 0;
  bool too_long_ = false;  // the line's beginning has been dropped
  bool ended_ = false;
};

}  // namespace tradewind
