#include "state/identity/former_trust.h"

#include <utility>

#include "state/identity/certificates.h"
#include "state/identity/stored_file.h"

namespace tradewind {

Result<TrustRecord> former_trust(const FederationId& federation, std::string_view certificate_pem,
                                 const Bytes& registry_key) {
  const auto der = certificate_der(certificate_pem);
  if (!der) return fail(der.error());
  auto issuer = certificate_from_der(*der);  // in the one spelling that trust records have
  if (!issuer) return fail(issuer.error());
  const auto validity = certificate_validity(*issuer);
  if (!validity) return fail(validity.error());
  TrustRecord record;
  record.federation = federation;
  record.issued = validity->not_before;
  record.expires = validity->not_after;
  record.roots = {registry_key};
  record.issuers = {std::move(*issuer)};
  record.registry_keys = {registry_key};
  if (const auto body = trust_body(record); !body) return fail(body.error());
  return record;
}

Result<TrustChain> load_former_trust(const std::filesystem::path& directory) {
  auto name = load_file(directory / "federation", 256);
  if (!name) return fail(name.error());
  if (name->ends_with('\n')) name->pop_back();
  const auto certificate = load_file(directory / former_certificate_file, certificate_bytes_max);
  if (!certificate) return fail(certificate.error());
  const auto registry_key = SigningKey::load(directory / "registry.key");
  if (!registry_key) return fail(registry_key.error());
  auto record = former_trust(FederationId{*name}, *certificate, registry_key->public_key());
  if (!record) return fail(record.error());
  SignedTrust first{std::move(*record), {}};
  sign_trust(first, *registry_key);
  return TrustChain::from(std::move(first));
}

}  // namespace tradewind
