#include "state/identity/certificates.h"

#include <openssl/err.h>

#include <vector>

#include "state/identity/openssl_handles.h"

namespace tradewind {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kField = "certificate";

tl::unexpected<Error> untrusted(std::string message, std::string remedy) {
  return fail(ErrorCode::unauthenticated, std::string(kField), std::move(message),
              std::move(remedy));
}

constexpr const char* kIssueAgain = "have the federation's authority issue it again";

Result<Wall::time_point> wall_of(const ASN1_TIME* at) {
  struct tm parts{};
  if (ASN1_TIME_to_tm(at, &parts) != 1)
    return fail(ErrorCode::invalid, std::string(kField), "its dates cannot be read", kIssueAgain);
  return Wall::time_point(std::chrono::seconds(::timegm(&parts)));
}

// The chain: signed by an anchor, in date, every extension understood.
Status check_chain(X509* leaf, const std::vector<openssl::Certificate>& anchors,
                   Wall::time_point now) {
  const openssl::Store store(X509_STORE_new());
  TRADEWIND_ASSERT(store != nullptr);
  for (const auto& anchor : anchors)
    TRADEWIND_ASSERT(X509_STORE_add_cert(store.get(), anchor.get()) == 1);
  const openssl::StoreContext context(X509_STORE_CTX_new());
  TRADEWIND_ASSERT(context != nullptr &&
                   X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr) == 1);
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  TRADEWIND_ASSERT(X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT) == 1);
  X509_VERIFY_PARAM_set_time(
      parameters, std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (good) return ok();
  const int reason = X509_STORE_CTX_get_error(context.get());
  const bool about_leaf = X509_STORE_CTX_get_error_depth(context.get()) == 0;
  const X509* const current = X509_STORE_CTX_get_current_cert(context.get());
  if (current != nullptr && reason == X509_V_ERR_CERT_HAS_EXPIRED) {
    return untrusted(std::string(about_leaf ? "expired" : "its authority expired") + " at " +
                         openssl::text_of(X509_get0_notAfter(current)) + ", and now is " +
                         to_rfc3339(now),
                     about_leaf ? "renew it" : "renew the authority's certificate");
  }
  if (current != nullptr && reason == X509_V_ERR_CERT_NOT_YET_VALID) {
    return untrusted(std::string(about_leaf ? "is" : "its authority is") + " not valid before " +
                         openssl::text_of(X509_get0_notBefore(current)) + ", and now is " +
                         to_rfc3339(now),
                     "check the clocks of both machines");
  }
  return untrusted(
      std::string("is not trusted by this federation: ") + X509_verify_cert_error_string(reason),
      "use a certificate that this federation's authority issued");
}

// What a node's certificate may be used for (X509-SVID sections 4.3 and 4.4).
Status check_usage(X509* leaf) {
  const std::uint32_t flags = X509_get_extension_flags(leaf);
  if ((flags & EXFLAG_INVALID) != 0) return untrusted("has broken extensions", kIssueAgain);
  if ((flags & EXFLAG_CA) != 0)
    return untrusted("is an authority's, not a node's", "use the node's own certificate");
  const std::uint32_t usage = X509_get_key_usage(leaf);
  if ((flags & EXFLAG_KUSAGE) == 0 || (usage & KU_DIGITAL_SIGNATURE) == 0)
    return untrusted("its key usage lacks digitalSignature", kIssueAgain);
  if ((usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0)
    return untrusted("its key usage allows signing certificates or revocations", kIssueAgain);
  const int at = X509_get_ext_by_NID(leaf, NID_key_usage, -1);
  if (at < 0 || X509_EXTENSION_get_critical(X509_get_ext(leaf, at)) != 1)
    return untrusted("its key usage is not marked critical", kIssueAgain);
  const std::uint32_t extended = X509_get_extended_key_usage(leaf);
  if ((flags & EXFLAG_XKUSAGE) == 0 || (extended & XKU_SSL_CLIENT) == 0 ||
      (extended & XKU_SSL_SERVER) == 0) {
    return untrusted("its extended key usage lacks clientAuth or serverAuth", kIssueAgain);
  }
  return ok();
}

// The URIs among the alternative names.
std::vector<std::string> uris_of(X509* certificate) {
  int place = -1;
  const openssl::Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &place, nullptr)));
  ERR_clear_error();
  std::vector<std::string> uris;
  if (names == nullptr) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* const text = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return uris;
}

// Exactly one URI among the alternative names (X509-SVID section 2).
Result<std::string> only_uri(X509* leaf) {
  std::vector<std::string> uris = uris_of(leaf);
  if (uris.size() == 1) return std::move(uris.front());
  if (X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) < 0)
    return untrusted("names no node: it has no subject alternative name", kIssueAgain);
  return untrusted("has " + std::to_string(uris.size()) + " URI names, not exactly one",
                   kIssueAgain);
}

}  // namespace

Status check_node(std::string_view field, const NodeId& node) {
  const std::string_view text = node.value;
  for (const std::string_view prefix : {"site/", "broker/"})
    if (text.starts_with(prefix)) return check_name(field, text.substr(prefix.size()));
  return fail(ErrorCode::invalid, std::string(field),
              "\"" + std::string(text.substr(0, 80)) + "\" is no node",
              "write site/<name> or broker/<name>");
}

std::string node_uri(const FederationId& federation, const NodeId& node) {
  return std::string(kScheme) + federation.value + "/" + node.value;
}

Result<NodeId> node_of_uri(std::string_view uri, const FederationId& federation) {
  const std::string own = std::string(kScheme) + federation.value + "/";
  if (!uri.starts_with(own)) {
    return fail(ErrorCode::invalid, "uri",
                "\"" + std::string(uri.substr(0, 80)) + "\" is not of the federation \"" +
                    federation.value + "\"",
                "it must begin with " + own);
  }
  NodeId node{std::string(uri.substr(own.size()))};
  if (const Status form = check_node("uri", node); !form) return fail(form.error());
  return node;
}

Result<std::string> make_csr(const SigningKey& key, const NodeId& node,
                             const FederationId& federation) {
  if (const Status form = check_name("federation", federation.value); !form)
    return fail(form.error());
  if (const Status form = check_node("node", node); !form) return fail(form.error());
  const openssl::Request request(X509_REQ_new());
  TRADEWIND_ASSERT(request != nullptr);
  // A node's name has at most 70 characters, X.520 allows 64 here; the URI is what counts.
  const std::string common_name = node.value.substr(0, 64);
  TRADEWIND_ASSERT(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN",
                                              MBSTRING_ASC, openssl::data(BytesView(common_name)),
                                              static_cast<int>(common_name.size()), -1, 0) == 1);
  const std::string uri = "URI:" + node_uri(federation, node);
  // The name is made of checked parts, so that none of OpenSSL's configuration syntax is in it.
  X509_EXTENSION* const name =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, uri.c_str());
  TRADEWIND_ASSERT(name != nullptr);
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  TRADEWIND_ASSERT(extensions != nullptr && sk_X509_EXTENSION_push(extensions, name) == 1);
  TRADEWIND_ASSERT(X509_REQ_add_extensions(request.get(), extensions) == 1);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  TRADEWIND_ASSERT(X509_REQ_set_pubkey(request.get(), key.native()) == 1);
  TRADEWIND_ASSERT(X509_REQ_sign(request.get(), key.native(), nullptr) > 0);
  return openssl::to_pem(request.get());
}

Result<Bytes> csr_public_key(std::string_view csr_pem) {
  const auto request = openssl::request_from_pem("csr", csr_pem);
  if (!request) return fail(request.error());
  const EVP_PKEY* const key = X509_REQ_get0_pubkey(request->get());
  if (EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
    return fail(ErrorCode::invalid, "csr", "its key is not an Ed25519 key",
                "make the request with the node's Ed25519 identity key");
  }
  return openssl::raw_public_key(key);
}

Result<NodeId> check_certificate(std::string_view certificate_pem, std::string_view ca_pem,
                                 const FederationId& federation, Wall::time_point now) {
  const auto leaf = openssl::certificate_from_pem(kField, certificate_pem);
  if (!leaf) return fail(leaf.error());
  const auto anchors = openssl::certificates_from_pem("ca", ca_pem, trust_anchors_max);
  if (!anchors) return fail(anchors.error());
  if (const Status chain = check_chain(leaf->get(), *anchors, now); !chain)
    return fail(chain.error());
  if (const Status usage = check_usage(leaf->get()); !usage) return fail(usage.error());
  const EVP_PKEY* const key = X509_get0_pubkey(leaf->get());
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
    return untrusted("its key is not an Ed25519 key", kIssueAgain);
  const auto uri = only_uri(leaf->get());
  if (!uri) return fail(uri.error());
  auto node = node_of_uri(*uri, federation);
  if (!node) return untrusted("its name " + describe(node.error()), kIssueAgain);
  return node;
}

Result<Validity> certificate_validity(std::string_view certificate_pem) {
  const auto certificate = openssl::certificate_from_pem(kField, certificate_pem);
  if (!certificate) return fail(certificate.error());
  const auto not_before = wall_of(X509_get0_notBefore(certificate->get()));
  if (!not_before) return fail(not_before.error());
  const auto not_after = wall_of(X509_get0_notAfter(certificate->get()));
  if (!not_after) return fail(not_after.error());
  return Validity{*not_before, *not_after};
}

Result<Bytes> certificate_public_key(std::string_view certificate_pem) {
  const auto certificate = openssl::certificate_from_pem(kField, certificate_pem);
  if (!certificate) return fail(certificate.error());
  const EVP_PKEY* const key = X509_get0_pubkey(certificate->get());
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
    return fail(ErrorCode::invalid, std::string(kField), "its key is not an Ed25519 key",
                kIssueAgain);
  return openssl::raw_public_key(key);
}

Result<Bytes> certificate_der(std::string_view certificate_pem) {
  const auto certificate = openssl::certificate_from_pem(kField, certificate_pem);
  if (!certificate) return fail(certificate.error());
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate->get(), &der);
  TRADEWIND_ASSERT(length > 0);
  Bytes bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return bytes;
}

Result<std::string> certificate_from_der(BytesView der) {
  const auto* next = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* const end = next + der.size();
  const openssl::Certificate certificate(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
  ERR_clear_error();
  if (certificate == nullptr || next != end) {
    return fail(ErrorCode::invalid, std::string(kField), "is no X.509 certificate in DER form",
                kIssueAgain);
  }
  return openssl::to_pem(certificate.get());
}

Result<Bytes> certificate_sha256(std::string_view certificate_pem) {
  const auto der = certificate_der(certificate_pem);
  if (!der) return fail(der.error());
  return sha256(*der);
}

}  // namespace tradewind
