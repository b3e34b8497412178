// The book of a download's ranges, as a file of the cache holds it: no bytes may crash the reader,
// and a book that is taken hands out each missing byte once.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/staging/range_book.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void fuzz(std::string_view text) {
  // Short inputs are books as well, with nothing behind.
  std::string bytes(text.substr(0, RangeBook::encoded_bytes));
  bytes.resize(RangeBook::encoded_bytes);
  auto book = RangeBook::decode(bytes, 1ULL << 60);
  if (!book) return;
  TRADEWIND_ASSERT(book->beginning_bytes() <= book->size_bytes());
  const auto again = RangeBook::decode(book->encode(), 1ULL << 60);
  TRADEWIND_ASSERT(again && again->missing_bytes() == book->missing_bytes());
  std::uint64_t missing = book->missing_bytes();
  while (const auto range = book->take()) {
    TRADEWIND_ASSERT(range->at < range->end && range->end - range->at <= missing);
    missing -= range->end - range->at;
    book->advance(range->end, range->end);
  }
  TRADEWIND_ASSERT(missing == 0 && book->beginning_bytes() == book->size_bytes());
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
