// The certificate authority of a federation and the key of its member registry, as the trust record
// in force names them. Issuing is pure but for the random serial number; load and save are the only
// file work. One thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"
#include "state/identity/trust.h"

namespace tradewind {

inline constexpr auto authority_lifetime = std::chrono::hours(24 * 365 * 10);
inline constexpr auto certificate_lifetime_max = std::chrono::hours(24 * 398);
inline constexpr auto trust_lifetime_default = std::chrono::hours(24 * 365);
inline constexpr std::size_t server_names_max = 32;  // in one server certificate

inline constexpr const char* trust_folder = "trust";  // of an authority's directory

// A self-signed certificate (PEM) of an authority that issues for the federation with this key.
std::string make_issuer(const FederationId& federation, const SigningKey& key,
                        Wall::time_point now);

// The trust records of an authority's directory. One of before there were any gets its first one
// (former_trust.h), which is stored. Fails with not_found, forbidden, unavailable or corrupt.
Result<TrustChain> load_authority_trust(const std::filesystem::path& directory);

// Whoever holds its directory can admit anybody, until a trust record names other keys.
class CertificateAuthority {
 public:
  // New keys and the first trust record, signed by all of `roots` root keys, of which `threshold`
  // will do for the next; in memory only. Fails with ErrorCode::invalid when the federation's name
  // is not of the form of check_name, or the threshold not 1 to `roots`, or roots over
  // trust_roots_max.
  static Result<CertificateAuthority> create(const FederationId& federation, Wall::time_point now,
                                             std::size_t roots = 3, std::size_t threshold = 2);
  // Reads the trust records and, of the keys, those that the newest one names first. Fails with
  // not_found, forbidden, unavailable or corrupt.
  static Result<CertificateAuthority> load(const std::filesystem::path& directory);
  // The same with these trust records in place of the directory's.
  static Result<CertificateAuthority> load_with(const std::filesystem::path& directory,
                                                TrustChain trust);
  // Writes `trust/1.trust`, `ca-1.key`, `registry-1.key` and the root keys, `roots/root-<n>.key`,
  // with mode 0600, into the directory, which is made (mode 0700) if need be. Only for one that was
  // just created. Fails with ErrorCode::conflict when an authority is there already: it is never
  // replaced.
  Status save(const std::filesystem::path& directory) const;

  // A certificate (PEM) for the node, of the request's key, which must be Ed25519. Nothing else of
  // the request is taken over. Valid from `now` less the clock skew bound until `now` + lifetime.
  // Fails with ErrorCode::invalid for a bad request, node or lifetime (positive, within
  // certificate_lifetime_max and the authority's own).
  Result<std::string> issue(std::string_view csr_pem, const NodeId& node,
                            std::chrono::seconds lifetime, Wall::time_point now) const;
  // A TLS server certificate for DNS names and IP addresses, 1 to server_names_max of them. The
  // request's key may be Ed25519 or of the curve P-256. It names no node, so check_certificate
  // never takes it for one.
  Result<std::string> issue_server(std::string_view csr_pem, const std::vector<std::string>& names,
                                   std::chrono::seconds lifetime, Wall::time_point now) const;

  const FederationId& federation() const { return trust_.newest().federation; }
  const TrustChain& trust() const { return trust_; }
  // The one that issues.
  const std::string& certificate_pem() const { return trust_.newest().issuers.front(); }
  const SigningKey& registry_key() const { return registry_key_; }  // signs member records
  // Of one that was just created; others have theirs offline.
  const std::vector<SigningKey>& root_keys() const { return root_keys_; }

 private:
  CertificateAuthority(TrustChain trust, SigningKey key, SigningKey registry_key);

  TrustChain trust_;
  SigningKey key_;
  SigningKey registry_key_;
  std::vector<SigningKey> root_keys_;
};

}  // namespace tradewind
