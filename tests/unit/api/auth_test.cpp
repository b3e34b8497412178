// Tokens, the file they stand in, and who may do what.
#include "broker/api/auth.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
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

// By caller: a allowed, f forbidden, h hidden.
std::string all_access(Verb verb, const TenantId* owner, Scopes scopes = {}) {
  const Caller callers[] = {
      {"u", Role::user, TenantId{"alpha"}, {}},      {"v", Role::user, TenantId{"beta"}, {}},
      {"c", Role::centre, {}, SiteId{"s"}},          {"a", Role::auditor, {}, {}},
      {"o", Role::operator_, TenantId{"gamma"}, {}}, {"p", Role::operator_, {}, {}}};
  std::string all;
  for (Caller each : callers) {
    each.scopes = scopes;
    const Access access = may(each, verb, owner);
    all += access == Access::allowed ? 'a' : access == Access::forbidden ? 'f' : 'h';
  }
  return all;
}

struct VerbRow {
  Verb verb;
  const char* of_alpha;   // user of alpha, user of beta, centre, auditor, operator, one without
  const char* of_nobody;  // a tenant
  const char* at_all;
};
const VerbRow verb_rows[] = {
    {Verb::open, "ahaaaa", "hhaaaa", "aaaaaa"},
    {Verb::submit, "ahffaf", "hhffaf", "aaffaf"},
    {Verb::read_job, "ahfaaa", "hhfaaa", "aafaaa"},
    {Verb::list_jobs, "ahfaaa", "hhfaaa", "aafaaa"},
    {Verb::cancel_job, "ahffaa", "hhffaa", "aaffaa"},
    {Verb::read_dataset, "ahfaaa", "hhfaaa", "aafaaa"},
    {Verb::change_dataset, "ahffaa", "hhffaa", "aaffaa"},
    {Verb::read_market, "ahhaaa", "hhhaaa", "aaaaaa"},
    {Verb::read_policy, "fffaaa", "fffaaa", "fffaaa"},
    {Verb::set_rates, "ffffaa", "ffffaa", "ffffaa"},
    {Verb::invite_site, "ffffaa", "ffffaa", "ffffaa"},
    {Verb::change_member, "ffffaa", "ffffaa", "ffffaa"},
    {Verb::query_log, "ahfaaa", "hhfaaa", "aafaaa"},
    {Verb::read_log, "fffaaa", "fffaaa", "fffaaa"},
    {Verb::read_metrics, "fffaaa", "fffaaa", "fffaaa"},
    {Verb::read_token, "ahfaaa", "hhfaaa", "aafaaa"},
    {Verb::issue_token, "ahffaa", "hhffaa", "aaffaa"},
    {Verb::revoke_token, "ahffaa", "hhffaa", "aaffaa"},
    {Verb::list_tenants, "fffaaa", "fffaaa", "fffaaa"},
    {Verb::read_budget, "ahfaaa", "hhfaaa", "aafaaa"},
    {Verb::set_budget, "ffffaa", "ffffaa", "ffffaa"},
};

TEST(May, GivesEachRoleWhatItIsFor) {
  const TenantId alpha{"alpha"};
  const TenantId nobody;
  std::set<Verb> seen;
  for (const VerbRow& row : verb_rows) {
    seen.insert(row.verb);
    const bool objects = row.verb != Verb::open && row.verb != Verb::read_market;
    if (objects) EXPECT_EQ(all_access(row.verb, &alpha), row.of_alpha) << int(row.verb);
    if (objects) EXPECT_EQ(all_access(row.verb, &nobody), row.of_nobody) << int(row.verb);
    EXPECT_EQ(all_access(row.verb, nullptr), row.at_all) << int(row.verb);
  }
  EXPECT_EQ(seen.size(), verbs_count) << "a verb is missing from the table";
}

TEST(May, AScopeNarrowsAndNeverWidens) {
  for (const VerbRow& row : verb_rows) {
    for (std::size_t i = 0; i < scopes_count; ++i) {
      const auto scope = static_cast<Scope>(i);
      const bool fits = !scope_of(row.verb) || scope_of(row.verb) == scope;
      EXPECT_EQ(all_access(row.verb, nullptr, Scopes::only({scope})), fits ? row.at_all : "ffffff")
          << int(row.verb) << " " << to_string(scope);
    }
  }
}

TEST(May, EveryScopeHasANameThatReadsBack) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < scopes_count; ++i) {
    const auto scope = static_cast<Scope>(i);
    names.insert(to_string(scope));
    EXPECT_EQ(parse_scope("scope", to_string(scope)).value(), scope);
  }
  EXPECT_EQ(names.size(), scopes_count);
  EXPECT_NE(parse_scope("scope", "jobs").error().remedy.find("jobs:read"), std::string::npos);
}

// Every route, with every kind of caller, on a job of tenant alpha. What a table row does not name
// is 401 without credentials.
class AuthMatrixTest : public EndpointTest {
 protected:
  struct Row {
    const char* method;
    const char* target;  // J, A, D, T: a job, an array, a data set, a token of alpha
    const char* scope;   // that it needs
    const char* body;    // N: a new name
    int anonymous, owner, other_tenant, centre, auditor, operator_;
  };
  static constexpr const char* job = R"({"command":["true"]})";
  static constexpr const char* task = R"({"executors":[{"image":"i","command":["true"]}]})";
  static const std::vector<Row>& rows() {
    static const std::vector<Row> all = {
        {"GET", "/openapi.json", "", "", 200, 200, 200, 200, 200, 200},
        {"GET", "/healthz", "", "", 200, 200, 200, 200, 200, 200},
        {"GET", "/readyz", "", "", 200, 200, 200, 200, 200, 200},
        {"GET", "/metrics", "metrics:read", "", 401, 403, 403, 403, 200, 200},
        {"POST", "/v1/jobs", "jobs:write", job, 401, 201, 201, 403, 403, 201},
        {"GET", "/v1/jobs", "jobs:read", "", 401, 200, 200, 403, 200, 200},
        {"GET", "/v1/jobs/J", "jobs:read", "", 401, 200, 404, 403, 200, 200},
        {"GET", "/v1/jobs/J/attempts", "jobs:read", "", 401, 200, 404, 403, 200, 200},
        {"GET", "/v1/decisions", "jobs:read", "", 401, 200, 200, 403, 200, 200},
        {"GET", "/v1/jobs/J/decision", "jobs:read", "", 401, 200, 404, 403, 200, 200},
        {"GET", "/v1/jobs/J/logs", "jobs:read", "", 401, 200, 404, 403, 200, 200},
        {"GET", "/v1/arrays/A", "jobs:read", "", 401, 200, 404, 403, 200, 200},
        {"POST", "/v1/quotes", "jobs:write", job, 401, 200, 200, 403, 403, 200},
        {"GET", "/v1/datasets", "datasets:read", "", 401, 200, 200, 403, 200, 200},
        {"PUT", "/v1/datasets/D", "datasets:write", R"({"url":"file:///d"})", 401, 200, 409, 403,
         403, 200},
        {"GET", "/v1/datasets/D", "datasets:read", "", 401, 200, 404, 403, 200, 200},
        {"DELETE", "/v1/datasets/D", "datasets:write", "", 401, 200, 404, 403, 403, 200},
        {"GET", "/v1/sites", "market:read", "", 401, 200, 200, 200, 200, 200},
        {"GET", "/v1/sites/alpha-1", "market:read", "", 401, 200, 200, 200, 200, 200},
        {"GET", "/v1/offers", "market:read", "", 401, 200, 200, 200, 200, 200},
        {"GET", "/v1/market", "market:read", "", 401, 200, 200, 200, 200, 200},
        {"GET", "/v1/market/history", "market:read", "", 401, 200, 200, 200, 200, 200},
        {"GET", "/v1/rates", "market:read", "", 401, 200, 200, 200, 200, 200},
        {"PUT", "/v1/rates", "market:write", R"({"rates":{"EUR":"1.08"}})", 401, 403, 403, 403, 403,
         200},
        {"POST", "/v1/invites", "members:write", R"({"site":"new-1"})", 401, 403, 403, 403, 403,
         201},
        {"POST", "/v1/members/site/alpha-1/state", "members:write", R"({"state":"suspended"})", 401,
         403, 403, 403, 403, 200},
        {"POST", "/v1/members/site/alpha-1/recovery", "members:write", "{}", 401, 403, 403, 403,
         403, 200},
        {"POST", "/v1/join", "", "{}", 400, 400, 400, 400, 400, 400},
        {"GET", "/v1/trust", "", "", 200, 200, 200, 200, 200, 200},
        {"POST", "/v1/renewals/challenge", "", "{}", 400, 400, 400, 400, 400, 400},
        {"POST", "/v1/renewals", "", "{}", 400, 400, 400, 400, 400, 400},
        {"POST", "/v1/jobs/J:cancel", "jobs:write", "", 401, 200, 404, 403, 403, 200},
        {"POST", "/v1/jobs:cancel?state=queued", "jobs:write", "", 401, 200, 200, 403, 403, 200},
        {"DELETE", "/v1/jobs/J", "jobs:write", "", 401, 200, 404, 403, 403, 200},
        {"POST", "/v1/arrays/A:cancel", "jobs:write", "", 401, 200, 404, 403, 403, 200},
        {"GET", "/v1/budgets", "budgets:read", "", 401, 200, 200, 403, 200, 200},
        {"PUT", "/v1/budgets/alpha", "budgets:write", R"({"limit":"500"})", 401, 403, 403, 403, 403,
         200},
        {"GET", "/v1/budgets/alpha", "budgets:read", "", 401, 200, 404, 403, 200, 200},
        {"DELETE", "/v1/budgets/alpha", "budgets:write", "", 401, 403, 403, 403, 403, 200},
        {"GET", "/v1/tenants", "tenants:read", "", 401, 403, 403, 403, 200, 200},
        {"GET", "/v1/tokens", "tokens:read", "", 401, 200, 200, 403, 200, 200},
        {"POST", "/v1/tokens", "tokens:write", R"({"name":"N"})", 401, 201, 201, 403, 403, 201},
        {"DELETE", "/v1/tokens/T", "tokens:write", "", 401, 200, 404, 403, 403, 200},
        // No log is published here: who may ask learns that.
        {"GET", "/log/checkpoint", "", "", 404, 404, 404, 404, 404, 404},
        {"GET", "/log/key", "", "", 404, 404, 404, 404, 404, 404},
        {"GET", "/log/tile/0/000", "", "", 404, 404, 404, 404, 404, 404},
        {"GET", "/log/tile/entries/000", "log:read", "", 401, 403, 403, 403, 404, 404},
        {"OPTIONS", "/log/checkpoint", "", "", 200, 200, 200, 200, 200, 200},
        {"GET", "/v1/events", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/status", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/range", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/entries", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/entries/0", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/proofs/0", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/openings/0", "log:read", "", 401, 503, 503, 403, 503, 503},
        {"GET", "/v1/audit/data/00", "log:read", "", 401, 403, 403, 403, 503, 503},
        {"GET", "/P/service-info", "", "", 200, 200, 200, 200, 200, 200},
        {"POST", "/P/tasks", "jobs:write", task, 401, 200, 200, 403, 403, 200},
        {"GET", "/P/tasks", "jobs:read", "", 401, 200, 200, 403, 200, 200},
        {"GET", "/P/tasks/J", "jobs:read", "", 401, 200, 404, 403, 200, 200},
        {"POST", "/P/tasks/J:cancel", "jobs:write", "", 401, 200, 404, 403, 403, 200},
    };
    return all;
  }
  static std::vector<std::string> targets(const Row& row) {
    const std::string pattern = row.target;
    if (!pattern.starts_with("/P/")) return {pattern};
    return {"/ga4gh/tes/v1" + pattern.substr(2), "/v1" + pattern.substr(2), pattern.substr(2)};
  }
  void SetUp() override {
    EndpointTest::SetUp();
    service.set_market(sample_market());
    service.set_quoted(sample_decision());
  }

  // Asks for it with things of its own, so that an earlier change does not blur a later one.
  RawResponse ask(const Row& row, std::string target, std::string_view token) {
    const auto put = [](std::string& text, const char* what, const std::string& name) {
      const auto at = text.find(what);
      if (at != std::string::npos) text.replace(at + 1, 1, name);
    };
    const JobId id = submit(alice, job);
    service.change(id, [](JobRecord& record) {
      AttemptRecord attempt;
      attempt.number = 1;
      attempt.state = AttemptState::running;
      attempt.decision = sample_decision();
      record.attempts = {attempt};
      record.state = JobState::running;
    });
    put(target, "/J", id.value);
    if (target.find("/A") != std::string::npos) {
      put(target, "/A", submit(alice, R"({"command":["true"],"array":{"count":3}})").value);
    }
    if (target.find("/D") != std::string::npos) {
      put(target, "/D", "d");
      call("PUT", target, alice, R"({"url":"file:///d"})");
    }
    if (target.starts_with("/v1/budgets/")) {
      EXPECT_LT(call("PUT", target, operator_, R"({"limit":"500"})").status, 300);
    }
    const std::string name = "t" + std::to_string(++names_);
    if (target.find("/T") != std::string::npos) {
      put(target, "/T", name);
      EXPECT_EQ(post("/v1/tokens", alice, R"({"name":")" + name + "\"}").status, 201);
    }
    std::string body = row.body;
    put(body, "\"N", name);
    return call(row.method, target, token, body);
  }

  int names_ = 0;
};

TEST_F(AuthMatrixTest, EveryRouteWithEveryRoleAndTwoTenants) {
  std::set<std::string> covered;
  for (const Row& row : rows()) {
    for (const std::string& target : targets(row)) {
      const std::pair<std::string, int> callers[] = {
          {"", row.anonymous},    {bob, row.other_tenant},    {centre, row.centre},
          {auditor, row.auditor}, {operator_, row.operator_}, {amy, row.owner}};
      for (const auto& [token, expected] : callers) {
        const RawResponse response = ask(row, target, token);
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

// An operator may do everything, so that what is refused here is refused for the scope.
TEST_F(AuthMatrixTest, EveryRouteWithEveryScope) {
  std::map<std::string, std::string> tokens;
  for (std::size_t i = 0; i < scopes_count; ++i) {
    const auto scope = static_cast<Scope>(i);
    const std::string name(to_string(scope));
    tokens[name] = issue_token(options_.tokens_file, name, Role::operator_, TenantId{"gamma"},
                               std::nullopt, {}, Scopes::only({scope}))
                       .value();
  }
  endpoint_->stop();
  start();
  for (const Row& row : rows()) {
    const std::string target = targets(row).front();
    const std::string scope = row.scope;
    if (scope.empty()) continue;
    const std::string another = scope == "metrics:read" ? "log:read" : "metrics:read";
    EXPECT_EQ(ask(row, target, tokens[scope]).status, row.operator_) << row.method << target;
    EXPECT_EQ(ask(row, target, tokens[another]).status, 403) << row.method << target;
  }
}

TEST_F(AuthMatrixTest, ListsHaveWhatIsOnesOwnAlone) {
  const JobId id = submit(alice, job);
  const JobId array = submit(alice, R"({"command":["true"],"array":{"count":2}})");
  call("PUT", "/v1/datasets/secret", alice, R"({"url":"file:///d"})");
  for (const std::string& target :
       {std::string("/v1/jobs"), std::string("/v1/jobs?tenant=alpha"),
        "/v1/jobs?array=" + array.value, std::string("/v1/datasets"), std::string("/v1/tokens"),
        std::string("/tasks?view=FULL"), std::string("/ga4gh/tes/v1/tasks"),
        std::string("/v1/tasks?view=BASIC")}) {
    const RawResponse others = get(target, bob);
    EXPECT_EQ(others.status, 200) << target;
    for (const std::string& word : {id.value, array.value, std::string("secret"),
                                    std::string("alpha"), std::string("alice")}) {
      EXPECT_EQ(others.body.find(word), std::string::npos) << target << " " << word;
    }
    EXPECT_GT(get(target, amy).body.size(), others.body.size()) << target;
  }
}

TEST_F(AuthMatrixTest, TenantsAreToldWithTheirLiveJobs) {
  const JobId ended = submit(alice, job);
  submit(amy, R"({"command":["true"],"array":{"count":2}})");
  submit(bob, job);
  post("/v1/jobs/" + ended.value + ":cancel", alice);
  EXPECT_EQ(at(parsed(get("/v1/tenants", auditor)), "/tenants"),
            R"([{"tenant":"alpha","jobs_live":2},{"tenant":"beta","jobs_live":1}])");
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
