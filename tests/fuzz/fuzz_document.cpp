// One fuzzer for each document that a user sends, and for each part of credentials: the build names
// its reader in FUZZED. No bytes may crash it, and a refusal says why.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/api/auth.h"
#include "broker/api/dataset_json.h"
#include "broker/api/http_message.h"
#include "broker/api/job_filter.h"
#include "broker/api/job_json.h"
#include "broker/api/jwks.h"
#include "broker/api/jwt.h"
#include "broker/api/oidc_claims.h"
#include "broker/api/tes_task.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

[[maybe_unused]] Result<Dataset> parse_named_dataset(std::string_view text) {
  return parse_dataset("corpus", text);
}
// As the query of a target has them.
[[maybe_unused]] Result<JobFilter> parse_job_filter(std::string_view text) {
  const auto query = parse_query(text);
  if (!query) return fail(query.error());
  return tradewind::parse_job_filter(*query);
}
[[maybe_unused]] Result<std::optional<std::string>> parse_authorization(std::string_view text) {
  return presented_token(text);
}
[[maybe_unused]] Result<Caller> parse_caller(std::string_view text) {
  OidcSettings settings;
  settings.issuer = "https://login.example";
  settings.audiences = {"tradewind"};
  settings.scopes_claim = {"scope"};
  settings.role_claim = {"realm_access", "roles"};
  settings.roles = {{"members", Role::user}, {"admins", Role::operator_}};
  const auto claims = parse_claims(text);
  if (!claims) return fail(claims.error());
  return caller_of(*claims, settings, wall_from_ms(1'800'000'000'000));
}
void fuzz(std::string_view text) {
  const auto value = FUZZED(text);
  TRADEWIND_ASSERT(value || !value.error().message.empty());
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::fuzz(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
