#include "gateway/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <optional>

#include "gateway/store.h"
#include "schemas/codec.h"
#include "state/identity/authority.h"
#include "state/identity/certificates.h"
#include "state/identity/encoding.h"
#include "state/identity/join.h"
#include "state/identity/records.h"
#include "tests/unit/gateway/fake_broker.h"
#include "tests/unit/gateway/osaka.h"
#include "tests/unit/gateway/temporary_directory.h"

namespace tradewind {
namespace {

using ::testing::HasSubstr;

boost::json::object json_of(const SignedRecord& record) {
  return {{"body", base64_encode(record.body)}, {"signature", base64_encode(record.signature)}};
}

// The server's side of a join, as a broker does it, with ways to go wrong.
class Federation {
 public:
  Federation() : authority_(*CertificateAuthority::create(FederationId{"trade"}, now().wall)) {}

  static Now now() { return system_now(); }
  const CertificateAuthority& authority() const { return authority_; }
  std::string token() const { return to_string(token_); }
  int requests() const { return requests_; }

  // What a broker answers; `change` may spoil it.
  FakeBroker::Answer answer(const std::string& target, const std::string& body,
                            const std::function<void(boost::json::object&)>& change = {}) {
    if (target == "/v1/trust?after=0") return trust_answer(trust_);
    ++requests_;
    EXPECT_EQ(target, "/v1/join");
    const auto request = boost::json::parse(body).as_object();
    const auto text = [&](const char* key) { return std::string(request.at(key).as_string()); };
    const auto identity_key = csr_public_key(text("csr_pem"));
    EXPECT_TRUE(identity_key);
    const auto curve_key = base64_decode("curve_key", text("curve_key"));
    const auto proof = base64_decode("proof", text("proof"));
    EXPECT_TRUE(verify_join_proof(*identity_key, token_, *curve_key, *proof));
    EXPECT_EQ(text("token"), token());
    const NodeId node = site_node(SiteId{site_override_.value_or(text("site"))});

    Member member;
    member.node = node;
    member.number = MemberNumber{7};
    member.identity_key = *identity_key;
    member.curve_key = *curve_key;
    Member broker;
    broker.node = broker_node("eu-1");
    broker.number = MemberNumber{1};
    broker.identity_key = Bytes(32, 'b');
    broker.curve_key = Bytes(32, 'c');
    broker.endpoint = "tcp://127.0.0.1:7400";
    boost::json::object object{
        {"certificate_pem",
         *authority_.issue(text("csr_pem"), node, std::chrono::hours(24), now().wall)},
        {"member", json_of(record_of(member))},
        {"members", boost::json::array{json_of(record_of(broker)), json_of(record_of(member))}}};
    if (change) change(object);
    return {200, boost::json::serialize(object)};
  }

  SignedRecord record_of(const Member& member) const {
    return make_member_record(authority_.registry_key(), member, RecordVersion{1, 1}, now(),
                              std::chrono::hours(24));
  }
  void show(TrustChain trust) { trust_ = std::move(trust); }
  void admit_instead(const std::string& site) { site_override_ = site; }

 private:
  CertificateAuthority authority_;
  JoinToken token_ = make_join_token(trust_sha256(authority_.trust().newest()));
  TrustChain trust_ = authority_.trust();  // as it is shown
  std::optional<std::string> site_override_;
  int requests_ = 0;
};

JoinOptions options_of(const std::string& url, const std::string& token,
                       const TemporaryDirectory& directory) {
  JoinOptions options;
  options.url = url;
  options.token = token;
  options.site = osaka;
  options.directory = directory.path() / "osaka";
  options.timeout = std::chrono::seconds(10);
  return options;
}

TEST(Join, StoresKeysCertificateAndMembers) {
  const TemporaryDirectory directory;
  Federation federation;
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    return federation.answer(target, body);
  });
  const auto options = options_of(broker.url() + "/", federation.token(), directory);
  const auto joined = join(options, Federation::now());
  ASSERT_TRUE(joined) << describe(joined.error());
  EXPECT_EQ(joined->federation().value, "trade");
  EXPECT_EQ(joined->site, osaka);
  EXPECT_EQ(joined->number.value, 7u);

  for (const char* each : {"identity.key", "curve.key"}) {
    EXPECT_EQ(std::filesystem::status(options.directory / each).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << each;
  }
  auto papers = load_papers(options.directory);
  ASSERT_TRUE(papers) << describe(papers.error());
  EXPECT_EQ(papers->trust.newest(), federation.authority().trust().newest());
  EXPECT_EQ(load_broker_url(options.directory).value(), broker.url());
  auto store = Store::open(store_directory(options.directory), Federation::now());
  ASSERT_TRUE(store);
  papers->members = *(*store)->members();
  EXPECT_EQ(papers->members.size(), 2u);
  const auto keys = load_or_make_keys(options.directory);
  ASSERT_TRUE(keys);
  const auto membership = check_membership(*papers, *keys, Federation::now().wall);
  ASSERT_TRUE(membership) << describe(membership.error());
  EXPECT_EQ(membership->number.value, 7u);
}

TEST(Join, TriedAgainItUsesTheSameKeys) {
  const TemporaryDirectory directory;
  Federation federation;
  bool first = true;
  std::vector<std::string> curve_keys;
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    if (target != "/v1/join") return federation.answer(target, body);
    curve_keys.push_back(std::string(boost::json::parse(body).at("curve_key").as_string()));
    if (first) {
      first = false;
      return FakeBroker::Answer{503, R"({"detail":"the journal is away","remedy":"try again"})"};
    }
    return federation.answer(target, body);
  });
  const auto options = options_of(broker.url(), federation.token(), directory);
  const auto failed = join(options, Federation::now());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
  EXPECT_EQ(failed.error().message, "the journal is away");
  EXPECT_EQ(failed.error().remedy, "try again");
  EXPECT_EQ(load_papers(options.directory).error().code, ErrorCode::not_found);
  ASSERT_TRUE(join(options, Federation::now()));
  ASSERT_TRUE(join(options, Federation::now()));
  ASSERT_EQ(curve_keys.size(), 3u);
  EXPECT_EQ(curve_keys[0], curve_keys[1]);
  EXPECT_EQ(curve_keys[0], curve_keys[2]);
}

// Joins against an answer that `change` has spoilt, and expects nothing to be trusted.
Error refused(const std::function<void(boost::json::object&)>& change) {
  const TemporaryDirectory directory;
  Federation federation;
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    return federation.answer(target, body, change);
  });
  const auto options = options_of(broker.url(), federation.token(), directory);
  const auto joined = join(options, Federation::now());
  EXPECT_FALSE(joined);
  EXPECT_FALSE(std::filesystem::exists(options.directory / "certificate.pem"));
  EXPECT_FALSE(std::filesystem::exists(options.directory / "trust"));
  return joined ? Error{} : joined.error();
}

// The next version, signed by the first so many roots.
SignedTrust next_trust(const CertificateAuthority& authority, std::size_t signatures,
                       const std::function<void(TrustRecord&)>& change = {}) {
  SignedTrust next{authority.trust().newest(), {}};
  ++next.record.version;
  if (change) change(next.record);
  for (std::size_t i = 0; i < signatures; ++i) sign_trust(next, authority.root_keys()[i]);
  return next;
}

Result<Membership> join_shown(Federation& federation, const TrustChain& shown) {
  const TemporaryDirectory directory;
  federation.show(shown);
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    return federation.answer(target, body);
  });
  return join(options_of(broker.url(), federation.token(), directory), Federation::now());
}

TEST(Join, AnotherFederationsTrustRecordIsRefusedBeforeTheTokenIsShown) {
  Federation federation;
  const Federation other;
  const auto joined = join_shown(federation, other.authority().trust());
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(joined.error().field, "trust");
  EXPECT_EQ(federation.requests(), 0);
}

TEST(Join, WalksFromTheTrustRecordOfTheInvitationToTheNewest) {
  Federation federation;
  TrustChain chain = federation.authority().trust();
  ASSERT_TRUE(chain.extend(next_trust(federation.authority(), 2)));
  const auto joined = join_shown(federation, chain);
  ASSERT_TRUE(joined) << describe(joined.error());
  EXPECT_EQ(joined->trust.newest().version, 2U);
  EXPECT_EQ(joined->trust.all().size(), 2U);
}

TEST(Join, AnExpiredTrustRecordIsRefused) {
  Federation federation;
  TrustChain chain = federation.authority().trust();
  ASSERT_TRUE(chain.extend(next_trust(federation.authority(), 2, [](TrustRecord& record) {
    record.expires = record.issued + std::chrono::milliseconds(1);
  })));
  const auto joined = join_shown(federation, chain);
  ASSERT_FALSE(joined);
  EXPECT_THAT(joined.error().message, HasSubstr("version 2 expired"));
}

TEST(Join, ACertificateThatTheCaDidNotIssueIsRefused) {
  const Federation other;
  const Error error = refused([&](boost::json::object& answer) {
    const auto key = SigningKey::generate();
    const auto csr = make_csr(key, site_node(osaka), FederationId{"trade"});
    answer["certificate_pem"] = *other.authority().issue(
        *csr, site_node(osaka), std::chrono::hours(1), Federation::now().wall);
  });
  EXPECT_EQ(error.code, ErrorCode::unauthenticated);
}

TEST(Join, AMemberRecordThatNoRegistryKeyOfTheTrustRecordSignedIsRefused) {
  const Federation other;
  const Error error = refused([&](boost::json::object& answer) {
    Member broker;
    broker.node = broker_node("eu-1");
    broker.number = MemberNumber{1};
    broker.identity_key = Bytes(32, 'b');
    broker.curve_key = Bytes(32, 'c');
    answer["members"].as_array().push_back(json_of(other.record_of(broker)));
  });
  EXPECT_EQ(error.code, ErrorCode::unauthenticated);
  EXPECT_EQ(error.field, "members");
}

TEST(Join, AMemberRecordWithOtherKeysIsRefused) {
  const TemporaryDirectory directory;
  Federation federation;
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    return federation.answer(target, body, [&](boost::json::object& answer) {
      Member member;
      member.node = site_node(osaka);
      member.number = MemberNumber{7};
      member.identity_key = Bytes(32, 'x');
      member.curve_key = Bytes(32, 'y');
      answer["member"] = json_of(federation.record_of(member));
      answer["members"] = boost::json::array{};
    });
  });
  const auto joined =
      join(options_of(broker.url(), federation.token(), directory), Federation::now());
  ASSERT_FALSE(joined);
  EXPECT_THAT(joined.error().message, HasSubstr("names other keys"));
}

TEST(Join, AnswersThatAreNotABrokersAreRefusedWithTheField) {
  EXPECT_EQ(refused([](auto& answer) { answer.erase("certificate_pem"); }).field,
            "certificate_pem");
  EXPECT_EQ(refused([](auto& answer) { answer["members"] = 3; }).field, "members");
  EXPECT_EQ(refused([](auto& answer) { answer["member"] = "x"; }).field, "members");
  EXPECT_EQ(refused([](auto& answer) { answer["certificate_pem"] = "-----BEGIN"; }).field,
            "certificate");
}

TEST(Join, ABrokerThatAdmitsAnotherSiteIsRefused) {
  const TemporaryDirectory directory;
  Federation federation;
  federation.admit_instead("us-iowa-1");
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    return federation.answer(target, body);
  });
  const auto joined =
      join(options_of(broker.url(), federation.token(), directory), Federation::now());
  ASSERT_FALSE(joined);
  EXPECT_THAT(joined.error().message, HasSubstr("us-iowa-1 instead of jp-osaka-1"));
}

TEST(Join, ADirectoryServesOneSiteOnly) {
  const TemporaryDirectory directory;
  Federation federation;
  const FakeBroker broker([&](const std::string& target, const std::string& body) {
    return federation.answer(target, body);
  });
  auto options = options_of(broker.url(), federation.token(), directory);
  ASSERT_TRUE(join(options, Federation::now()));
  options.site = SiteId{"us-iowa-1"};
  const auto second = join(options, Federation::now());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(federation.requests(), 1);
}

TEST(Join, TheBrokersRefusalComesThroughAsItSaidIt) {
  const TemporaryDirectory directory;
  Federation federation;
  const FakeBroker broker([](const std::string&, const std::string&) {
    return FakeBroker::Answer{
        403, R"({"title":"Forbidden","detail":"the token has expired","field":"token",)"
             R"("remedy":"ask for a new one"})"};
  });
  const auto joined =
      join(options_of(broker.url(), federation.token(), directory), Federation::now());
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error(),
            (Error{ErrorCode::forbidden, "token", "the token has expired", "ask for a new one"}));
}

TEST(Join, TokensAreNeverSentOverAnOpenConnection) {
  const TemporaryDirectory directory;
  const Federation federation;
  for (const char* url : {"http://broker.example.org", "http://10.0.0.1:80", "ftp://127.0.0.1",
                          "http://127.evil.example", "", "broker"}) {
    const auto joined = join(options_of(url, federation.token(), directory), Federation::now());
    ASSERT_FALSE(joined) << url;
    EXPECT_EQ(joined.error().code, ErrorCode::invalid) << url;
    EXPECT_EQ(joined.error().field, "url") << url;
  }
}

TEST(Join, ABadTokenIsRefusedBeforeAnythingIsMade) {
  const TemporaryDirectory directory;
  auto options = options_of("http://127.0.0.1:1", "secret-without-fingerprint", directory);
  const auto joined = join(options, Federation::now());
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().field, "token");
  EXPECT_FALSE(std::filesystem::exists(options.directory));
}

TEST(Join, NobodyThereIsUnavailable) {
  const TemporaryDirectory directory;
  const Federation federation;
  const auto joined =
      join(options_of("http://127.0.0.1:1", federation.token(), directory), Federation::now());
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::unavailable);
}

FakeBroker::Tls tls_of(const CertificateAuthority& authority, const std::string& name) {
  const auto key = SigningKey::generate();
  const auto csr = make_csr(key, broker_node("eu-1"), FederationId{"trade"});
  const auto certificate =
      authority.issue_server(*csr, {name}, std::chrono::hours(1), Federation::now().wall);
  EXPECT_TRUE(certificate) << describe(certificate.error());
  return {*certificate + authority.certificate_pem(), key.private_pem()};
}

TEST(Join, OverTlsTheTokensCaIsTrustedWithoutBeingInstalled) {
  const TemporaryDirectory directory;
  Federation federation;
  const FakeBroker broker([&](const std::string& target,
                              const std::string& body) { return federation.answer(target, body); },
                          tls_of(federation.authority(), "127.0.0.1"));
  const auto joined =
      join(options_of(broker.url(), federation.token(), directory), Federation::now());
  EXPECT_TRUE(joined) << describe(joined.error());
}

TEST(Join, OverTlsAStrangersServerNeverSeesTheToken) {
  const TemporaryDirectory directory;
  Federation federation;
  const Federation stranger;
  for (const auto& tls : {tls_of(stranger.authority(), "127.0.0.1"),
                          tls_of(federation.authority(), "broker.example.org")}) {
    const FakeBroker broker(
        [&](const std::string& target, const std::string& body) {
          return federation.answer(target, body);
        },
        tls);
    const auto joined =
        join(options_of(broker.url(), federation.token(), directory), Federation::now());
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, ErrorCode::unauthenticated);
  }
  EXPECT_EQ(federation.requests(), 0);
}

}  // namespace
}  // namespace tradewind
