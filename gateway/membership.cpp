#include "gateway/membership.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <system_error>

#include "gateway/store.h"
#include "schemas/codec.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/records.h"
#include "state/identity/stored_file.h"

namespace tradewind {

namespace {

constexpr std::size_t bundle_bytes_max = trust_anchors_max * certificate_bytes_max;
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

// The node's own record among the members', and all of them signed.
Result<Member> own_member(const MembershipPapers& papers, const NodeId& node) {
  std::optional<Member> own;
  RecordVersion newest;
  for (const SignedRecord& each : papers.members) {
    if (!verify_record(papers.registry_key, each.body, each.signature)) {
      return fail(ErrorCode::unauthenticated, "members",
                  "a member record is not signed by the federation's registry key", join_again);
    }
    const auto record = decode_record(each.body);
    if (!record) return fail(record.error());
    const auto* member = std::get_if<Member>(&record->body);
    if (member == nullptr || member->node != record->header.subject) {
      return fail(ErrorCode::corrupt, "members", "a record there is not a member's", join_again);
    }
    if (member->node == node && (!own || newest < record->header.version)) {
      own = *member;
      newest = record->header.version;
    }
  }
  if (!own) {
    return fail(ErrorCode::unauthenticated, "members",
                fmt::format("no member record of {} is there", node.value), join_again);
  }
  return *own;
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
  if (papers.registry_key.size() != public_key_bytes) {
    return fail(ErrorCode::invalid, "registry_key",
                fmt::format("has {} bytes, not {}", papers.registry_key.size(), public_key_bytes),
                join_again);
  }
  const auto claimed = claimed_name(papers.certificate_pem);
  if (!claimed) return fail(claimed.error());
  const FederationId& federation = claimed->federation;
  const auto node = check_certificate(papers.certificate_pem, papers.ca_pem, federation, now);
  if (!node) return fail(node.error());
  // The token pins the authority's certificate, and that names the registry's key.
  if (auto known = check_registry_key(papers.ca_pem, federation, papers.registry_key); !known) {
    return fail(std::move(known.error()));
  }
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
  const auto member = own_member(papers, *node);
  if (!member) return fail(member.error());
  if (member->identity_key != keys.identity.public_key() ||
      member->curve_key != keys.curve.public_key) {
    return fail(ErrorCode::unauthenticated, "members",
                fmt::format("the record of {} names other keys than this directory's", node->value),
                join_again);
  }
  return Membership{federation,
                    *site,
                    member->number,
                    std::move(papers.certificate_pem),
                    std::move(papers.ca_pem),
                    std::move(papers.registry_key),
                    std::move(papers.members)};
}

Status save_membership(const std::filesystem::path& directory, const Membership& membership,
                       Now now) {
  auto store = Store::open(store_directory(directory), now);
  if (!store) return fail(store.error());
  for (const SignedRecord& each : membership.members) {
    const auto header = decode_record_header(each.body);
    if (!header) return fail(header.error());
    if (const Status kept = (*store)->keep_member(header->subject, each); !kept) return kept;
  }
  const std::string registry_key = base64_encode(membership.registry_key) + "\n";
  if (Status kept = store_file(directory / "ca.pem", membership.ca_pem, public_mode); !kept) {
    return kept;
  }
  if (Status kept = store_file(directory / "registry.key.pub", registry_key, public_mode); !kept) {
    return kept;
  }
  return store_file(directory / "certificate.pem", membership.certificate_pem, public_mode);
}

Result<MembershipPapers> load_papers(const std::filesystem::path& directory) {
  MembershipPapers papers;
  auto certificate = load_file(directory / "certificate.pem", certificate_bytes_max);
  if (!certificate) {
    if (certificate.error().code != ErrorCode::not_found) return fail(certificate.error());
    return fail(ErrorCode::not_found, "dir",
                fmt::format("{} has not joined a federation", directory.string()),
                "run: tradewind-gateway join URL --token T --dir DIR --site FILE");
  }
  auto ca = load_file(directory / "ca.pem", bundle_bytes_max);
  if (!ca) return fail(ca.error());
  auto registry_key = load_file(directory / "registry.key.pub", 256);
  if (!registry_key) return fail(registry_key.error());
  std::string_view text = *registry_key;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  auto key = base64_decode("registry.key.pub", text);
  if (!key) return fail(key.error());
  papers.certificate_pem = std::move(*certificate);
  papers.ca_pem = std::move(*ca);
  papers.registry_key = std::move(*key);
  return papers;
}

Result<CertificateName> certificate_name(std::string_view certificate_pem) {
  auto claimed = claimed_name(certificate_pem);
  if (!claimed) return fail(claimed.error());
  auto site = site_of(claimed->node);
  if (!site) return fail(site.error());
  return CertificateName{std::move(claimed->federation), std::move(*site)};
}

std::filesystem::path store_directory(const std::filesystem::path& directory) {
  return directory / "store";
}

}  // namespace tradewind
