// Leaves of a log, one a line, as an auditor's programs read them: into keys for the index, and
// folded for a replay. No bytes may crash them; whatever is no log of a broker is refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/audit/leaf.h"
#include "broker/audit/replay.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void fuzz(BytesView bytes) {
  const auto missing = [] { return fail(ErrorCode::not_found, "data", "is not here"); };
  std::uint64_t decisions = 0;
  Replayer replayer({},
                    {.data = [&](std::string_view) -> Result<Bytes> { return missing(); },
                     .opening = [&](std::uint64_t) -> Result<Bytes> { return missing(); }},
                    [&](const Replayed&) { ++decisions; });
  Status folded = ok();
  while (!bytes.empty() && folded) {
    const BytesView leaf = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(bytes.size(), leaf.size() + 1));
    const auto keys = leaf_keys(leaf);
    if (!keys) TRADEWIND_ASSERT(!keys.error().message.empty());
    folded = replayer.fold(leaf);
  }
  replayer.finish();
  TRADEWIND_ASSERT(folded || !folded.error().message.empty());
  TRADEWIND_ASSERT(decisions >= replayer.counts().decisions);
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(tradewind::BytesView(reinterpret_cast<const char*>(data), size));
  return 0;
}
