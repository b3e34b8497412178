// One fuzzer for each parser of state/transparency, and one for trust records: the build names it
// in FUZZED. No bytes may crash it, and what it takes must be the one text of its value: formatted
// again, the same bytes.
// Policies, which have comments, must ask for a quorum that can be had, and is not had for nothing.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/assert.h"
#include "state/identity/trust.h"
#include "state/transparency/checkpoint.h"
#include "state/transparency/cosignature.h"
#include "state/transparency/policy.h"
#include "state/transparency/receipt.h"
#include "state/transparency/tile_path.h"
#include "state/transparency/verifier_key.h"
#include "state/transparency/witness_request.h"

namespace tradewind {
namespace {

// The one text of each value.
struct Text {
  static Bytes of(const Checkpoint& checkpoint) { return format_checkpoint(checkpoint); }
  static Bytes of(const Cosignature& cosignature) { return format_cosignature(cosignature); }
  static Bytes of(const Note& note) { return format_note(note); }
  static Bytes of(const Receipt& receipt) { return format_receipt(receipt); }
  static Bytes of(const std::variant<TileId, BundleId>& id) {
    return std::visit([](const auto& each) { return path_of(each); }, id);
  }
  static Bytes of(const VerifierKey& key) { return format_verifier_key(key); }
  static Bytes of(const WitnessRequest& request) { return format_witness_request(request); }
  static Bytes of(const SignedTrust& trust) { return to_text(trust); }
  static Bytes of(const std::vector<BytesView>& entries) {
    Bytes bundle(1, static_cast<char>(entries.size() - 1));
    for (const BytesView each : entries) append_entry(bundle, each);
    return bundle;
  }
};

// The first byte tells how many entries to expect.
[[maybe_unused]] Result<std::vector<BytesView>> parse_bundle(BytesView bytes) {
  if (bytes.empty()) return fail(ErrorCode::invalid, "bundle", "no width");
  const unsigned width = static_cast<unsigned char>(bytes.front()) + 1U;
  auto entries = decode_bundle({0, width}, bytes.substr(1));
  const auto first = first_entries({0, 1}, bytes.substr(1));
  if (entries)
    TRADEWIND_ASSERT(first && decode_bundle({0, 1}, *first)->front() == entries->front());
  return entries;
}

template <class T>
void check(BytesView bytes, const T& value) {
  TRADEWIND_ASSERT(Text::of(value) == bytes);
}
void check(BytesView, const Policy& policy) {
  std::set<std::string, std::less<>> all;
  for (const PolicyWitness& each : policy.witnesses) all.insert(each.name);
  TRADEWIND_ASSERT(is_satisfied(policy, all));
  TRADEWIND_ASSERT(is_satisfied(policy, {}) == policy.quorum.empty());
}

void fuzz(BytesView bytes) {
  const auto value = FUZZED(bytes);
  if (value) {
    check(bytes, *value);
  } else {
    TRADEWIND_ASSERT(!value.error().message.empty());
  }
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(tradewind::BytesView(reinterpret_cast<const char*>(data), size));
  return 0;
}
