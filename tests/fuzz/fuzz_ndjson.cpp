// Lines of NDJSON must be the same however the bytes come, and within their bound.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/ndjson.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

constexpr std::size_t kLineBytesMax = 32;

std::vector<std::string> lines_of(std::string_view text, std::size_t piece) {
  NdjsonLines lines(kLineBytesMax);
  std::vector<std::string> out;
  std::uint64_t last = 0;
  const auto take = [&] {
    while (const auto line = lines.next()) {
      TRADEWIND_ASSERT(line->number > last && line->text.size() <= kLineBytesMax);
      TRADEWIND_ASSERT(line->text.find('\n') == std::string_view::npos);
      last = line->number;
      out.push_back(std::to_string(last) + (line->too_long ? "!" : ":") + std::string(line->text));
    }
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    lines.add(text.substr(0, piece));
    take();
  }
  lines.end();
  take();
  return out;
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  // The first byte tells in what pieces the others come.
  const std::size_t piece = 1 + static_cast<unsigned char>(bytes.front());
  const std::string_view text = bytes.substr(1);
  TRADEWIND_ASSERT(tradewind::lines_of(text, piece) == tradewind::lines_of(text, text.size() + 1));
  return 0;
}
