// Tokens, the file they stand in, and who may do what.
#include "broker/api/auth.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <thread>

#include "broker/api/api.h"
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
    EXPECT_EQ(*caller, (Caller{"anonymous", Role::user, TenantId{"default"}, {}}));
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

TEST(May, GivesEachRoleWhatItIsFor) {
  const TenantId own{"alpha"};
  const TenantId other{"beta"};
  const Caller user{"u", Role::user, own, {}};
  const Caller centre{"c", Role::centre, {}, SiteId{"s"}};
  const Caller auditor{"a", Role::auditor, {}, {}};
  const Caller boss{"o", Role::operator_, own, {}};
  const Caller boss_without_tenant{"o", Role::operator_, {}, {}};
  EXPECT_EQ(may(user, Verb::read_job, &own), Access::allowed);
  EXPECT_EQ(may(user, Verb::read_job, &other), Access::hidden);
  EXPECT_EQ(may(user, Verb::cancel_job, &other), Access::hidden);
  EXPECT_EQ(may(user, Verb::invite_site), Access::forbidden);
  EXPECT_EQ(may(user, Verb::read_metrics), Access::forbidden);
  EXPECT_EQ(may(centre, Verb::read_market), Access::allowed);
  EXPECT_EQ(may(centre, Verb::read_job, &own), Access::forbidden);
  EXPECT_EQ(may(centre, Verb::submit), Access::forbidden);
  EXPECT_EQ(may(auditor, Verb::read_job, &other), Access::allowed);
  EXPECT_EQ(may(auditor, Verb::cancel_job, &other), Access::forbidden);
  EXPECT_EQ(may(auditor, Verb::submit), Access::forbidden);
  EXPECT_EQ(may(auditor, Verb::change_member), Access::forbidden);
  EXPECT_EQ(may(boss, Verb::cancel_job, &other), Access::allowed);
  EXPECT_EQ(may(boss, Verb::change_member), Access::allowed);
  EXPECT_EQ(may(boss, Verb::set_rates), Access::allowed);
  EXPECT_EQ(may(auditor, Verb::set_rates), Access::forbidden);
  EXPECT_EQ(may(user, Verb::set_rates), Access::forbidden);
  EXPECT_EQ(may(boss_without_tenant, Verb::submit), Access::forbidden);
}

// Every route, with every kind of caller, on a job of tenant alpha. What a table row does not name
// is 401 without credentials.
class AuthMatrixTest : public EndpointTest {};

TEST_F(AuthMatrixTest, EveryRouteWithEveryRoleAndTwoTenants) {
  service.set_market(sample_market());
  service.set_quoted(sample_decision());
  struct Row {
    const char* method;
    const char* target;  // J, A, D: a job, an array, a data set of alpha
    const char* body;
    int anonymous, owner, other_tenant, centre, auditor, operator_;
  };
  const char* job = R"({"command":["true"]})";
  const char* task = R"({"executors":[{"image":"i","command":["true"]}]})";
  const Row rows[] = {
      {"GET", "/openapi.json", "", 200, 200, 200, 200, 200, 200},
      {"GET", "/healthz", "", 200, 200, 200, 200, 200, 200},
      {"GET", "/readyz", "", 200, 200, 200, 200, 200, 200},
      {"GET", "/metrics", "", 401, 403, 403, 403, 200, 200},
      {"POST", "/v1/jobs", job, 401, 201, 201, 403, 403, 201},
      {"GET", "/v1/jobs", "", 401, 200, 200, 403, 200, 200},
      {"GET", "/v1/jobs/J", "", 401, 200, 404, 403, 200, 200},
      {"GET", "/v1/jobs/J/attempts", "", 401, 200, 404, 403, 200, 200},
      {"GET", "/v1/decisions", "", 401, 200, 200, 403, 200, 200},
      {"GET", "/v1/jobs/J/decision", "", 401, 200, 404, 403, 200, 200},
      {"GET", "/v1/jobs/J/logs", "", 401, 200, 404, 403, 200, 200},
      {"GET", "/v1/arrays/A", "", 401, 200, 404, 403, 200, 200},
      {"POST", "/v1/quotes", job, 401, 200, 200, 403, 403, 200},
      {"GET", "/v1/datasets", "", 401, 200, 200, 403, 200, 200},
      {"PUT", "/v1/datasets/D", R"({"url":"file:///d"})", 401, 200, 409, 403, 403, 200},
      {"GET", "/v1/datasets/D", "", 401, 200, 404, 403, 200, 200},
      {"DELETE", "/v1/datasets/D", "", 401, 200, 404, 403, 403, 200},
      {"GET", "/v1/sites", "", 401, 200, 200, 200, 200, 200},
      {"GET", "/v1/sites/alpha-1", "", 401, 200, 200, 200, 200, 200},
      {"GET", "/v1/offers", "", 401, 200, 200, 200, 200, 200},
      {"GET", "/v1/market", "", 401, 200, 200, 200, 200, 200},
      {"GET", "/v1/market/history", "", 401, 200, 200, 200, 200, 200},
      {"GET", "/v1/rates", "", 401, 200, 200, 200, 200, 200},
      {"PUT", "/v1/rates", R"({"rates":{"EUR":"1.08"}})", 401, 403, 403, 403, 403, 200},
      {"POST", "/v1/invites", R"({"site":"new-1"})", 401, 403, 403, 403, 403, 201},
      {"POST", "/v1/members/site/alpha-1/state", R"({"state":"suspended"})", 401, 403, 403, 403,
       403, 200},
      {"POST", "/v1/members/site/alpha-1/recovery", "{}", 401, 403, 403, 403, 403, 200},
      {"POST", "/v1/join", "{}", 400, 400, 400, 400, 400, 400},
      {"GET", "/v1/trust", "", 200, 200, 200, 200, 200, 200},
      {"POST", "/v1/renewals/challenge", "{}", 400, 400, 400, 400, 400, 400},
      {"POST", "/v1/renewals", "{}", 400, 400, 400, 400, 400, 400},
      {"POST", "/v1/jobs/J:cancel", "", 401, 200, 404, 403, 403, 200},
      {"POST", "/v1/jobs:cancel?state=queued", "", 401, 200, 200, 403, 403, 200},
      {"DELETE", "/v1/jobs/J", "", 401, 200, 404, 403, 403, 200},
      {"POST", "/v1/arrays/A:cancel", "", 401, 200, 404, 403, 403, 200},
      // No log is published here: who may ask learns that.
      {"GET", "/log/checkpoint", "", 404, 404, 404, 404, 404, 404},
      {"GET", "/log/key", "", 404, 404, 404, 404, 404, 404},
      {"GET", "/log/tile/0/000", "", 404, 404, 404, 404, 404, 404},
      {"GET", "/log/tile/entries/000", "", 401, 403, 403, 403, 404, 404},
      {"OPTIONS", "/log/checkpoint", "", 200, 200, 200, 200, 200, 200},
      {"GET", "/v1/events", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/status", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/range", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/entries", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/entries/0", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/proofs/0", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/openings/0", "", 401, 503, 503, 403, 503, 503},
      {"GET", "/v1/audit/data/00", "", 401, 403, 403, 403, 503, 503},
      {"GET", "/P/service-info", "", 200, 200, 200, 200, 200, 200},
      {"POST", "/P/tasks", task, 401, 200, 200, 403, 403, 200},
      {"GET", "/P/tasks", "", 401, 200, 200, 403, 200, 200},
      {"GET", "/P/tasks/J", "", 401, 200, 404, 403, 200, 200},
      {"POST", "/P/tasks/J:cancel", "", 401, 200, 404, 403, 403, 200},
  };
  std::set<std::string> covered;
  for (const Row& row : rows) {
    const std::string pattern = row.target;
    std::vector<std::string> targets = {pattern};
    if (pattern.starts_with("/P/")) {
      targets = {"/ga4gh/tes/v1" + pattern.substr(2), "/v1" + pattern.substr(2), pattern.substr(2)};
    }
    for (std::string target : targets) {
      const std::pair<std::string, int> callers[] = {
          {"", row.anonymous},    {bob, row.other_tenant},    {centre, row.centre},
          {auditor, row.auditor}, {operator_, row.operator_}, {amy, row.owner}};
      for (const auto& [token, expected] : callers) {
        // A job of its own for each, so that an earlier cancel does not blur a later one.
        const JobId id = submit(alice, job);
        const JobId array = submit(alice, R"({"command":["true"],"array":{"count":3}})");
        service.change(id, [](JobRecord& record) {
          AttemptRecord attempt;
          attempt.number = 1;
          attempt.state = AttemptState::running;
          attempt.decision = sample_decision();
          record.attempts = {attempt};
          record.state = JobState::running;
        });
        std::string actual = target;
        if (const auto at = actual.find("/J"); at != std::string::npos) {
          actual.replace(at + 1, 1, id.value);
        }
        if (const auto at = actual.find("/A"); at != std::string::npos) {
          actual.replace(at + 1, 1, array.value);
        }
        if (const auto at = actual.find("/D"); at != std::string::npos) {
          actual.replace(at + 1, 1, "d");
          call("PUT", actual, alice, R"({"url":"file:///d"})");
        }
        const RawResponse response = call(row.method, actual, token, row.body);
        EXPECT_EQ(response.status, expected) << row.method << " " << target << " token "
                                             << token.substr(0, 6) << ": " << response.body;
        if (response.status == 401) EXPECT_TRUE(response.headers.contains("www-authenticate"));
        if (response.status == 404) EXPECT_EQ(response.body.find("alpha"), std::string::npos);
      }
      covered.insert(std::string(row.method) + " " + target);
    }
  }
  const auto api = std::make_shared<Api>(EndpointOptions{}, service, nullptr, nullptr, nullptr);
  EXPECT_EQ(covered.size(), api->routes().size()) << "a route is missing from the table";
}

TEST_F(AuthMatrixTest, AForeignJobAndNoJobLookTheSame) {
  const JobId id = submit(alice, R"({"command":["true"]})");
  const RawResponse foreign = get("/v1/jobs/" + id.value, bob);
  const RawResponse none = get("/v1/jobs/j000000000zzzz", bob);
  EXPECT_EQ(foreign.status, 404);
  std::string expected = none.body;
  expected.replace(expected.find("j000000000zzzz"), 14, id.value);
  EXPECT_EQ(foreign.body, expected);
  EXPECT_EQ(parsed(get("/v1/jobs", bob)).at("jobs").as_array().size(), 0U);
  EXPECT_EQ(parsed(get("/v1/jobs?tenant=alpha", bob)).at("jobs").as_array().size(), 0U);
  EXPECT_EQ(parsed(get("/v1/jobs?tenant=alpha", auditor)).at("jobs").as_array().size(), 1U);
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
