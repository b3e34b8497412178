#include "state/transparency/bundle.h"

#include "schemas/assert.h"
#include "state/transparency/limits.h"
#include "state/transparency/tile_path.h"

namespace tradewind {
namespace {

tl::unexpected<Error> unlike(const BundleId& id, const std::string& why) {
  return fail(ErrorCode::corrupt, path_of(id),
              why + ", so it is no bundle of " + std::to_string(id.width) + " entries",
              "get the bundle again from another copy of the log");
}

// Takes `id.width` entries off the front of `rest`.
Result<std::vector<BytesView>> take_entries(const BundleId& id, BytesView& rest) {
  std::vector<BytesView> entries;
  entries.reserve(id.width);
  while (entries.size() < id.width) {
    if (rest.size() < 2) return unlike(id, "it ends at entry " + std::to_string(entries.size()));
    const auto high = static_cast<unsigned char>(rest[0]);
    const auto low = static_cast<unsigned char>(rest[1]);
    const std::size_t length = high * 256U + low;
    if (rest.size() < 2 + length) {
      return unlike(id, "it ends inside entry " + std::to_string(entries.size()));
    }
    entries.push_back(rest.substr(2, length));
    rest.remove_prefix(2 + length);
  }
  return entries;
}

}  // namespace

void append_entry(Bytes& bundle, BytesView entry) {
  TRADEWIND_ASSERT(entry.size() <= limits::leaf_bytes_max);
  bundle += static_cast<char>(entry.size() >> 8U);
  bundle += static_cast<char>(entry.size() & 0xffU);
  bundle += entry;
}

Result<std::vector<BytesView>> decode_bundle(const BundleId& id, BytesView bundle) {
  auto entries = take_entries(id, bundle);
  if (entries && !bundle.empty()) {
    return unlike(id, std::to_string(bundle.size()) + " bytes follow the last entry");
  }
  return entries;
}

Result<Bytes> first_entries(const BundleId& partial, BytesView full) {
  BytesView rest = full;
  if (const auto entries = take_entries(partial, rest); !entries) return fail(entries.error());
  return Bytes(full.substr(0, full.size() - rest.size()));
}

}  // namespace tradewind
