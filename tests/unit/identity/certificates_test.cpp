#include "state/identity/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "schemas/limits.h"
#include "state/identity/stored_file.h"
#include "tests/unit/identity/forgery.h"
#include "tests/unit/identity/scratch.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const FederationId kFederation{"example"};
const NodeId kNode{"site/jp-osaka-1"};
// An authority's dates hold whole seconds.
const Wall::time_point kNow = wall_from_ms(1'790'000'000'000);

class Certificates : public testing::Test {
 protected:
  Certificates()
      : authority_(CertificateAuthority::create(kFederation, kNow).value()),
        ca_key_((void(authority_.save(scratch_.path()).value()),
                 SigningKey::load(scratch_.path() / "ca-1.key").value())) {}

  Forgery sound() const {
    Forgery forgery;
    forgery.not_before = kNow - 5s;
    forgery.not_after = kNow + 1h;
    return forgery;
  }
  std::string forged(const Forgery& forgery) const {
    return forge(forgery, ca_key_, authority_.certificate_pem());
  }
  Result<NodeId> check(const std::string& pem, Wall::time_point now = kNow) const {
    return check_certificate(pem, authority_.certificate_pem(), kFederation, now);
  }
  void expect_untrusted(const Forgery& forgery, const std::string& why) const {
    const auto node = check(forged(forgery));
    ASSERT_FALSE(node) << why << ": taken for " << node->value;
    EXPECT_EQ(node.error().code, ErrorCode::unauthenticated);
    EXPECT_THAT(describe(node.error()), HasSubstr(why));
    EXPECT_FALSE(node.error().remedy.empty());
  }

  const Scratch scratch_;
  const CertificateAuthority authority_;
  const SigningKey ca_key_;
};

TEST_F(Certificates, NameTheNodeTheyWereIssuedFor) {
  for (const NodeId& node : {kNode, broker_node("eu-1"), site_node(SiteId{std::string(63, 'a')})}) {
    const SigningKey key = SigningKey::generate();
    const std::string csr = make_csr(key, node, kFederation).value();
    EXPECT_EQ(csr_public_key(csr).value(), key.public_key());
    const auto pem = authority_.issue(csr, node, 24h, kNow);
    ASSERT_TRUE(pem) << describe(pem.error());
    const auto checked = check(*pem);
    ASSERT_TRUE(checked) << describe(checked.error());
    EXPECT_EQ(*checked, node);
    EXPECT_EQ(certificate_public_key(*pem).value(), key.public_key());
    EXPECT_EQ(printed_names(*pem), "URI:spiffe://example/" + node.value);
    const Validity validity = certificate_validity(*pem).value();
    EXPECT_EQ(validity.not_before, kNow - limits::clock_skew_max);
    EXPECT_EQ(validity.not_after, kNow + 24h);
  }
}

TEST_F(Certificates, AreForTheNodeThatTheAuthorityNamesNotTheRequest) {
  const std::string csr =
      make_csr(SigningKey::generate(), broker_node("eu-1"), kFederation).value();
  EXPECT_EQ(check(authority_.issue(csr, kNode, 1h, kNow).value()).value(), kNode);
}

TEST_F(Certificates, HaveUnguessableSerialNumbers) {
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  EXPECT_NE(authority_.issue(csr, kNode, 1h, kNow).value(),
            authority_.issue(csr, kNode, 1h, kNow).value());
}

TEST_F(Certificates, HoldFromTheirFirstToTheirLastSecond) {
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  const std::string pem = authority_.issue(csr, kNode, 1h, kNow).value();
  EXPECT_TRUE(check(pem, kNow - 5s));
  EXPECT_TRUE(check(pem, kNow + 1h - 1s));
  const auto early = check(pem, kNow - 6s);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::unauthenticated);
  EXPECT_THAT(early.error().message, HasSubstr("is not valid before"));
  EXPECT_THAT(early.error().remedy, HasSubstr("clocks"));
  const auto late = check(pem, kNow + 1h);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::unauthenticated);
  EXPECT_THAT(late.error().message, HasSubstr("expired at"));
  EXPECT_THAT(late.error().message, HasSubstr(to_rfc3339(kNow + 1h)));
  EXPECT_EQ(late.error().remedy, "renew it");
}

TEST_F(Certificates, OfAnotherAuthorityAreNotTrusted) {
  // The same federation name does not help: the key counts.
  const auto other = CertificateAuthority::create(kFederation, kNow).value();
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  const std::string pem = other.issue(csr, kNode, 1h, kNow).value();
  const auto node = check(pem);
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, ErrorCode::unauthenticated);
  EXPECT_THAT(node.error().message, HasSubstr("not trusted by this federation"));
  // With both in the bundle, as while an authority is replaced, both hold.
  EXPECT_EQ(check_certificate(pem, authority_.certificate_pem() + other.certificate_pem(),
                              kFederation, kNow)
                .value(),
            kNode);
}

TEST_F(Certificates, OfAnotherFederationAreNotTrusted) {
  Forgery forgery = sound();
  forgery.names = {"URI:spiffe://elsewhere/site/jp-osaka-1"};
  expect_untrusted(forgery, "is not of the federation \"example\"");
  forgery.names = {"URI:spiffe://example.org/site/jp-osaka-1"};
  expect_untrusted(forgery, "is not of the federation \"example\"");
}

TEST_F(Certificates, MustNameExactlyOneNode) {
  Forgery forgery = sound();
  ASSERT_EQ(check(forged(forgery)).value(), kNode) << "what is forged below is sound otherwise";
  forgery.names = {"URI:spiffe://example/site/jp-osaka-1", "URI:spiffe://example/site/jp-osaka-2"};
  expect_untrusted(forgery, "has 2 URI names");
  forgery.names = {"URI:spiffe://example/site/jp-osaka-1", "URI:https://example.org/"};
  expect_untrusted(forgery, "has 2 URI names");
  forgery.names = {"DNS:jp-osaka-1.example"};
  expect_untrusted(forgery, "has 0 URI names");
  forgery.names = {};
  expect_untrusted(forgery, "no subject alternative name");
  forgery = sound();
  forgery.twice_named = true;
  EXPECT_FALSE(check(forged(forgery)));
}

TEST_F(Certificates, MustNameANodeInItsOnlyForm) {
  for (const char* uri :
       {"spiffe://example", "spiffe://example/", "spiffe://example/site/", "spiffe://example/site",
        "spiffe://example/broker/", "spiffe://example/jp-osaka-1", "spiffe://example/site/a/b",
        "spiffe://example/site/JP-Osaka", "spiffe://example/site/-a", "spiffe://example//site/a",
        "spiffe://example/site/a?x=1", "spiffe://example/site/a#x", "spiffe://example/site/..",
        "https://example/site/jp-osaka-1", "SPIFFE://example/site/jp-osaka-1",
        "spiffe://example:443/site/jp-osaka-1", "spiffe://user@example/site/jp-osaka-1",
        "spiffe://example/site/a%2f", "spiffe://example/tenant/a"}) {
    Forgery forgery = sound();
    forgery.names = {std::string("URI:") + uri};
    const auto node = check(forged(forgery));
    ASSERT_FALSE(node) << uri;
    EXPECT_EQ(node.error().code, ErrorCode::unauthenticated);
  }
}

TEST_F(Certificates, OfAnAuthorityAreNoNodes) {
  Forgery forgery = sound();
  forgery.constraints = "critical,CA:TRUE";
  forgery.usage = "critical,digitalSignature,keyCertSign";
  expect_untrusted(forgery, "is an authority's");
  EXPECT_FALSE(check(authority_.certificate_pem()));
}

TEST_F(Certificates, MustBeForSigningAndTlsOnly) {
  Forgery forgery = sound();
  forgery.usage = "critical,digitalSignature,cRLSign";
  expect_untrusted(forgery, "allows signing");
  forgery.usage = "critical,keyAgreement";
  expect_untrusted(forgery, "lacks digitalSignature");
  forgery.usage = "";
  expect_untrusted(forgery, "lacks digitalSignature");
  forgery.usage = "digitalSignature";
  expect_untrusted(forgery, "not marked critical");
  forgery = sound();
  forgery.extended_usage = "serverAuth";
  expect_untrusted(forgery, "lacks clientAuth or serverAuth");
  forgery.extended_usage = "codeSigning";
  expect_untrusted(forgery, "lacks clientAuth or serverAuth");
  forgery.extended_usage = "";
  expect_untrusted(forgery, "lacks clientAuth or serverAuth");
  forgery = sound();
  forgery.usage = "critical,digitalSignature,keyCertSign";
  EXPECT_FALSE(check(forged(forgery)));
}

TEST_F(Certificates, WithAnUnknownCriticalExtensionAreNotTrusted) {
  Forgery forgery = sound();
  forgery.unknown_critical = "1.3.6.1.4.1.99999.1";
  expect_untrusted(forgery, "critical extension");
}

TEST_F(Certificates, MustHoldAnEd25519Key) {
  Forgery forgery = sound();
  forgery.of_curve_p256 = true;
  expect_untrusted(forgery, "not an Ed25519 key");
}

TEST_F(Certificates, IssuedByALeafAreNotTrusted) {
  const SigningKey key = SigningKey::generate();
  const std::string leaf =
      authority_.issue(make_csr(key, kNode, kFederation).value(), kNode, 1h, kNow).value();
  const std::string pem = forge(sound(), key, leaf);
  EXPECT_FALSE(check(pem));
  // Nor does the leaf pass for an authority when it is handed over as one.
  EXPECT_FALSE(check_certificate(pem, leaf, kFederation, kNow));
}

TEST_F(Certificates, TamperedWithAnywhereAreRefused) {
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  const std::string pem = authority_.issue(csr, kNode, 1h, kNow).value();
  const std::size_t size = der_size(pem);
  for (std::size_t at = 0; at < size; ++at)
    ASSERT_FALSE(check(with_changed_byte(pem, at))) << "byte " << at;
}

TEST_F(Certificates, ThatCannotBeReadAreInvalid) {
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  const std::string pem = authority_.issue(csr, kNode, 1h, kNow).value();
  const std::string both = pem + pem;
  for (const std::string& text :
       {std::string(), std::string("nonsense"), csr, pem.substr(0, pem.size() / 2), both,
        pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
        std::string(100'000, 'x'), std::string(5, '\0')}) {
    const auto node = check(text);
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().code, ErrorCode::invalid) << describe(node.error());
    EXPECT_EQ(node.error().field, "certificate");
    EXPECT_FALSE(certificate_sha256(text));
    EXPECT_FALSE(certificate_validity(text));
    EXPECT_FALSE(certificate_public_key(text));
  }
  std::string crowd;
  for (int i = 0; i < 9; ++i) crowd += authority_.certificate_pem();
  const auto node = check_certificate(pem, crowd, kFederation, kNow);
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().field, "ca");
  EXPECT_THAT(node.error().message, HasSubstr("more than 8"));
}

TEST_F(Certificates, AreNotIssuedForBadRequests) {
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  const auto refused = [&](const std::string& request, const NodeId& node,
                           std::chrono::seconds lifetime, const std::string& field) {
    const auto pem = authority_.issue(request, node, lifetime, kNow);
    ASSERT_FALSE(pem);
    EXPECT_EQ(pem.error().code, ErrorCode::invalid);
    EXPECT_EQ(pem.error().field, field) << describe(pem.error());
    EXPECT_FALSE(pem.error().remedy.empty());
  };
  refused("", kNode, 1h, "csr");
  refused("nonsense", kNode, 1h, "csr");
  refused(std::string(100'000, 'x'), kNode, 1h, "csr");
  refused(request_of_curve("P-256"), kNode, 1h, "csr");
  refused(csr, NodeId{"site/A"}, 1h, "node");
  refused(csr, NodeId{"jp-osaka-1"}, 1h, "node");
  refused(csr, NodeId{"site/a,URI:spiffe://example/site/b"}, 1h, "node");
  refused(csr, kNode, 0s, "lifetime");
  refused(csr, kNode, -1s, "lifetime");
  refused(csr, kNode, 24h * 1000, "lifetime");
  const auto late =
      authority_.issue(csr, kNode, 24h, kNow + authority_lifetime - std::chrono::hours(23));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("would end after its authority"));
}

TEST_F(Certificates, AreNotIssuedForRequestsSignedByAnotherKey) {
  std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  // The last line but one holds the end of the signature.
  const std::size_t at = csr.rfind("\n-----END") - 6;
  csr[at] = csr[at] == 'A' ? 'B' : 'A';
  const auto pem = authority_.issue(csr, kNode, 1h, kNow);
  ASSERT_FALSE(pem);
  EXPECT_THAT(pem.error().message, HasSubstr("own signature"));
}

TEST_F(Certificates, OfServersNameHostsAndNoNode) {
  const std::string csr = make_csr(SigningKey::generate(), broker_node("eu"), kFederation).value();
  const auto pem = authority_.issue_server(
      csr, {"broker.example.org", "localhost", "*.example.org", "127.0.0.1", "2001:db8::7"}, 24h,
      kNow);
  ASSERT_TRUE(pem) << describe(pem.error());
  EXPECT_EQ(printed_names(*pem),
            "DNS:broker.example.org, DNS:localhost, DNS:*.example.org, IP Address:127.0.0.1, "
            "IP Address:2001:DB8:0:0:0:0:0:7");
  EXPECT_THAT(printed(*pem), HasSubstr("TLS Web Server Authentication"));
  EXPECT_THAT(printed(*pem), Not(HasSubstr("TLS Web Client Authentication")));
  EXPECT_FALSE(check(*pem));
  EXPECT_TRUE(authority_.issue_server(request_of_curve("P-256"), {"localhost"}, 24h, kNow));
}

TEST_F(Certificates, OfServersAreRefusedForNamesThatAreNone) {
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a,DNS:b"), std::string("-a"),
        std::string("a-"), std::string("a..b"), std::string(".a"), std::string("a."),
        std::string("*"), std::string("a.*.b"), std::string("1.2.3.4.5"), std::string("300.1.1.1"),
        std::string("http://a"), std::string(64, 'a'), std::string("a\0b", 3)}) {
    const auto pem = authority_.issue_server(csr, {"localhost", name}, 1h, kNow);
    ASSERT_FALSE(pem) << name;
    EXPECT_EQ(pem.error().field, "names");
  }
  EXPECT_FALSE(authority_.issue_server(csr, {}, 1h, kNow));
  EXPECT_FALSE(authority_.issue_server(csr, std::vector<std::string>(33, "a"), 1h, kNow));
  EXPECT_FALSE(authority_.issue_server(request_of_curve("P-384"), {"localhost"}, 1h, kNow));
}

TEST_F(Certificates, AreRequestedOnlyWithValidNames) {
  const SigningKey key = SigningKey::generate();
  EXPECT_EQ(make_csr(key, NodeId{"site/A"}, kFederation).error().field, "node");
  EXPECT_EQ(make_csr(key, kNode, FederationId{"a,b"}).error().field, "federation");
}

TEST_F(Certificates, ReadTheSameFromDer) {
  const std::string& pem = authority_.certificate_pem();
  const Bytes der = certificate_der(pem).value();
  EXPECT_EQ(certificate_from_der(der).value(), pem);
  EXPECT_EQ(certificate_sha256(pem).value(), sha256(der));
  EXPECT_FALSE(certificate_from_der(der + "x"));
  EXPECT_FALSE(certificate_from_der(der.substr(1)));
  EXPECT_FALSE(certificate_from_der(""));
}

TEST_F(Certificates, OfAnAuthorityMaySignLeavesOnly) {
  const std::string text = printed(authority_.certificate_pem());
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:0"));
  EXPECT_THAT(text, HasSubstr("Certificate Sign, CRL Sign"));
  EXPECT_THAT(text, Not(HasSubstr("Digital Signature")));
}

TEST_F(Certificates, GoOnAfterTheAuthorityIsLoadedAgain) {
  const auto loaded = CertificateAuthority::load(scratch_.path());
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->federation(), kFederation);
  EXPECT_EQ(loaded->certificate_pem(), authority_.certificate_pem());
  EXPECT_EQ(loaded->trust().newest(), authority_.trust().newest());
  EXPECT_TRUE(loaded->root_keys().empty());
  EXPECT_EQ(loaded->registry_key().public_key(), authority_.registry_key().public_key());
  EXPECT_NE(loaded->registry_key().public_key(), ca_key_.public_key());
  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  EXPECT_EQ(check(loaded->issue(csr, kNode, 1h, kNow).value()).value(), kNode);
}

TEST_F(Certificates, AuthorityKeysAreForTheirOwnerOnly) {
  for (const char* name : {"ca-1.key", "registry-1.key", "roots/root-1.key", "roots/root-3.key"}) {
    struct stat facts{};
    ASSERT_EQ(::stat((scratch_.path() / name).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U) << name;
  }
  ASSERT_EQ(::chmod((scratch_.path() / "registry-1.key").c_str(), 0644), 0);
  EXPECT_EQ(CertificateAuthority::load(scratch_.path()).error().code, ErrorCode::forbidden);
}

TEST_F(Certificates, AuthoritiesAreNeverReplaced) {
  const auto other = CertificateAuthority::create(kFederation, kNow).value();
  const auto saved = other.save(scratch_.path());
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::conflict);
  EXPECT_EQ(CertificateAuthority::load(scratch_.path())->certificate_pem(),
            authority_.certificate_pem());
  const auto fresh = scratch_.path() / "new" / "ca";
  ASSERT_TRUE(other.save(fresh));
  struct stat facts{};
  ASSERT_EQ(::stat(fresh.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700U);
}

TEST_F(Certificates, AnAuthorityNeedsTheKeysThatItsTrustRecordNamesFirst) {
  EXPECT_EQ(CertificateAuthority::load(scratch_.path() / "none").error().code,
            ErrorCode::not_found);
  // Its files may have any name.
  std::filesystem::rename(scratch_.path() / "ca-1.key", scratch_.path() / "mine.key");
  ASSERT_TRUE(CertificateAuthority::load(scratch_.path()));
  ASSERT_TRUE(SigningKey::generate().save(scratch_.path() / "mine.key"));
  const auto without = CertificateAuthority::load(scratch_.path());
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::not_found);
  EXPECT_THAT(without.error().message, HasSubstr("key of the authority"));
  ASSERT_TRUE(store_file(scratch_.path() / "trust" / "1.trust", "nonsense", public_mode));
  EXPECT_EQ(CertificateAuthority::load(scratch_.path()).error().code, ErrorCode::corrupt);
  EXPECT_EQ(CertificateAuthority::create(FederationId{"Not A Name"}, kNow).error().field,
            "federation");
  EXPECT_EQ(CertificateAuthority::create(kFederation, kNow, 2, 3).error().field, "threshold");
}

TEST_F(Certificates, OfAFormerAuthorityAreGoodForAsLongAsTheTrustRecordNamesIt) {
  // A record that names a next authority first and the former one second.
  TrustChain chain = authority_.trust();
  SignedTrust second{chain.newest(), {}};
  second.record.version = 2;
  const SigningKey next_key = SigningKey::generate();
  second.record.issuers.insert(second.record.issuers.begin(),
                               make_issuer(kFederation, next_key, kNow));
  SignedTrust third = second;
  third.record.version = 3;
  third.record.issuers.pop_back();
  for (int i = 1; i <= 2; ++i) {
    const auto root =
        SigningKey::load(scratch_.path() / "roots" / ("root-" + std::to_string(i) + ".key"));
    ASSERT_TRUE(root);
    sign_trust(second, *root);
    sign_trust(third, *root);
  }
  ASSERT_TRUE(chain.extend(second));
  EXPECT_EQ(CertificateAuthority::load_with(scratch_.path(), chain).error().code,
            ErrorCode::not_found);
  ASSERT_TRUE(next_key.save(scratch_.path() / "ca-2.key"));
  const auto rotated = CertificateAuthority::load_with(scratch_.path(), chain);
  ASSERT_TRUE(rotated) << describe(rotated.error());

  const std::string csr = make_csr(SigningKey::generate(), kNode, kFederation).value();
  const std::string before = authority_.issue(csr, kNode, 1h, kNow).value();
  const std::string after = rotated->issue(csr, kNode, 1h, kNow).value();
  const auto good = [&](const std::string& certificate, const TrustRecord& trust) {
    return check_certificate(certificate, trust.issuers_pem(), kFederation, kNow).has_value();
  };
  EXPECT_TRUE(good(before, authority_.trust().newest()));
  EXPECT_FALSE(good(after, authority_.trust().newest()));
  EXPECT_TRUE(good(before, second.record));
  EXPECT_TRUE(good(after, second.record));
  EXPECT_FALSE(good(before, third.record));
  EXPECT_TRUE(good(after, third.record));
}

}  // namespace
}  // namespace tradewind
