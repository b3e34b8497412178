#include "state/identity/authority.h"

#include <openssl/ec.h>

#include <algorithm>
#include <system_error>

#include "schemas/limits.h"
#include "state/identity/certificates.h"
#include "state/identity/former_trust.h"
#include "state/identity/issuance.h"
#include "state/identity/trust_files.h"

namespace tradewind {
namespace {

constexpr const char* roots_folder = "roots";
constexpr const char* first_key_file = "ca-1.key";
constexpr const char* first_registry_key_file = "registry-1.key";

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

// The directory's key file whose public key this is.
Result<SigningKey> find_key(const std::filesystem::path& directory, const Bytes& public_key,
                            const char* what) {
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(directory, error)) {
    if (each.path().extension() != ".key") continue;
    auto key = SigningKey::load(each.path());
    if (!key) return fail(key.error());
    if (key->public_key() == public_key) return std::move(*key);
  }
  return fail(ErrorCode::not_found, directory.string(),
              std::string("the ") + what + " that the trust record in force names first, " +
                  hex(public_key) + ", is not there",
              "put its key file there, or restore the directory from a backup");
}

Status make_private_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const bool fresh = std::filesystem::create_directories(folder, error);
  if (!error && fresh) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (!error) return ok();
  return fail(ErrorCode::unavailable, folder.string(), "cannot make it: " + error.message());
}

}  // namespace

std::string make_issuer(const FederationId& federation, const SigningKey& key,
                        Wall::time_point now) {
  openssl::Blank blank;
  // X.520 allows a common name 64 characters; a federation's name has at most 63.
  blank.common_name = federation.value;
  blank.subject_key = blank.issuer_key = key.native();
  blank.not_before = now - limits::clock_skew_max;
  blank.not_after = now + authority_lifetime;
  blank.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                      {NID_key_usage, "critical,keyCertSign,cRLSign"}};
  push(blank.names, openssl::uri_name("spiffe://" + federation.value));
  return openssl::to_pem(openssl::issue(blank).get());
}

Result<TrustChain> load_authority_trust(const std::filesystem::path& directory) {
  auto trust = load_trust(directory / trust_folder);
  if (trust || trust.error().code != ErrorCode::not_found) return trust;
  auto former = load_former_trust(directory);
  if (!former) return former.error().code == ErrorCode::not_found ? trust : former;
  if (const Status saved = save_trust(directory / trust_folder, *former); !saved) {
    return fail(saved.error());
  }
  return former;
}

CertificateAuthority::CertificateAuthority(TrustChain trust, SigningKey key,
                                           SigningKey registry_key)
    : trust_(std::move(trust)), key_(std::move(key)), registry_key_(std::move(registry_key)) {}

Result<CertificateAuthority> CertificateAuthority::create(const FederationId& federation,
                                                          Wall::time_point now, std::size_t roots,
                                                          std::size_t threshold) {
  if (const Status form = check_name("federation", federation.value); !form)
    return fail(form.error());
  if (threshold < 1 || threshold > roots || roots > trust_roots_max) {
    return fail(
        ErrorCode::invalid, "threshold",
        std::to_string(threshold) + " of " + std::to_string(roots) + " root keys cannot sign",
        "give 1 to " + std::to_string(trust_roots_max) +
            " roots, and no more of them as threshold");
  }
  SigningKey key = SigningKey::generate();
  SigningKey registry_key = SigningKey::generate();
  std::vector<SigningKey> root_keys;
  while (root_keys.size() < roots) root_keys.push_back(SigningKey::generate());
  std::sort(root_keys.begin(), root_keys.end(), [](const SigningKey& a, const SigningKey& b) {
    return a.public_key() < b.public_key();
  });

  SignedTrust trust;
  TrustRecord& record = trust.record;
  record.federation = federation;
  record.issued = std::chrono::floor<std::chrono::milliseconds>(now);
  record.expires = record.issued + trust_lifetime_default;
  record.threshold = static_cast<std::uint32_t>(threshold);
  for (const SigningKey& each : root_keys) record.roots.push_back(each.public_key());
  record.issuers = {make_issuer(federation, key, now)};
  record.registry_keys = {registry_key.public_key()};
  for (const SigningKey& each : root_keys) sign_trust(trust, each);
  auto chain = TrustChain::from(std::move(trust));
  TRADEWIND_ASSERT(chain.has_value());
  CertificateAuthority authority(std::move(*chain), std::move(key), std::move(registry_key));
  authority.root_keys_ = std::move(root_keys);
  return authority;
}

Result<CertificateAuthority> CertificateAuthority::load(const std::filesystem::path& directory) {
  auto trust = load_authority_trust(directory);
  if (!trust) return fail(trust.error());
  return load_with(directory, std::move(*trust));
}

Result<CertificateAuthority> CertificateAuthority::load_with(const std::filesystem::path& directory,
                                                             TrustChain trust) {
  const TrustRecord& record = trust.newest();
  const auto issuer = certificate_public_key(record.issuers.front());
  if (!issuer) return fail(issuer.error());
  auto key = find_key(directory, *issuer, "key of the authority");
  if (!key) return fail(key.error());
  auto registry_key = find_key(directory, record.registry_keys.front(), "registry key");
  if (!registry_key) return fail(registry_key.error());
  return CertificateAuthority(std::move(trust), std::move(*key), std::move(*registry_key));
}

Status CertificateAuthority::save(const std::filesystem::path& directory) const {
  TRADEWIND_ASSERT(!root_keys_.empty());
  if (const Status made = make_private_folder(directory); !made) return made;
  std::error_code error;
  for (const char* each : {trust_folder, roots_folder, first_key_file, first_registry_key_file,
                           former_certificate_file}) {
    if (std::filesystem::exists(directory / each, error)) {
      return fail(ErrorCode::conflict, (directory / each).string(),
                  "is there already: an authority is never replaced",
                  "choose another directory, or remove the old authority by hand");
    }
  }
  if (const Status made = make_private_folder(directory / roots_folder); !made) return made;
  for (std::size_t i = 0; i < root_keys_.size(); ++i) {
    const auto file = directory / roots_folder / ("root-" + std::to_string(i + 1) + ".key");
    if (const Status saved = root_keys_[i].save(file); !saved) return saved;
  }
  if (const Status saved = key_.save(directory / first_key_file); !saved) return saved;
  if (const Status saved = registry_key_.save(directory / first_registry_key_file); !saved) {
    return saved;
  }
  return save_trust(directory / trust_folder, trust_);
}

Result<std::string> CertificateAuthority::issue(std::string_view csr_pem, const NodeId& node,
                                                std::chrono::seconds lifetime,
                                                Wall::time_point now) const {
  if (const Status form = check_node("node", node); !form) return fail(form.error());
  if (const auto key = csr_public_key(csr_pem); !key) return fail(key.error());
  if (const Status dates = check_dates(lifetime, now, certificate_pem()); !dates)
    return fail(dates.error());
  const auto request = openssl::request_from_pem("csr", csr_pem);
  if (!request) return fail(request.error());
  const auto issuer = openssl::certificate_from_pem("issuer", certificate_pem());
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
  push(blank.names, openssl::uri_name(node_uri(federation(), node)));
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
  if (const Status dates = check_dates(lifetime, now, certificate_pem()); !dates)
    return fail(dates.error());
  const auto issuer = openssl::certificate_from_pem("issuer", certificate_pem());
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
