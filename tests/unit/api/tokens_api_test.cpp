// Built-in tokens over the API.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

class TokensApiTest : public EndpointTest {
 protected:
  std::string issue(std::string_view token, std::string_view document) {
    const RawResponse response = post("/v1/tokens", token, document);
    EXPECT_EQ(response.status, 201) << response.body;
    return at(parsed(response), "/token");
  }
  std::string field_refused(std::string_view token, std::string_view document, int status) {
    const RawResponse response = post("/v1/tokens", token, document);
    EXPECT_EQ(response.status, status) << document << response.body;
    return at(parsed(response), "/field");
  }
};

TEST_F(TokensApiTest, AnIssuedTokenWorksAtOnceAndARevokedOneNoMore) {
  const std::string secret =
      issue(operator_, R"({"name":"dora","tenant":"delta","ttl_seconds":600})");
  EXPECT_EQ(post("/v1/jobs", secret, R"({"command":["true"]})").status, 201);
  EXPECT_EQ(service.last_submission().tenant.value, "delta");
  EXPECT_EQ(service.last_submission().principal, "dora");
  EXPECT_EQ(call("DELETE", "/v1/tokens/dora", operator_).status, 200);
  EXPECT_EQ(post("/v1/jobs", secret, R"({"command":["true"]})").status, 401);
  EXPECT_EQ(call("DELETE", "/v1/tokens/dora", operator_).status, 404);
}

TEST_F(TokensApiTest, TheListTellsAllButTheSecrets) {
  const std::string secret =
      issue(operator_, R"({"name":"ci","tenant":"alpha","scopes":["jobs:read","jobs:write"]})");
  const RawResponse all = get("/v1/tokens?limit=2", operator_);
  const json::value page = parsed(all);
  EXPECT_EQ(at(page, "/tokens/0/name"), "alice");
  EXPECT_EQ(at(page, "/tokens/0/role"), "user");
  EXPECT_EQ(at(page, "/tokens/0/tenant"), "alpha");
  EXPECT_EQ(at(page, "/tokens/0/scopes"), "(absent)");
  const json::value rest = parsed(get("/v1/tokens?cursor=" + at(page, "/next_cursor"), operator_));
  EXPECT_EQ(rest.at("tokens").as_array().size(), 5U);
  const json::value own = parsed(get("/v1/tokens", amy));
  EXPECT_EQ(own.at("tokens").as_array().size(), 3U);
  EXPECT_EQ(at(own, "/tokens/2/scopes"), R"(["jobs:read","jobs:write"])");
  for (const std::string& hidden : {secret, alice, operator_, std::string("sha256")}) {
    EXPECT_EQ(all.body.find(hidden), std::string::npos);
  }
}

TEST_F(TokensApiTest, NobodyMakesATokenThatMayMoreThanItself) {
  EXPECT_EQ(post("/v1/tokens", alice, R"({"name":"x","role":"operator"})").status, 403);
  EXPECT_EQ(post("/v1/tokens", alice, R"({"name":"x","role":"auditor"})").status, 403);
  EXPECT_EQ(post("/v1/tokens", alice, R"({"name":"x","tenant":"beta"})").status, 403);
  const std::string narrow =
      issue(alice, R"({"name":"narrow","scopes":["tokens:write","jobs:read"],"ttl_seconds":100})");
  EXPECT_EQ(field_refused(narrow, R"({"name":"x","scopes":["jobs:write"]})", 403), "scopes");
  EXPECT_EQ(field_refused(narrow, R"({"name":"x","ttl_seconds":200})", 403), "ttl_seconds");
  const json::value heir = parsed(post("/v1/tokens", narrow, R"({"name":"heir"})"));
  EXPECT_EQ(at(heir, "/scopes"), R"(["jobs:read","tokens:write"])");
  EXPECT_NE(at(heir, "/expires"), "(absent)");
  EXPECT_EQ(post("/v1/jobs", at(heir, "/token"), R"({"command":["true"]})").status, 403);
  EXPECT_EQ(get("/v1/jobs", at(heir, "/token")).status, 200);
}

TEST_F(TokensApiTest, AUserRevokesTokensOfItsTenantAndNoOther) {
  EXPECT_EQ(call("DELETE", "/v1/tokens/bob", alice).status, 404);
  EXPECT_EQ(call("DELETE", "/v1/tokens/operator", alice).status, 404);
  // Of the operator's tenant, but not of the tenant: it may more than a user.
  const std::string gamma = issue(operator_, R"({"name":"gil","tenant":"gamma"})");
  EXPECT_EQ(call("DELETE", "/v1/tokens/operator", gamma).status, 404);
  EXPECT_EQ(call("DELETE", "/v1/tokens/amy", alice).status, 200);
  EXPECT_EQ(get("/v1/jobs", amy).status, 401);
}

TEST_F(TokensApiTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(field_refused(operator_, "{}", 400), "name");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a b"})", 400), "name");
  EXPECT_EQ(field_refused(operator_, R"({"name":"oidc:a"})", 400), "name");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a","role":"king"})", 400), "role");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a","tenant":"A B"})", 400), "tenant");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a","scopes":["x"]})", 400), "scopes");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a","scopes":[]})", 400), "scopes");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a","ttl_seconds":0})", 400), "ttl_seconds");
  EXPECT_EQ(field_refused(operator_, R"({"name":"a","colour":"red"})", 400), "colour");
  EXPECT_EQ(field_refused(operator_, R"({"name":"alice","tenant":"alpha"})", 409), "name");
}

TEST_F(TokensApiTest, NamesAreUnescaped) {
  issue(operator_, R"({"name":"ci%2Fa","tenant":"alpha"})");
  EXPECT_EQ(call("DELETE", "/v1/tokens/ci%252Fa", operator_).status, 200);
}

TEST_F(TokensApiTest, ATenantThatChangesTokensAllTheTimeKeepsNobodyElseFromIt) {
  int refused = 0;
  for (int i = 0; i < 100 && refused == 0; ++i) {
    if (post("/v1/tokens", alice, R"({"name":"alice"})").status == 429) ++refused;
  }
  EXPECT_EQ(refused, 1);
  issue(bob, R"({"name":"bobs"})");
  EXPECT_EQ(call("DELETE", "/v1/tokens/bobs", operator_).status, 200);
}

TEST_F(TokensApiTest, ARevokedTokenEndsWhatGoesOnWithIt) {
  const std::string secret = issue(operator_, R"({"name":"fay","tenant":"alpha"})");
  const JobId id = submit(secret, R"({"command":["true"]})");
  service.change(id, [](JobRecord& record) {
    AttemptRecord attempt;
    attempt.number = 1;
    attempt.state = AttemptState::running;
    record.attempts = {attempt};
    record.state = JobState::running;
  });
  service.append_log(AttemptId{id, 1}, LogStream::out, "before\n", false);
  RawClient client(endpoint_->port());
  client.send(request_text("GET", "/v1/jobs/" + id.value + "/logs?follow=true", "",
                           "Authorization: Bearer " + secret + "\r\n"));
  std::string seen;
  while (seen.find("before") == std::string::npos) {
    const std::string more = client.read_some();
    ASSERT_NE(more, "") << seen;
    seen += more;
  }
  EXPECT_EQ(call("DELETE", "/v1/tokens/fay", operator_).status, 200);
  service.append_log(AttemptId{id, 1}, LogStream::out, "after\n", false);
  for (std::string more; !(more = client.read_some()).empty();) seen += more;
  EXPECT_TRUE(client.sees_close()) << "it goes on";
  EXPECT_EQ(seen.find("\r\n0\r\n"), std::string::npos) << "cut short, not ended";
}

}  // namespace
}  // namespace tradewind::testing
