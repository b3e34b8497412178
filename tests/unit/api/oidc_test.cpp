// Tokens of an issuer at the endpoint: over real sockets, from an issuer that runs here.
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/unit/api/endpoint_fixture.h"
#include "tests/unit/api/issuer.h"

namespace tradewind::testing {
namespace {

class OidcTest : public EndpointTest {
 protected:
  void SetUp() override {
    issuer_.serve(jwks({key_.jwk("k1")}));
    prepare();
    EndpointTest::SetUp();
  }
  virtual void prepare() {
    options_.oidc_file = directory_.path / "oidc.toml";
    std::ofstream(options_.oidc_file)
        << "issuer = '" << issuer_.url() << "'\n"
        << "audience = 'tradewind'\n"
        << extra_ << "[roles]\nmembers = 'user'\nadmins = 'operator'\n";
  }
  // Until the first fetch is over: who comes before its end, as all other tests may, can make it
  // fetch once more.
  void await_keys() {
    const auto has_keys = [&] {
      return get("/metrics", auditor).body.find("\ntradewind_oidc_keys 1\n") != std::string::npos;
    };
    for (int i = 0; i < 3'000 && !has_keys(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  int status(const std::string& token) { return get("/v1/jobs", token).status; }

  Issuer issuer_;
  const IssuerKey key_ = IssuerKey::ed25519();
  std::string extra_;
};

TEST_F(OidcTest, ATokenOfTheIssuerActsForItsTenantBesidesBuiltInOnes) {
  const std::string token = issuer_.token(key_, "k1");
  await_keys();
  ASSERT_EQ(post("/v1/jobs", token, R"({"command":["true"]})").status, 201);
  EXPECT_EQ(service.last_submission().tenant.value, "alpha");
  EXPECT_EQ(service.last_submission().principal, "oidc:ann");
  EXPECT_EQ(status(token), 200);
  EXPECT_EQ(status(alice), 200);
  EXPECT_EQ(post("/v1/invites", token, R"({"site":"new-1"})").status, 403);
  const std::string admin =
      issuer_.token(key_, "k1", {{"tradewind_role", "admins"}, {"tradewind_tenant", nullptr}});
  EXPECT_EQ(post("/v1/invites", admin, R"({"site":"new-1"})").status, 201);
  EXPECT_EQ(issuer_.fetches(), 1) << "nobody who has a known key makes it fetch";
  EXPECT_NE(get("/metrics", auditor).body.find("\ntradewind_oidc_keys 1\n"), std::string::npos);
}

TEST_F(OidcTest, WhatTheIssuerHasNotSignedForUsIsRefused) {
  ASSERT_EQ(status(issuer_.token(key_, "k1")), 200);
  const IssuerKey stranger = IssuerKey::ed25519();
  const json::object header{{"alg", "EdDSA"}, {"kid", "k1"}};
  const std::string good = issuer_.token(key_, "k1");
  const std::string claims = base64url_encode(to_text(issuer_.claims()));
  const std::string none = base64url_encode(R"({"alg":"none","kid":"k1"})");
  const std::pair<const char*, std::string> cases[] = {
      {"expired", issuer_.token(key_, "k1", {{"exp", now_seconds() - 61}})},
      {"not yet", issuer_.token(key_, "k1", {{"nbf", now_seconds() + 120}})},
      {"another audience", issuer_.token(key_, "k1", {{"aud", "others"}})},
      {"another issuer", issuer_.token(key_, "k1", {{"iss", "https://evil.example"}})},
      {"a stranger's key", stranger.sign(header, issuer_.claims())},
      {"unsigned", none + "." + claims + "."},
      {"another's signature", good.substr(0, good.find('.') + 1) +
                                  base64url_encode(to_text(issuer_.claims({{"sub", "eve"}}))) +
                                  good.substr(good.rfind('.'))},
      {"another algorithm",
       IssuerKey::p256().sign({{"alg", "ES256"}, {"kid", "k1"}}, issuer_.claims())},
      {"cut", good.substr(0, good.size() - 2)},
  };
  for (const auto& [what, token] : cases) {
    const RawResponse response = get("/v1/jobs", token);
    EXPECT_EQ(response.status, 401) << what << response.body;
    EXPECT_TRUE(response.headers.contains("www-authenticate"));
    EXPECT_EQ(response.body.find(token), std::string::npos);
  }
  EXPECT_EQ(status(issuer_.token(key_, "k1", {{"tradewind_role", "guests"}})), 403);
  EXPECT_EQ(status(issuer_.token(key_, "k1", {{"tradewind_tenant", nullptr}})), 403);
}

TEST_F(OidcTest, ANewKeyIsFetchedWhenItIsFirstSeenAndAnOldOneCountsNoMore) {
  const std::string before = issuer_.token(key_, "k1");
  await_keys();
  ASSERT_EQ(status(before), 200);
  const IssuerKey next = IssuerKey::rsa();
  issuer_.serve(jwks({next.jwk("k2")}));
  EXPECT_EQ(status(issuer_.token(next, "k2")), 200);
  EXPECT_EQ(status(before), 401);
  EXPECT_EQ(issuer_.fetches(), 3) << "the last for k1, which might have come back";
}

TEST_F(OidcTest, UnknownKeysDoNotMakeItFetchAllTheTime) {
  ASSERT_EQ(status(issuer_.token(key_, "k1")), 200);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(status(issuer_.token(key_, "unknown" + std::to_string(i))), 401);
  }
  EXPECT_LE(issuer_.fetches(), 6);
  EXPECT_EQ(status(issuer_.token(key_, "k1")), 200);
}

TEST_F(OidcTest, KeysStayWhileTheIssuerIsAwayOrServesNonsense) {
  ASSERT_EQ(status(issuer_.token(key_, "k1")), 200);
  issuer_.be_away(true);
  EXPECT_EQ(status(issuer_.token(key_, "k2")), 401);
  EXPECT_EQ(status(issuer_.token(key_, "k1", {{"sub", "bea"}})), 200);
  issuer_.be_away(false);
  issuer_.serve("<html>");
  EXPECT_EQ(status(issuer_.token(key_, "k3")), 401);
  EXPECT_EQ(status(issuer_.token(key_, "k1", {{"sub", "cat"}})), 200);
  const RawResponse metrics = get("/metrics", auditor);
  EXPECT_EQ(metrics.body.find("\ntradewind_oidc_fetches_failed_total 0\n"), std::string::npos);
}

class OidcAwayTest : public OidcTest {
 protected:
  void prepare() override {
    issuer_.be_away(true);
    OidcTest::prepare();
  }
};

TEST_F(OidcAwayTest, BeforeTheFirstKeysItIsAMatterOfTimeAndOtherTokensWork) {
  const RawResponse early = get("/v1/jobs", issuer_.token(key_, "k1"));
  EXPECT_EQ(early.status, 503);
  EXPECT_TRUE(early.headers.contains("retry-after"));
  EXPECT_EQ(status(alice), 200);
  issuer_.be_away(false);
  EXPECT_EQ(status(issuer_.token(key_, "k1")), 200);
}

class OidcFileTest : public OidcTest {
 protected:
  void prepare() override {
    const auto keys = directory_.path / "jwks.json";
    std::ofstream(keys) << jwks({key_.jwk("k1")});
    extra_ = "jwks_file = '" + keys.string() + "'\n";
    issuer_.be_away(true);
    OidcTest::prepare();
  }
};

TEST_F(OidcFileTest, KeysCanComeFromAFile) {
  EXPECT_EQ(status(issuer_.token(key_, "k1")), 200);
  std::ofstream(directory_.path / "jwks.json") << "{}";
  auto wrong = options_;
  wrong.port = 0;
  EXPECT_EQ(start_endpoint(wrong, service).error().field, "jwks");
  std::ofstream(options_.oidc_file) << "issuer = 7";
  EXPECT_EQ(start_endpoint(wrong, service).error().field, "issuer");
}

TEST(IssuerKeys, GivesUpAFetchUnderWayWhenItStops) {
  // Listens, takes the connection, and says nothing.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  OidcSettings settings;
  settings.issuer = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  bool called = false;
  int taken = -1;
  {
    const auto keys = IssuerKeys::start(settings);
    ASSERT_TRUE(keys.has_value());
    EXPECT_EQ((*keys)->current(), nullptr);
    EXPECT_TRUE((*keys)->fetch_now([&] { called = true; }));
    taken = ::accept(listener, nullptr, nullptr);
    EXPECT_GE(taken, 0);
  }
  EXPECT_FALSE(called);
  ::close(taken);
  ::close(listener);
}

}  // namespace
}  // namespace tradewind::testing
