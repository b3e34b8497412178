#include "state/identity/former_trust.h"

#include <gtest/gtest.h>

#include "state/identity/authority.h"
#include "state/identity/certificates.h"
#include "state/identity/trust_files.h"
#include "tests/unit/identity/former_authority.h"
#include "tests/unit/identity/scratch.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const FederationId kFormerFederation{"example"};
const Wall::time_point kFormerTime = wall_from_ms(1'790'000'000'000);

class FormerTrust : public ::testing::Test {
 protected:
  FormerTrust() {
    store_former_authority(directory(), kFormerFederation, key_, registry_key_, kFormerTime);
  }
  std::filesystem::path directory() const { return scratch_.path() / "ca"; }
  // What members of then hold.
  TrustChain pinned() const {
    const auto certificate = load_file(directory() / "ca.crt", certificate_bytes_max);
    return TrustChain::pinned(
        {*former_trust(kFormerFederation, *certificate, registry_key_.public_key()), {}});
  }

  const Scratch scratch_;
  const SigningKey key_ = SigningKey::generate();
  const SigningKey registry_key_ = SigningKey::generate();
};

TEST_F(FormerTrust, AnAuthorityOfBeforeGetsItsFirstRecordWithTheSameKeys) {
  const auto authority = CertificateAuthority::load(directory());
  ASSERT_TRUE(authority) << describe(authority.error());
  EXPECT_EQ(authority->federation(), kFormerFederation);
  EXPECT_EQ(authority->registry_key().public_key(), registry_key_.public_key());
  EXPECT_EQ(authority->trust().newest().roots, std::vector<Bytes>{registry_key_.public_key()});
  const NodeId node{"site/jp-osaka-1"};
  const auto csr = make_csr(SigningKey::generate(), node, kFormerFederation);
  const auto certificate = authority->issue(*csr, node, 1h, kFormerTime);
  EXPECT_EQ(*check_certificate(*certificate, *load_file(directory() / "ca.crt", 16'384),
                               kFormerFederation, kFormerTime),
            node);
  // It is stored, and is found the next time.
  EXPECT_EQ(load_trust(directory() / trust_folder)->newest(), authority->trust().newest());
  EXPECT_EQ(CertificateAuthority::load(directory())->trust().newest(), authority->trust().newest());
}

TEST_F(FormerTrust, MembersComeToTheSameRecordWithoutBeingTold) {
  const auto authority = CertificateAuthority::load(directory());
  ASSERT_TRUE(authority) << describe(authority.error());
  EXPECT_EQ(trust_sha256(pinned().newest()), trust_sha256(authority->trust().newest()));
  // Whoever joins later sees that the registry key has signed it.
  EXPECT_TRUE(TrustChain::from(authority->trust().all().front()));
  EXPECT_TRUE(pinned().extend(authority->trust().all().front()));
}

TEST_F(FormerTrust, GoesOnToOfflineRootsByTheRegistryKeyAndByNoOther) {
  const SigningKey root = SigningKey::generate();
  SignedTrust next{pinned().newest(), {}};
  next.record.version = 2;
  next.record.roots = {root.public_key()};
  sign_trust(next, root);
  EXPECT_EQ(pinned().extend(next).error().code, ErrorCode::unauthenticated);
  sign_trust(next, SigningKey::generate());
  EXPECT_EQ(pinned().extend(next).error().code, ErrorCode::unauthenticated);
  sign_trust(next, registry_key_);
  EXPECT_TRUE(pinned().extend(next));
}

TEST_F(FormerTrust, IsStoredByMembersThoughNobodyHasSignedIt) {
  ASSERT_TRUE(save_trust(scratch_.path() / "trust", pinned()));
  const auto loaded = load_trust(scratch_.path() / "trust");
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->newest(), pinned().newest());
}

TEST_F(FormerTrust, IsNotMadeOfFilesThatDoNotBelongTogether) {
  ASSERT_TRUE(SigningKey::generate().save(directory() / "ca.key"));
  EXPECT_EQ(CertificateAuthority::load(directory()).error().code, ErrorCode::not_found);
  const auto other = CertificateAuthority::create(kFormerFederation, kFormerTime);
  EXPECT_EQ(other->save(directory()).error().code, ErrorCode::conflict);
  EXPECT_FALSE(former_trust(kFormerFederation, "no certificate", registry_key_.public_key()));
  EXPECT_FALSE(former_trust(kFormerFederation, other->certificate_pem(), "short"));
}

}  // namespace
}  // namespace tradewind
