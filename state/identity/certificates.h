// X.509 certificates of nodes, as SPIFFE's X509-SVID has them: a node's certificate carries exactly
// one URI, spiffe://<federation>/site/<id> or spiffe://<federation>/broker/<name>, and its Ed25519
// identity key. Pure: time comes in, nothing is read or written. Any thread. Bytes from anywhere
// may be given.
// Source: SPIFFE X.509-SVID, sections 4 and 5.2; RFC 5280; RFC 8410.
#pragma once

#include <string>
#include <string_view>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

inline constexpr std::size_t certificate_bytes_max = 16 * 1024;  // of one PEM text
inline constexpr std::size_t trust_anchors_max = 8;              // in one CA bundle

// "spiffe://<federation>/<node>".
std::string node_uri(const FederationId& federation, const NodeId& node);
// The node that the URI names within the federation. Fails with ErrorCode::invalid.
Result<NodeId> node_of_uri(std::string_view uri, const FederationId& federation);
// Whether it has the form of a node's name: "site/<name>" or "broker/<name>".
Status check_node(std::string_view field, const NodeId& node);

// A certificate request (PEM), signed by the key, naming the node. The authority takes only the
// public key from it. Fails with ErrorCode::invalid when federation or node have no valid form.
Result<std::string> make_csr(const SigningKey& key, const NodeId& node,
                             const FederationId& federation);
// The raw Ed25519 public key of a request whose own signature is good. Fails with
// ErrorCode::invalid.
Result<Bytes> csr_public_key(std::string_view csr_pem);

// The node that the certificate (PEM, exactly one) speaks for, when at `now` it is valid in every
// respect: signed by one of the authorities in `ca_pem` (1 to 8 certificates), within its dates, no
// authority itself, key usage digitalSignature without certificate signing, extended key usage
// client and server, Ed25519 key, exactly one URI, of this federation. Fails with
// ErrorCode::invalid when it cannot be read, ErrorCode::unauthenticated when it is not to be
// trusted.
Result<NodeId> check_certificate(std::string_view certificate_pem, std::string_view ca_pem,
                                 const FederationId& federation, Wall::time_point now);

// What a certificate says, without any judgement of it. Fail with ErrorCode::invalid.
struct Validity {
  Wall::time_point not_before{};
  Wall::time_point not_after{};
};
Result<Validity> certificate_validity(std::string_view certificate_pem);
Result<Bytes> certificate_public_key(std::string_view certificate_pem);  // raw Ed25519, 32 bytes
Result<Bytes> certificate_der(std::string_view certificate_pem);
Result<std::string> certificate_from_der(BytesView der);  // as PEM
// SHA-256 of the certificate's DER bytes.
Result<Bytes> certificate_sha256(std::string_view certificate_pem);

}  // namespace tradewind
