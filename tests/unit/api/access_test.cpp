// Who may do what: by role and scope, and at every route.
#include "broker/api/access.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "broker/api/api.h"
#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

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

}  // namespace
}  // namespace tradewind::testing
