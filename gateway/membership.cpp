#include "gateway/membership.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>

#include "schemas/codec.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/former_trust.h"
#include "state/identity/records.h"
#include "state/identity/stored_file.h"
#include "state/identity/trust_files.h"

namespace tradewind {

namespace {

constexpr std::size_t registry_key_text_max = 256;
constexpr std::size_t url_bytes_max = 2 * 1024;
constexpr const char* url_file = "broker.url";
constexpr const char* join_again = "ask the operator for a token and join again";

template <auto Release>
struct ReleaseWith {
  template <class Object>
  void operator()(Object* object) const {
    Release(object);
  }
};

// The name in a certificate, split at its federation. Nothing is believed of it yet:
// check_certificate then holds the certificate against the CA under this name.
struct ClaimedName {
  FederationId federation;
  NodeId node;
};

Result<ClaimedName> claimed_name(std::string_view certificate_pem) {
  const auto none = [] {
    return fail(ErrorCode::invalid, "certificate", "names no node of a federation", join_again);
  };
  if (certificate_pem.size() > certificate_bytes_max) return none();
  const std::unique_ptr<BIO, ReleaseWith<BIO_free_all>> reader(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const std::unique_ptr<X509, ReleaseWith<X509_free>> certificate(
      PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return none();
  const std::unique_ptr<GENERAL_NAMES, ReleaseWith<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* const text = name->d.uniformResourceIdentifier;
    std::string_view uri(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<std::size_t>(ASN1_STRING_length(text)));
    constexpr std::string_view scheme = "spiffe://";
    if (uri.substr(0, scheme.size()) != scheme) continue;
    uri.remove_prefix(scheme.size());
    const std::size_t slash = uri.find('/');
    if (slash == std::string_view::npos) continue;
    FederationId federation{std::string(uri.substr(0, slash))};
    if (!check_name("federation", federation.value)) continue;
    return ClaimedName{std::move(federation), NodeId{std::string(uri.substr(slash + 1))}};
  }
  return none();
}

bool is_registrys(const TrustRecord& trust, const SignedRecord& record) {
  return std::any_of(trust.registry_keys.begin(), trust.registry_keys.end(), [&](const Bytes& key) {
    return verify_record(key, record.body, record.signature);
  });
}

// The node's own record among the members', and all of them signed.
Result<Record> own_record(const MembershipPapers& papers, const NodeId& node) {
  std::optional<Record> own;
  for (const SignedRecord& each : papers.members) {
    if (!is_registrys(papers.trust.newest(), each)) {
      return fail(ErrorCode::unauthenticated, "members",
                  "a member record is not signed by a registry key of the federation", join_again);
    }
    auto record = decode_record(each.body);
    if (!record) return fail(record.error());
    const auto* member = std::get_if<Member>(&record->body);
    if (member == nullptr || member->node != record->header.subject) {
      return fail(ErrorCode::corrupt, "members", "a record there is not a member's", join_again);
    }
    if (member->node == node && (!own || own->header.version < record->header.version)) {
      own = std::move(*record);
    }
  }
  if (!own) {
    return fail(ErrorCode::unauthenticated, "members",
                fmt::format("no member record of {} is there", node.value), join_again);
  }
  return std::move(*own);
}

// The first trust record of a directory that joined before there were any.
Result<TrustChain> load_pinned_trust(const std::filesystem::path& directory,
                                     std::string_view certificate_pem) {
  const auto name = claimed_name(certificate_pem);
  if (!name) return fail(name.error());
  const auto issuer = load_file(directory / "ca.pem", certificate_bytes_max);
  if (!issuer) return fail(issuer.error());
  const auto text = load_file(directory / "registry.key.pub", registry_key_text_max);
  if (!text) return fail(text.error());
  const auto key =
      base64_decode("registry.key.pub", std::string_view(*text).substr(0, text->find('\n')));
  if (!key) return fail(key.error());
  auto record = former_trust(name->federation, *issuer, *key);
  if (!record) return fail(record.error());
  return TrustChain::pinned(SignedTrust{std::move(*record), {}});
}

}  // namespace

Result<NodeKeys> load_or_make_keys(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) {
    std::filesystem::create_directories(directory, error);
    if (!error) {
      std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    }
    if (error) {
      return fail(ErrorCode::unavailable, "dir",
                  fmt::format("{} cannot be made: {}", directory.string(), error.message()),
                  "choose a directory that this user may write");
    }
  }
  auto identity = SigningKey::load_or_generate(directory / "identity.key");
  if (!identity) return fail(identity.error());
  auto curve = CurveKeys::load_or_generate(directory / "curve.key");
  if (!curve) return fail(curve.error());
  return NodeKeys{std::move(*identity), std::move(*curve)};
}

Result<Membership> check_membership(MembershipPapers papers, const NodeKeys& keys,
                                    Wall::time_point now) {
  const TrustRecord& trust = papers.trust.newest();
  const auto node =
      check_certificate(papers.certificate_pem, trust.issuers_pem(), trust.federation, now);
  if (!node) return fail(node.error());
  const auto site = site_of(*node);
  if (!site) {
    return fail(ErrorCode::unauthenticated, "certificate",
                fmt::format("is of {}, which is no site", node->value), join_again);
  }
  const auto key = certificate_public_key(papers.certificate_pem);
  if (!key) return fail(key.error());
  if (*key != keys.identity.public_key()) {
    return fail(ErrorCode::unauthenticated, "certificate",
                "is of another key than this directory's identity.key", join_again);
  }
  const auto record = own_record(papers, *node);
  if (!record) return fail(record.error());
  const auto* member = std::get_if<Member>(&record->body);
  if (member->identity_key != keys.identity.public_key() ||
      member->curve_key != keys.curve.public_key) {
    return fail(ErrorCode::unauthenticated, "members",
                fmt::format("the record of {} names other keys than this directory's", node->value),
                join_again);
  }
  const auto validity = certificate_validity(papers.certificate_pem);
  if (!validity) return fail(validity.error());
  return Membership{*site,
                    member->number,
                    member->renewals,
                    std::move(papers.certificate_pem),
                    std::move(papers.trust),
                    std::move(papers.members),
                    std::min(validity->not_after, record->header.valid_until)};
}

Status save_membership(const std::filesystem::path& directory, Store& store,
                       const Membership& membership) {
  for (const SignedRecord& each : membership.members) {
    const auto header = decode_record_header(each.body);
    if (!header) return fail(header.error());
    if (const Status kept = store.keep_member(header->subject, each); !kept) return kept;
  }
  if (Status kept = save_trust(trust_directory(directory), membership.trust); !kept) return kept;
  return store_file(directory / "certificate.pem", membership.certificate_pem, public_mode);
}

Result<MembershipPapers> load_papers(const std::filesystem::path& directory) {
  auto certificate = load_file(directory / "certificate.pem", certificate_bytes_max);
  if (!certificate) {
    if (certificate.error().code != ErrorCode::not_found) return fail(certificate.error());
    return fail(ErrorCode::not_found, "dir",
                fmt::format("{} has not joined a federation", directory.string()),
                "run: tradewind-gateway join URL --token T --dir DIR --site FILE");
  }
  auto trust = load_trust(trust_directory(directory));
  if (!trust && trust.error().code == ErrorCode::not_found) {
    trust = load_pinned_trust(directory, *certificate);
  }
  if (!trust) return fail(trust.error());
  return MembershipPapers{std::move(*certificate), std::move(*trust), {}};
}

Result<CertificateName> certificate_name(std::string_view certificate_pem) {
  auto claimed = claimed_name(certificate_pem);
  if (!claimed) return fail(claimed.error());
  auto site = site_of(claimed->node);
  if (!site) return fail(site.error());
  return CertificateName{std::move(claimed->federation), std::move(*site)};
}

std::filesystem::path trust_directory(const std::filesystem::path& directory) {
  return directory / "trust";
}

Status save_broker_url(const std::filesystem::path& directory, const std::string& url) {
  return store_file(directory / url_file, url + "\n", public_mode);
}

Result<std::string> load_broker_url(const std::filesystem::path& directory) {
  auto url = load_file(directory / url_file, url_bytes_max);
  if (!url) return fail(url.error());
  while (!url->empty() && (url->back() == '\n' || url->back() == '/')) url->pop_back();
  return url;
}

std::filesystem::path store_directory(const std::filesystem::path& directory) {
  return directory / "store";
}

}  // namespace tradewind
