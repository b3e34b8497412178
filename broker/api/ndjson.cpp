#include "broker/api/ndjson.h"

#include <algorithm>

#include "schemas/assert.h"

namespace tradewind {

bool is_ndjson(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::equal(type.begin(), type.end(), ndjson_type.begin(), ndjson_type.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

void NdjsonLines::add(std::string_view piece) {
  TRADEWIND_ASSERT(!ended_);
  bytes_.erase(0, at_);
  scanned_ -= at_;
  at_ = 0;
  bytes_ += piece;
}

std::optional<NdjsonLines::Line> NdjsonLines::next() {
  for (;;) {
    const std::size_t end = bytes_.find('\n', scanned_);
    if (end == std::string::npos && !(ended_ && (at_ < bytes_.size() || too_long_))) {
      scanned_ = bytes_.size();
      if (scanned_ - at_ > line_bytes_max_) {
        too_long_ = true;
        at_ = scanned_;
      }
      return std::nullopt;
    }
    std::string_view text =
        std::string_view(bytes_).substr(at_, end == std::string::npos ? end : end - at_);
    at_ = scanned_ = end == std::string::npos ? bytes_.size() : end + 1;
    ++number_;
    const bool too_long = too_long_ || text.size() > line_bytes_max_;
    too_long_ = false;
    if (too_long) return Line{number_, {}, true};
    if (text.find_first_not_of(" \t\r") != std::string_view::npos)
      return Line{number_, text, false};
  }
}

}  // namespace tradewind
