// What makes this gateway a member of a federation, as kept in its directory:
//
//   identity.key      Ed25519 private key (PEM, 0600); never leaves the machine
//   curve.key         X25519 private key of its links (PEM, 0600); likewise
//   witness.key       Ed25519 private key that cosigns checkpoints and nothing else (PEM, 0600)
//   certificate.pem   the node's certificate, issued by the federation
//   trust/            the federation's trust records, from the one that the invitation named on
//   broker.url        the broker's endpoint, where the certificate is renewed
//   renewal.json      which renewal was the last; see renewal.h
//   identity.key.next, curve.key.next   keys that take over with the next renewal
//   store/            the database; the member records are there
//
// A directory that joined before there were trust records has ca.pem and registry.key.pub, the
// authority's certificate and the registry key, in place of trust/, broker.url and renewal.json.
// The first trust record follows from them (former_trust.h); all else is made by its next renewal.
//
// The certificate is written last: where there is one, all the rest is there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/store.h"
#include "schemas/ids.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"
#include "state/identity/trust.h"

namespace tradewind {

struct Membership {
  SiteId site;
  MemberNumber number;
  std::uint64_t renewals = 0;  // as its own member record counts them
  std::string certificate_pem;
  TrustChain trust;
  std::vector<SignedRecord> members;  // all known members', this site's among them
  // When its certificate or its member record does, whichever is sooner.
  Wall::time_point ends{};

  const FederationId& federation() const { return trust.newest().federation; }
};

struct NodeKeys {
  SigningKey identity;
  CurveKeys curve;
};

// The directory's keys; made and stored, with the directory (mode 0700), when there are none, so
// that a join that is tried again uses the same keys.
Result<NodeKeys> load_or_make_keys(const std::filesystem::path& directory);

// Checks everything a broker (or a disk) hands out against the trust record in force and these
// keys: the certificate is of one of its issuers, of this site and this key; each member record is
// signed by a registry key; this site's own record is among `members` and names these keys. Fails
// with unauthenticated, invalid or corrupt, naming what does not fit.
struct MembershipPapers {
  std::string certificate_pem;
  TrustChain trust;
  std::vector<SignedRecord> members;
};
Result<Membership> check_membership(MembershipPapers papers, const NodeKeys& keys,
                                    Wall::time_point now);

// Stores what joining or renewing gave, but for renewal.json; the records in the database.
Status save_membership(const std::filesystem::path& directory, Store& store,
                       const Membership& membership);

// The papers of a directory that has joined, but for the member records, which are in the store.
// Fails with not_found before a join.
Result<MembershipPapers> load_papers(const std::filesystem::path& directory);

// What a certificate names, whoever issued it: to tell directories apart, not to trust.
struct CertificateName {
  FederationId federation;
  SiteId site;
};
Result<CertificateName> certificate_name(std::string_view certificate_pem);

std::filesystem::path store_directory(const std::filesystem::path& directory);
std::filesystem::path trust_directory(const std::filesystem::path& directory);

// The broker's endpoint without a slash at its end.
Status save_broker_url(const std::filesystem::path& directory, const std::string& url);
Result<std::string> load_broker_url(const std::filesystem::path& directory);

}  // namespace tradewind
