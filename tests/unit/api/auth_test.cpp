// Tokens, the file they stand in, and endpoints that ask for none.
#include "broker/api/auth.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::seconds;

class AuthTest : public ::testing::Test {
 protected:
  std::unique_ptr<Authenticator> open(bool anonymous = false) {
    auto opened = Authenticator::open({file, anonymous});
    EXPECT_TRUE(opened.has_value());
    return std::move(*opened);
  }
  std::string issue(const std::string& name, std::optional<seconds> ttl = std::nullopt) {
    return issue_token(file, name, Role::user, TenantId{"alpha"}, ttl).value();
  }
  static std::string basic(const std::string& pair) { return "Basic " + base64_encode(pair); }

  TemporaryDirectory directory;
  std::filesystem::path file = directory.path / "tokens.toml";
  Now now = system_now();
};

TEST_F(AuthTest, AnIssuedTokenIsKnownAndOnlyItsDigestIsStored) {
  const std::string secret = issue("alice");
  EXPECT_GE(secret.size(), 43U);
  const auto caller = open()->authenticate("Bearer " + secret, now);
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(*caller, (Caller{"alice", Role::user, TenantId{"alpha"}, {}}));
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text.find(secret), std::string::npos);
  EXPECT_NE(text.find(hex(sha256(secret))), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(AuthTest, TakesBasicWithTheTokenAsPassword) {
  const std::string secret = issue("alice");
  const auto auth = open();
  EXPECT_TRUE(auth->authenticate(basic("anybody:" + secret), now).has_value());
  EXPECT_TRUE(auth->authenticate("bEARER  " + secret + " ", now).has_value());
}

TEST_F(AuthTest, RefusesWhatIsNoValidTokenAndSaysWhatToDo) {
  const std::string secret = issue("alice");
  for (const auto* anonymous : {"closed", "open"}) {
    const auto auth = open(std::string(anonymous) == "open");
    const std::string cases[] = {"Bearer",
                                 "Bearer wrong",
                                 "Bearer " + secret + "x",
                                 "Bearer " + secret.substr(1),
                                 "Digest " + secret,
                                 secret,
                                 basic("user:wrong"),
                                 basic("user:"),
                                 "Basic !!!",
                                 "Bearer " + std::string(10'000, 'x'),
                                 "Bearer \xff\xfe",
                                 "Bearer " + hex(sha256(secret))};
    for (const std::string& each : cases) {
      const auto caller = auth->authenticate(each, now);
      ASSERT_FALSE(caller.has_value()) << anonymous << " " << each;
      EXPECT_EQ(caller.error().code, ErrorCode::unauthenticated);
      EXPECT_NE(caller.error().remedy, "");
      EXPECT_EQ(describe(caller.error()).find(secret), std::string::npos);
    }
  }
}

TEST_F(AuthTest, NoCredentialsAndAnEmptyBasicHeaderAreAnonymous) {
  const auto closed = open(false);
  const auto opened = open(true);
  for (const std::string& each : {std::string(), basic(":"), std::string("Basic"),
                                  std::string("Basic "), std::string("  ")}) {
    EXPECT_EQ(closed->authenticate(each, now).error().code, ErrorCode::unauthenticated) << each;
    const auto caller = opened->authenticate(each, now);
    ASSERT_TRUE(caller.has_value()) << each;
    EXPECT_EQ(caller->principal, "anonymous");
    EXPECT_EQ(caller->role, Role::user);
    EXPECT_EQ(caller->tenant.value, "default");
  }
}

TEST_F(AuthTest, ATokenEndsWhenItExpires) {
  const std::string secret = issue("alice", seconds(60));
  const auto auth = open();
  EXPECT_TRUE(auth->authenticate("Bearer " + secret, now).has_value());
  now.wall += seconds(61);
  EXPECT_FALSE(auth->authenticate("Bearer " + secret, now).has_value());
}

TEST_F(AuthTest, AChangedFileTakesEffectWithinASecondAndAWrongOneChangesNothing) {
  const auto auth = open();  // the file is not there yet
  const std::string secret = issue("alice");
  now.mono += seconds(2);
  EXPECT_TRUE(auth->authenticate("Bearer " + secret, now).has_value());
  std::ofstream(file) << "this is [no toml";
  now.mono += seconds(2);
  EXPECT_TRUE(auth->authenticate("Bearer " + secret, now).has_value());
  std::ofstream(file) << "";
  now.mono += std::chrono::milliseconds(10);
  EXPECT_TRUE(auth->authenticate("Bearer " + secret, now).has_value()) << "not looked at yet";
  now.mono += seconds(2);
  EXPECT_FALSE(auth->authenticate("Bearer " + secret, now).has_value());
  std::filesystem::remove(file);
  now.mono += seconds(2);
  EXPECT_FALSE(auth->authenticate("Bearer " + secret, now).has_value());
}

TEST_F(AuthTest, NamesAreUniqueAndExpiredEntriesMakeRoom) {
  issue("alice");
  const auto again = issue_token(file, "alice", Role::user, TenantId{"beta"}, std::nullopt);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  std::ofstream(file) << "[[token]]\nname='old'\nrole='user'\ntenant='a'\nsha256='"
                      << std::string(64, '0') << "'\nexpires='2001-01-01T00:00:00Z'\n";
  issue("old");
  EXPECT_EQ(read_tokens(file)->size(), 1U);
}

TEST_F(AuthTest, SeveralIssuersAtOnceLoseNothing) {
  std::vector<std::thread> issuers;
  for (int i = 0; i < 8; ++i) {
    issuers.emplace_back([this, i] { issue("user" + std::to_string(i)); });
  }
  for (std::thread& each : issuers) each.join();
  EXPECT_EQ(read_tokens(file)->size(), 8U);
}

TEST_F(AuthTest, ScopesAndEndStandInTheFileAndComeWithTheCaller) {
  const Scopes scopes = Scopes::only({Scope::jobs_read, Scope::market_read});
  const std::string secret =
      issue_token(file, "ci", Role::user, TenantId{"alpha"}, seconds(60), {}, scopes).value();
  const auto caller = open()->authenticate("Bearer " + secret, now);
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(caller->scopes, scopes);
  EXPECT_EQ(caller->expires, read_tokens(file)->front().expires);
}

TEST_F(AuthTest, ARevokedTokenIsWorthlessAndOthersStay) {
  const std::string alice = issue("alice");
  const std::string amy = issue("amy");
  const auto auth = open();
  const Caller caller = auth->authenticate("Bearer " + alice, now).value();
  EXPECT_TRUE(auth->still(caller, now));
  ASSERT_TRUE(revoke_token(file, "alice"));  // as another process would
  now.mono += seconds(1);
  EXPECT_FALSE(auth->still(caller, now));
  EXPECT_FALSE(auth->authenticate("Bearer " + alice, now).has_value());
  EXPECT_TRUE(auth->authenticate("Bearer " + amy, now).has_value());
  EXPECT_EQ(revoke_token(file, "alice").error().code, ErrorCode::not_found);
  ASSERT_TRUE(auth->revoke("amy"));
  EXPECT_FALSE(auth->authenticate("Bearer " + amy, now).has_value()) << "at once";
}

TEST_F(AuthTest, ATenantHasABoundedNumberOfTokens) {
  std::string text;
  for (std::size_t i = 0; i < tokens_of_tenant_max; ++i) {
    text += "[[token]]\nname='n" + std::to_string(i) + "'\nrole='user'\ntenant='alpha'\nsha256='" +
            hex(sha256(std::to_string(i))) + "'\n";
  }
  std::ofstream(file) << text;
  const auto more = issue_token(file, "more", Role::user, TenantId{"alpha"}, std::nullopt);
  EXPECT_EQ(more.error().code, ErrorCode::exhausted);
  EXPECT_TRUE(issue_token(file, "more", Role::user, TenantId{"beta"}, std::nullopt).has_value());
}

TEST_F(AuthTest, RefusesTokensThatMakeNoSense) {
  const auto field = [&](const char* name, Role role, const char* tenant, long ttl,
                         const char* site) {
    return issue_token(file, name, role, TenantId{tenant}, seconds(ttl), SiteId{site})
        .error()
        .field;
  };
  EXPECT_EQ(field("", Role::user, "a", 1, ""), "name");
  EXPECT_EQ(field("a\"b", Role::user, "a", 1, ""), "name");
  EXPECT_EQ(field("a\nb", Role::user, "a", 1, ""), "name");
  EXPECT_EQ(field("a", Role::user, "", 1, ""), "tenant");
  EXPECT_EQ(field("a", Role::user, "No Tenant", 1, ""), "tenant");
  EXPECT_EQ(field("a", Role::centre, "", 1, "No Site"), "site");
  EXPECT_EQ(field("a", Role::user, "a", 0, ""), "ttl");
  EXPECT_EQ(field("oidc:a", Role::user, "a", 1, ""), "name");
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(AuthTest, NamesTheEntryAndTheFieldThatAreWrong) {
  const std::string good =
      "name='n'\nrole='user'\ntenant='a'\nsha256='" + std::string(64, '0') + "'";
  const std::pair<std::string, std::string> cases[] = {
      {"x = 1", "x"},
      {"token = 1", "token"},
      {"token = [1]", "token[0]"},
      {"[[token]]\n" + good + "\n[[token]]\nname='n'", "token[1].role"},
      {"[[token]]\n" + good + "\nextra='x'", "token[0].extra"},
      {"[[token]]\n" + good + "\nexpires=5", "token[0].expires"},
      {"[[token]]\n" + good + "\nexpires='soon'", "token[0].expires"},
      {"[[token]]\n" + good + "\nsite='A B'", "token[0].site"},
      {"[[token]]\n" + good + "\nscopes='jobs:read'", "token[0].scopes"},
      {"[[token]]\n" + good + "\nscopes=[]", "token[0].scopes"},
      {"[[token]]\n" + good + "\nscopes=['jobs']", "token[0].scopes"},
      {"[[token]]\nrole='king'", "token[0].role"},
      {"[[token]]\nrole='user'\ntenant='a'", "token[0].name"},
      {"[[token]]\nrole='user'\nname='n'", "token[0].tenant"},
      {"[[token]]\nrole='auditor'\nname='n'\nsha256='ABC'", "token[0].sha256"},
      {"[[", "tokens_file"},
      {"[[[", "tokens_file"},
      {"no TOML at all", "tokens_file"},
      {std::string("\0\xff", 2), "tokens_file"},
  };
  for (const auto& [text, field] : cases) {
    const auto tokens = parse_tokens(text);
    ASSERT_FALSE(tokens.has_value()) << text;
    EXPECT_EQ(tokens.error().field, field) << text;
    EXPECT_NE(tokens.error().remedy, "") << text;
  }
  EXPECT_EQ(parse_tokens("")->size(), 0U);
  std::ofstream(file) << "[[";
  EXPECT_FALSE(Authenticator::open({file, false}).has_value());
}

TEST_F(AuthTest, NoDamageToTheFileCrashesTheReader) {
  issue("alice", seconds(1000));
  std::ifstream in(file);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const std::string characters = "[]{}=\"'\\.#\n,x0\xff";
  std::uint64_t random = 1;
  for (int round = 0; round < 3'000; ++round) {
    std::string damaged = good;
    for (int i = 0; i < 3; ++i) {
      random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
      damaged[(random >> 33) % damaged.size()] = characters[(random >> 20) % characters.size()];
    }
    const auto tokens = parse_tokens(damaged);
    if (!tokens) EXPECT_NE(tokens.error().remedy, "") << damaged;
  }
}

class OpenEndpointTest : public EndpointTest {
 protected:
  void SetUp() override {
    options_.open = true;
    EndpointTest::SetUp();
  }
};

TEST_F(OpenEndpointTest, LetsRequestsWithoutCredentialsActAsTenantDefault) {
  const RawResponse created = post("/v1/jobs", "", R"({"command":["true"]})");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(service.last_submission().tenant.value, "default");
  EXPECT_EQ(service.last_submission().principal, "anonymous");
  EXPECT_EQ(get("/v1/jobs/" + at(parsed(created), "/id"), "").status, 200);
  EXPECT_EQ(get("/v1/jobs/" + at(parsed(created), "/id"), alice).status, 404);
  EXPECT_EQ(post("/v1/invites", "", R"({"site":"x"})").status, 403);
  EXPECT_EQ(post("/v1/tokens", "", R"({"name":"x"})").status, 403) << "it would stay";
  EXPECT_EQ(get("/v1/jobs", "wrong").status, 401);
  // The header that a client with nothing configured sends: "Basic " and ":" in base64.
  EXPECT_EQ(call("GET", "/v1/jobs", "", "", "Authorization: Basic Og==\r\n").status, 200);
}

TEST_F(OpenEndpointTest, RefusesWebPagesAndForeignNames) {
  const char* job = R"({"command":["true"]})";
  EXPECT_EQ(call("POST", "/v1/jobs", "", job, "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(call("POST", "/v1/jobs", "", job, "Origin: null\r\n").status, 403);
  EXPECT_EQ(call("POST", "/v1/jobs", "", job, "Origin: http://localhost\r\n").status, 201);
  RawClient client(endpoint_->port());
  client.send(
      "GET /v1/jobs HTTP/1.1\r\nHost: evil.example:80\r\n\r\n"
      "GET /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"
      "GET /v1/jobs HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
  EXPECT_EQ(client.read().status, 403);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().status, 200);
}

TEST(StartEndpoint, RefusesToBeOpenToTheWorld) {
  FakeService service;
  EndpointOptions options;
  options.open = true;
  options.address = "0.0.0.0";
  EXPECT_EQ(start_endpoint(options, service).error().field, "open");
  options.open = false;
  EXPECT_EQ(start_endpoint(options, service).error().field, "address");
}

}  // namespace
}  // namespace tradewind::testing
