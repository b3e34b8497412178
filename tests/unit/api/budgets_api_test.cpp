// Budgets over real sockets, in front of a broker in memory.
#include <gtest/gtest.h>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

class BudgetsApiTest : public EndpointTest {
 protected:
  RawResponse put(std::string_view tenant, std::string_view body) {
    return call("PUT", "/v1/budgets/" + std::string(tenant), operator_, body);
  }
};

TEST_F(BudgetsApiTest, AnOperatorSetsChangesAndRemovesOne) {
  const RawResponse made = put("alpha", R"({"limit":"500.25"})");
  EXPECT_EQ(made.status, 201) << made.body;
  const json::value shown = parsed(get("/v1/budgets/alpha", operator_));
  EXPECT_EQ(at(shown, "/tenant"), "alpha");
  EXPECT_EQ(at(shown, "/limit"), "500.25");
  EXPECT_EQ(at(shown, "/period"), "month");
  EXPECT_EQ(at(shown, "/spent"), "0");
  EXPECT_EQ(at(shown, "/held"), "0");
  EXPECT_EQ(at(shown, "/jobs_waiting"), "3");
  EXPECT_NE(at(shown, "/ends"), "(absent)");
  EXPECT_EQ(put("alpha", R"({"limit":7,"period":"none"})").status, 200);
  const json::value changed = parsed(get("/v1/budgets/alpha", operator_));
  EXPECT_EQ(at(changed, "/limit"), "7");
  EXPECT_EQ(at(changed, "/ends"), "(absent)");
  EXPECT_EQ(call("DELETE", "/v1/budgets/alpha", operator_).status, 200);
  EXPECT_EQ(get("/v1/budgets/alpha", operator_).status, 404);
  EXPECT_EQ(call("DELETE", "/v1/budgets/alpha", operator_).status, 404);
}

TEST_F(BudgetsApiTest, AChangeThatRestsOnAnotherIsRefused) {
  EXPECT_EQ(put("alpha", R"({"limit":"5","replaces":0})").status, 201);
  EXPECT_EQ(put("alpha", R"({"limit":"6","replaces":0})").status, 409);
  const std::string version = at(parsed(get("/v1/budgets/alpha", operator_)), "/version");
  EXPECT_EQ(put("alpha", R"({"limit":"6","replaces":)" + version + "}").status, 200);
}

TEST_F(BudgetsApiTest, ATenantSeesItsOwnAndAuditorsSeeAll) {
  put("alpha", R"({"limit":"5"})");
  put("beta", R"({"limit":"6"})");
  EXPECT_EQ(get("/v1/budgets/alpha", alice).status, 200);
  const RawResponse foreign = get("/v1/budgets/beta", alice);
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, get("/v1/budgets/nobody", alice).body);
  EXPECT_EQ(at(parsed(get("/v1/budgets", alice)), "/budgets/0/tenant"), "alpha");
  EXPECT_EQ(at(parsed(get("/v1/budgets", alice)), "/budgets/1"), "(absent)");
  EXPECT_EQ(at(parsed(get("/v1/budgets", auditor)), "/budgets/1/tenant"), "beta");
}

TEST_F(BudgetsApiTest, ListsArePagesInOrderOfTenant) {
  for (const char* each : {"c", "a", "b"}) put(each, R"({"limit":"1"})");
  const json::value first = parsed(get("/v1/budgets?limit=2", operator_));
  EXPECT_EQ(at(first, "/budgets/0/tenant"), "a");
  EXPECT_EQ(at(first, "/next_cursor"), "b");
  const json::value second = parsed(get("/v1/budgets?limit=2&cursor=b", operator_));
  EXPECT_EQ(at(second, "/budgets/0/tenant"), "c");
  EXPECT_EQ(at(second, "/next_cursor"), "(absent)");
  EXPECT_EQ(get("/v1/budgets?cursor=%2F", operator_).status, 400);
}

TEST_F(BudgetsApiTest, WhatIsWrongIsNamedWithARemedy) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "limit"},
      {R"({"limit":"-1"})", "limit"},
      {R"({"limit":"1.0000001"})", "limit"},
      {R"({"limit":"1","period":"week"})", "period"},
      {R"({"limit":"1","replaces":-1})", "replaces"},
      {R"({"limit":"1","spent":"0"})", "spent"},
  };
  for (const auto& [body, field] : cases) {
    const RawResponse refused = put("alpha", body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_EQ(at(parsed(refused), "/field"), field) << body;
    EXPECT_NE(at(parsed(refused), "/remedy"), "(absent)") << body;
  }
  EXPECT_EQ(put("No-Name", R"({"limit":"1"})").status, 400);
}

TEST_F(BudgetsApiTest, AJobThatWaitsForItSaysSoWithTheFigures) {
  const JobId id = submit(alice, R"({"command":["true"]})");
  Decision decision = sample_decision();
  decision.outcome = Outcome::waiting;
  service.set_waiting(id, decision,
                      BudgetMiss{{Money{500'000'000}, BudgetPeriod::month, 1},
                                 Money{480'000'000},
                                 Money{10'000'000},
                                 Money{12'500'000}});
  for (const std::string& target : {"/v1/jobs/" + id.value, "/v1/jobs/" + id.value + "/decision"}) {
    const json::value shown = parsed(get(target, alice));
    const std::string path = target.ends_with("decision") ? "" : "/waiting";
    EXPECT_EQ(at(shown, path + "/reason"), "tenant_budget");
    EXPECT_EQ(at(shown, path + "/outcome"), "waiting");
    EXPECT_EQ(at(shown, path + "/budget/limit"), "500000000");
    EXPECT_EQ(at(shown, path + "/budget/spent"), "480000000");
    EXPECT_EQ(at(shown, path + "/budget/held"), "10000000");
    EXPECT_EQ(at(shown, path + "/budget/needed"), "12500000");
    EXPECT_NE(at(shown, path + "/summary").find("would take it, but it needs 12.5 USD"),
              std::string::npos);
  }
  EXPECT_NE(get("/tasks/" + id.value + "?view=FULL", alice).body.find("it needs 12.5 USD"),
            std::string::npos);
}

}  // namespace
}  // namespace tradewind::testing
