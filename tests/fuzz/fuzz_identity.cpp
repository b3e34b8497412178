// One fuzzer for each paper that comes with a join or names a node: the build names its reader in
// FUZZED. No bytes may crash it, and a refusal says why. A token comes back as the same text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/assert.h"
#include "state/identity/certificates.h"
#include "state/identity/join.h"

namespace tradewind {
namespace {

[[maybe_unused]] Result<Bytes> parse_certificate(std::string_view text) {
  const auto key = certificate_public_key(text);
  if (key) TRADEWIND_ASSERT(certificate_sha256(text));
  const auto validity = certificate_validity(text);  // its dates may be none
  TRADEWIND_ASSERT(validity || !validity.error().message.empty());
  const FederationId federation{"trade"};
  const auto node = check_certificate(text, text, federation, wall_from_ms(1'800'000'000'000));
  TRADEWIND_ASSERT(node || !node.error().message.empty());
  return key;
}
[[maybe_unused]] Result<Bytes> parse_csr(std::string_view text) {
  return csr_public_key(text);
}

template <class T>
void check(std::string_view, const T&) {}
[[maybe_unused]] void check(std::string_view text, const JoinToken& token) {
  TRADEWIND_ASSERT(to_string(token) == text);
}

void fuzz(std::string_view text) {
  const auto value = FUZZED(text);
  if (value) {
    check(text, *value);
  } else {
    TRADEWIND_ASSERT(!value.error().message.empty());
  }
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
