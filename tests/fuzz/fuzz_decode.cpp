// One fuzzer for each decode_ function: the build names it in FUZZED. No bytes may crash it, and
// what it takes must be a value that comes back equal through its own bytes.
#include <cstddef>
#include <cstdint>

#include "schemas/assert.h"
#include "schemas/codec.h"

namespace tradewind {
namespace {

// What else must hold of a value and its bytes.
void check(BytesView bytes, const Record& record) {
  TRADEWIND_ASSERT(decode_record_header(bytes) == record.header);
}
template <class T>
void check(BytesView, const T&) {}

void fuzz(BytesView bytes) {
  const auto value = FUZZED(bytes);
  // Where no word is aligned, the answer is the same.
  const Bytes elsewhere = "x" + Bytes(bytes);
  TRADEWIND_ASSERT(FUZZED(BytesView(elsewhere).substr(1)).has_value() == value.has_value());
  if (!value) {
    TRADEWIND_ASSERT(!value.error().message.empty());
    return;
  }
  const Bytes encoded = encode(*value);
  const auto again = FUZZED(encoded);
  TRADEWIND_ASSERT(again.has_value());
  TRADEWIND_ASSERT(*again == *value);
  TRADEWIND_ASSERT(encode(*again) == encoded);
  check(bytes, *value);
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(tradewind::BytesView(reinterpret_cast<const char*>(data), size));
  return 0;
}
