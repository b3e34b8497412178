// The trust record: which keys a federation is built on. Some of its root keys, which are kept
// offline, sign it; it names the certificate authorities that issue certificates and the keys that
// sign member records. Each version is signed by enough of the roots of the one before and enough
// of its own, so that who holds one version can walk to the newest, and nobody else's keys are ever
// taken on the way. Pure; one thread a chain.
// Source: The Update Framework, section 5.3 (root rotation).
//
// A record is text, so that people can read what they sign:
//
//   tradewind-trust-v1
//   federation north-alliance
//   version 2
//   issued 2026-11-26T10:00:00.000Z
//   expires 2027-11-26T10:00:00.000Z
//   threshold 2
//   root <public key in hexadecimal>             1 to 16, in order, none twice
//   issuer <certificate, DER in base64>          1 to 8; the first one issues
//   registry <public key in hexadecimal>         1 to 8; the first one signs
//
//   signature <root key> <signature in base64>   any number, in order of their keys, none twice
//
// Each line ends in a line feed. What is signed is all before the empty line.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/limits.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

inline constexpr std::size_t trust_roots_max = 16;
inline constexpr std::size_t trust_issuers_max = 8;
inline constexpr std::size_t trust_registry_keys_max = 8;
inline constexpr std::uint64_t trust_version_max = 1'000'000;

struct TrustRecord {
  FederationId federation;
  std::uint64_t version = 1;
  Wall::time_point issued{};  // in whole milliseconds, as expires
  Wall::time_point expires{};
  std::uint32_t threshold = 1;       // of the roots, to sign this version and the next
  std::vector<Bytes> roots;          // public keys, 32 bytes, in order
  std::vector<std::string> issuers;  // certificates, PEM
  std::vector<Bytes> registry_keys;  // public, 32 bytes
  friend bool operator==(const TrustRecord&, const TrustRecord&) = default;

  std::string issuers_pem() const;  // all of them in one text
};

// A record and who has signed it so far.
struct SignedTrust {
  TrustRecord record;
  std::map<Bytes, Bytes> signatures;  // by root key
};

// The signed part of the text. Fails with ErrorCode::invalid, naming the field, when the record is
// not within the bounds above.
Result<std::string> trust_body(const TrustRecord& record);
// SHA-256 of the body, raw: what an invitation carries. More signatures do not change it.
Bytes trust_sha256(const TrustRecord& record);
// The whole text.
std::string to_text(const SignedTrust& trust);
// Exactly the texts that to_text makes of records within the bounds. Judges no signature. Fails
// with ErrorCode::invalid, or too_large over limits::trust_record_bytes_max.
Result<SignedTrust> parse_trust(std::string_view text);
// Adds the signature by this root key; the record must be within the bounds.
void sign_trust(SignedTrust& trust, const SigningKey& root);

// Versions that follow on one another, from one that was trusted for another reason.
class TrustChain {
 public:
  // From the record of this body, which must be signed by enough of its own roots.
  static Result<TrustChain> from(SignedTrust first);
  // From a record that this disk holds to be trusted, whoever has signed it.
  static TrustChain pinned(SignedTrust first) { return TrustChain(std::move(first)); }

  // The next version: signed by enough of the newest one's roots and of its own. One that is held
  // already changes nothing. Fails with ErrorCode::unauthenticated for too few signatures, a gap or
  // another federation, and with ErrorCode::conflict for another record of a version that is held
  // (a fork) or a version before the first.
  Status extend(SignedTrust next);
  // Whether the newest is in force. Fails with ErrorCode::unauthenticated when it has expired:
  // whoever gave it may hold a newer one back.
  Status check_fresh(Wall::time_point now) const;

  const TrustRecord& newest() const { return trusts_.back().record; }
  const std::vector<SignedTrust>& all() const { return trusts_; }  // in order of version

 private:
  explicit TrustChain(SignedTrust first) { trusts_.push_back(std::move(first)); }
  std::vector<SignedTrust> trusts_;
};

}  // namespace tradewind
