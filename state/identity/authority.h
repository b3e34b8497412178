// The certificate authority of a federation and the key of its member registry.
// Issuing is pure but for the random serial number; load and save are the only file work.
// One thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "schemas/ids.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

inline constexpr auto authority_lifetime = std::chrono::hours(24 * 365 * 10);
inline constexpr auto certificate_lifetime_max = std::chrono::hours(24 * 398);
inline constexpr std::size_t server_names_max = 32;  // in one server certificate

// A federation's root of trust. Whoever holds its directory can admit anybody.
class CertificateAuthority {
 public:
  // New keys and a self-signed certificate, in memory only. Fails with ErrorCode::invalid when the
  // federation's name is not of the form of check_name.
  static Result<CertificateAuthority> create(const FederationId& federation, Wall::time_point now);
  // Reads `federation`, `ca.crt`, `ca.key` and `registry.key`; they must belong together. Fails
  // with not_found, forbidden, unavailable or corrupt.
  static Result<CertificateAuthority> load(const std::filesystem::path& directory);
  // Writes these files, keys with mode 0600, into the directory, which is made (mode 0700) if need
  // be. Fails with ErrorCode::conflict when an authority is there already: it is never replaced.
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

  const FederationId& federation() const { return federation_; }
  const std::string& certificate_pem() const { return certificate_pem_; }
  const Bytes& certificate_sha256() const { return certificate_sha256_; }  // raw, of the DER bytes
  // Signs member records; nodes know its public key from joining.
  const SigningKey& registry_key() const { return registry_key_; }

 private:
  CertificateAuthority(FederationId federation, SigningKey key, SigningKey registry_key,
                       std::string certificate_pem, Bytes certificate_sha256);

  FederationId federation_;
  SigningKey key_;
  SigningKey registry_key_;
  std::string certificate_pem_;
  Bytes certificate_sha256_;
};

}  // namespace tradewind
