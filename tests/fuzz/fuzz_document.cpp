// One fuzzer for each document that a user, an operator or a joining site sends, or that a broker
// answers a join with: the build names its reader in FUZZED. No bytes may crash it, and a refusal
// says why. What has one text comes back as that text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/api/dataset_json.h"
#include "broker/api/job_json.h"
#include "broker/api/tes_task.h"
#include "schemas/assert.h"
#include "state/identity/certificates.h"
#include "state/identity/join.h"

namespace tradewind {
namespace {

[[maybe_unused]] Result<Dataset> parse_named_dataset(std::string_view text) {
  return parse_dataset("corpus", text);
}
[[maybe_unused]] Result<Bytes> parse_certificate(std::string_view text) {
  const auto key = certificate_public_key(text);
  if (key) TRADEWIND_ASSERT(certificate_validity(text) && certificate_sha256(text));
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
