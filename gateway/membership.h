// What makes this gateway a member of a federation, as kept in its directory:
//
//   identity.key      Ed25519 private key (PEM, 0600); never leaves the machine
//   curve.key         X25519 private key of its links (PEM, 0600); likewise
//   witness.key       Ed25519 private key that cosigns checkpoints and nothing else (PEM, 0600)
//   certificate.pem   the node's certificate, issued by the federation
//   ca.pem            the federation's CA certificate
//   registry.key.pub  public key that signs member records (base64)
//   store/            the database; the member records are there
//
// The certificate is written last: where there is one, all the rest is there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/record.h"
#include "schemas/result.h"
#include "schemas/time.h"
#include "state/identity/keys.h"

namespace tradewind {

struct Membership {
  FederationId federation;
  SiteId site;
  MemberNumber number;
  std::string certificate_pem;
  std::string ca_pem;
  Bytes registry_key;                 // 32 bytes
  std::vector<SignedRecord> members;  // all known members', this site's among them
};

struct NodeKeys {
  SigningKey identity;
  CurveKeys curve;
};

// The directory's keys; made and stored, with the directory (mode 0700), when there are none, so
// that a join that is tried again uses the same keys.
Result<NodeKeys> load_or_make_keys(const std::filesystem::path& directory);

// Checks everything a broker (or a disk) hands out against the CA certificate and these keys: the
// certificate is the CA's, of this site and this key; each member record is signed by the registry
// key; this site's own record is among `members` and names these keys. Returns the membership with
// `federation`, `site` and `number` filled in. Fails with unauthenticated, invalid or corrupt,
// naming what does not fit.
struct MembershipPapers {
  std::string certificate_pem;
  std::string ca_pem;
  Bytes registry_key;
  std::vector<SignedRecord> members;
};
Result<Membership> check_membership(MembershipPapers papers, const NodeKeys& keys,
                                    Wall::time_point now);

// Stores what joining gave, the records by the database in `directory`/store.
Status save_membership(const std::filesystem::path& directory, const Membership& membership,
                       Now now);

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

}  // namespace tradewind
