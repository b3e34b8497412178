// The head of what is downloaded, line by line: no bytes may crash the reader, and what it keeps of
// them can be put into the head of another request.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/staging/http_exchange.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void fuzz(std::string_view text) {
  static const StagingPolicy policy;
  static const HttpTarget target = plain_target("https://store.example/x");
  HttpExchange exchange{policy, target, "url", {}};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    exchange.read_head(text.substr(0, end));
    text.remove_prefix(end);
    const std::string& validator = exchange.version.validator();
    TRADEWIND_ASSERT(validator.size() <= 256 && validator.find_first_of("\r\n") == std::string::npos);
    TRADEWIND_ASSERT(exchange.version.may_be(exchange.version));
  }
  TRADEWIND_ASSERT(!exchange.range_total || exchange.range_start);
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
