#include "state/identity/authority.h"

#include <openssl/ec.h>

#include <system_error>

#include "schemas/limits.h"
#include "state/identity/certificates.h"
#include "state/identity/issuance.h"
#include "state/identity/stored_file.h"

namespace tradewind {
namespace {

constexpr const char* kFederationFile = "federation";
constexpr const char* kCertificateFile = "ca.crt";
constexpr const char* kKeyFile = "ca.key";
constexpr const char* kRegistryKeyFile = "registry.key";

void push(openssl::Names& names, openssl::Name name) {
  if (names == nullptr) names.reset(GENERAL_NAMES_new());
  TRADEWIND_ASSERT(names != nullptr && sk_GENERAL_NAME_push(names.get(), name.get()) > 0);
  name.release();
}

bool is_p256(const EVP_PKEY* key) {
  char group[32];
  std::size_t length = 0;
  return EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1 &&
         std::string_view(group, length) == SN_X9_62_prime256v1;
}

// The dates of a leaf: they lie within the authority's own, since no leaf is good without it.
Status check_dates(std::chrono::seconds lifetime, Wall::time_point now, const std::string& ca_pem) {
  if (lifetime <= std::chrono::seconds(0) || lifetime > certificate_lifetime_max) {
    return fail(
        ErrorCode::invalid, "lifetime",
        std::to_string(lifetime.count()) + " seconds are no lifetime of a certificate",
        "give 1 to " + std::to_string(std::chrono::seconds(certificate_lifetime_max).count()));
  }
  const auto own = certificate_validity(ca_pem);
  if (!own) return fail(own.error());
  if (now + lifetime > own->not_after) {
    return fail(ErrorCode::invalid, "lifetime",
                "the certificate would end after its authority, at " + to_rfc3339(own->not_after),
                "choose a shorter lifetime or renew the authority");
  }
  return ok();
}

tl::unexpected<Error> corrupt(const std::filesystem::path& file, std::string message) {
  return fail(ErrorCode::corrupt, file.string(), std::move(message),
              "restore the whole directory from a backup");
}

}  // namespace

CertificateAuthority::CertificateAuthority(FederationId federation, SigningKey key,
                                           SigningKey registry_key, std::string certificate_pem,
                                           Bytes certificate_sha256)
    : federation_(std::move(federation)),
      key_(std::move(key)),
      registry_key_(std::move(registry_key)),
      certificate_pem_(std::move(certificate_pem)),
      certificate_sha256_(std::move(certificate_sha256)) {}

Result<CertificateAuthority> CertificateAuthority::create(const FederationId& federation,
                                                          Wall::time_point now) {
  if (const Status form = check_name("federation", federation.value); !form)
    return fail(form.error());
  SigningKey key = SigningKey::generate();
  SigningKey registry_key = SigningKey::generate();
  openssl::Blank blank;
  // X.520 allows a common name 64 characters; a federation's name has at most 63.
  blank.common_name = federation.value;
  blank.subject_key = blank.issuer_key = key.native();
  blank.not_before = now - limits::clock_skew_max;
  blank.not_after = now + authority_lifetime;
  blank.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                      {NID_key_usage, "critical,keyCertSign,cRLSign"}};
  push(blank.names, openssl::uri_name("spiffe://" + federation.value));
  // Whoever trusts this certificate, as a join token pins it, knows the registry's key by it.
  push(blank.names, openssl::uri_name(registry_uri(federation, registry_key.public_key())));
  std::string pem = openssl::to_pem(openssl::issue(blank).get());
  auto digest = tradewind::certificate_sha256(pem);
  TRADEWIND_ASSERT(digest.has_value());
  return CertificateAuthority(federation, std::move(key), std::move(registry_key), std::move(pem),
                              std::move(*digest));
}

Result<CertificateAuthority> CertificateAuthority::load(const std::filesystem::path& directory) {
  const auto federation_file = directory / kFederationFile;
  auto name = load_file(federation_file, 256);
  if (!name) return fail(name.error());
  if (name->ends_with('\n')) name->pop_back();
  FederationId federation{std::move(*name)};
  if (const Status form = check_name("federation", federation.value); !form)
    return corrupt(federation_file, form.error().message);
  const auto certificate_file = directory / kCertificateFile;
  auto pem = load_file(certificate_file, certificate_bytes_max);
  if (!pem) return fail(pem.error());
  const auto certificate = openssl::certificate_from_pem("ca.crt", *pem);
  if (!certificate) return corrupt(certificate_file, certificate.error().message);
  auto key = SigningKey::load(directory / kKeyFile);
  if (!key) return fail(key.error());
  auto registry_key = SigningKey::load(directory / kRegistryKeyFile);
  if (!registry_key) return fail(registry_key.error());
  X509* const raw = certificate->get();
  if (X509_check_ca(raw) != 1)
    return corrupt(certificate_file, "is not the certificate of an authority");
  if (X509_check_private_key(raw, key->native()) != 1)
    return corrupt(certificate_file, std::string("does not belong to the key in ") + kKeyFile);
  char common_name[128] = {};
  const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(raw), NID_commonName,
                                               common_name, sizeof common_name);
  if (length < 0 || federation.value != common_name) {
    return corrupt(certificate_file, "is of another federation than \"" + federation.value + "\"");
  }
  auto digest = tradewind::certificate_sha256(*pem);
  TRADEWIND_ASSERT(digest.has_value());
  return CertificateAuthority(std::move(federation), std::move(*key), std::move(*registry_key),
                              std::move(*pem), std::move(*digest));
}

Status CertificateAuthority::save(const std::filesystem::path& directory) const {
  std::error_code error;
  const bool fresh = std::filesystem::create_directories(directory, error);
  if (error)
    return fail(ErrorCode::unavailable, directory.string(), "cannot make it: " + error.message());
  if (fresh) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    if (error) {
      return fail(ErrorCode::unavailable, directory.string(),
                  "cannot set its mode: " + error.message());
    }
  }
  for (const char* each : {kFederationFile, kCertificateFile, kKeyFile, kRegistryKeyFile}) {
    if (std::filesystem::exists(directory / each, error)) {
      return fail(ErrorCode::conflict, (directory / each).string(),
                  "is there already: an authority is never replaced",
                  "choose another directory, or remove the old authority by hand");
    }
  }
  if (const Status saved = key_.save(directory / kKeyFile); !saved) return saved;
  if (const Status saved = registry_key_.save(directory / kRegistryKeyFile); !saved) return saved;
  if (const Status saved = store_file(directory / kCertificateFile, certificate_pem_, public_mode);
      !saved) {
    return saved;
  }
  return store_file(directory / kFederationFile, federation_.value + "\n", public_mode);
}

Result<std::string> CertificateAuthority::issue(std::string_view csr_pem, const NodeId& node,
                                                std::chrono::seconds lifetime,
                                                Wall::time_point now) const {
  if (const Status form = check_node("node", node); !form) return fail(form.error());
  if (const auto key = csr_public_key(csr_pem); !key) return fail(key.error());
  if (const Status dates = check_dates(lifetime, now, certificate_pem_); !dates)
    return fail(dates.error());
  const auto request = openssl::request_from_pem("csr", csr_pem);
  if (!request) return fail(request.error());
  const auto issuer = openssl::certificate_from_pem("ca.crt", certificate_pem_);
  TRADEWIND_ASSERT(issuer.has_value());
  openssl::Blank blank;
  // A node's name has at most 70 characters, X.520 allows 64 here; the URI is what counts.
  blank.common_name = node.value.substr(0, 64);
  blank.subject_key = X509_REQ_get0_pubkey(request->get());
  blank.issuer = issuer->get();
  blank.issuer_key = key_.native();
  blank.not_before = now - limits::clock_skew_max;
  blank.not_after = now + lifetime;
  blank.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                      {NID_key_usage, "critical,digitalSignature"},
                      {NID_ext_key_usage, "clientAuth,serverAuth"}};
  push(blank.names, openssl::uri_name(node_uri(federation_, node)));
  return openssl::to_pem(openssl::issue(blank).get());
}

Result<std::string> CertificateAuthority::issue_server(std::string_view csr_pem,
                                                       const std::vector<std::string>& names,
                                                       std::chrono::seconds lifetime,
                                                       Wall::time_point now) const {
  if (names.empty() || names.size() > server_names_max) {
    return fail(ErrorCode::invalid, "names",
                std::to_string(names.size()) + " names cannot be in one certificate",
                "give 1 to " + std::to_string(server_names_max));
  }
  const auto request = openssl::request_from_pem("csr", csr_pem);
  if (!request) return fail(request.error());
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request->get());
  if (EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 && !is_p256(key)) {
    return fail(ErrorCode::invalid, "csr", "its key is neither Ed25519 nor of the curve P-256",
                "make the request with a key of one of these kinds");
  }
  if (const Status dates = check_dates(lifetime, now, certificate_pem_); !dates)
    return fail(dates.error());
  const auto issuer = openssl::certificate_from_pem("ca.crt", certificate_pem_);
  TRADEWIND_ASSERT(issuer.has_value());
  openssl::Blank blank;
  blank.common_name = names.front().substr(0, 64);
  blank.subject_key = key;
  blank.issuer = issuer->get();
  blank.issuer_key = key_.native();
  blank.not_before = now - limits::clock_skew_max;
  blank.not_after = now + lifetime;
  blank.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                      {NID_key_usage, "critical,digitalSignature"},
                      {NID_ext_key_usage, "serverAuth"}};
  for (const std::string& each : names) {
    openssl::Name name = openssl::server_name(each);
    if (name == nullptr) {
      return fail(ErrorCode::invalid, "names",
                  "\"" + each.substr(0, 80) + "\" is neither a DNS name nor an IP address",
                  "write it like broker.example.org or 192.0.2.7");
    }
    push(blank.names, std::move(name));
  }
  return openssl::to_pem(openssl::issue(blank).get());
}

}  // namespace tradewind
