// Invites, joins, renewals and member states by the native API.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "state/identity/encoding.h"
#include "tests/unit/api/native_fixture.h"

namespace tradewind::testing {
namespace {

TEST_F(NativeApiTest, InvitesAndMemberStatesReachTheBroker) {
  const RawResponse invite =
      post("/v1/invites", operator_, R"({"site":"new-1","units_max":7,"ttl_seconds":60})");
  EXPECT_EQ(invite.status, 201);
  EXPECT_EQ(at(parsed(invite), "/token"), "secret.hash");
  EXPECT_EQ(service.calls().back(), "invite new-1 7 60");
  EXPECT_EQ(post("/v1/members/site/alpha-1/state", operator_, R"({"state":"revoked"})").status,
            200);
  EXPECT_EQ(service.calls().back(), "state site/alpha-1 revoked by operator");
  EXPECT_EQ(post("/v1/members/site%2Falpha-1/state", operator_, R"({"state":"active"})").status,
            200);
  EXPECT_EQ(service.calls().back(), "state site/alpha-1 active by operator");
  const std::tuple<const char*, const char*, const char*> wrong[] = {
      {"/v1/invites", "{}", "site"},
      {"/v1/invites", R"({"site":"Bad Name"})", "site"},
      {"/v1/invites", R"({"site":"a","ttl_seconds":0})", "ttl_seconds"},
      {"/v1/invites", R"({"site":"a","units_max":-1})", "units_max"},
      {"/v1/invites", R"({"site":"a","more":1})", "more"},
      {"/v1/invites", "", "body"},
      {"/v1/members/site/a/state", R"({"state":"gone"})", "state"},
      {"/v1/members/site/a/state", "{}", "state"},
  };
  for (const auto& [target, body, field] : wrong) {
    const RawResponse response = post(target, operator_, body);
    EXPECT_EQ(response.status, 400) << target << body;
    EXPECT_EQ(at(parsed(response), "/field"), field) << body;
    EXPECT_NE(at(parsed(response), "/remedy"), "(absent)") << body;
  }
}

TEST_F(NativeApiTest, JoinIsAuthenticatedByItsTokenAndCarriesBytesAsBase64) {
  const auto document = [](const std::string& token, const std::string& key) {
    return R"({"token":")" + token + R"(","site":"new-1","csr_pem":"PEM","curve_key":")" + key +
           R"(","proof":")" + base64_encode("proof") + "\"}";
  };
  const std::string key = base64_encode(std::string(32, 'k'));
  const RawResponse joined = post("/v1/join", "", document("secret.hash", key));
  EXPECT_EQ(joined.status, 200) << joined.body;
  EXPECT_EQ(service.calls().back(), "join new-1 secret.hash 32 proof");
  const json::value answer = parsed(joined);
  EXPECT_EQ(at(answer, "/certificate_pem"), "CERT");
  EXPECT_EQ(base64_decode("x", at(answer, "/member/body")).value(), std::string("\0body", 5));
  EXPECT_EQ(answer.at("members").as_array().size(), 2U);
  EXPECT_EQ(post("/v1/join", "", document("wrong", key)).status, 403);
  EXPECT_EQ(at(parsed(post("/v1/join", "", document("t", "!!"))), "/field"), "curve_key");
  EXPECT_EQ(at(parsed(post("/v1/join", "", document("t", "QUJD"))), "/field"), "curve_key");
  EXPECT_EQ(at(parsed(post("/v1/join", "", "{}")), "/field"), "token");
}

TEST_F(NativeApiTest, TrustRecordsAreForAnybody) {
  EXPECT_EQ(parsed(get("/v1/trust", "")).at("trust").as_array().size(), 2U);
  EXPECT_EQ(at(parsed(get("/v1/trust?after=1", "")), "/trust/0"), "second");
  EXPECT_EQ(parsed(get("/v1/trust?after=2", "")).at("trust").as_array().size(), 0U);
  EXPECT_EQ(at(parsed(get("/v1/trust?after=x", "")), "/field"), "after");
}

TEST_F(NativeApiTest, RenewalIsAuthenticatedByItsProofsAndCarriesBytesAsBase64) {
  const RawResponse challenge = post("/v1/renewals/challenge", "", R"({"site":"alpha-1"})");
  EXPECT_EQ(challenge.status, 200);
  EXPECT_EQ(base64_decode("x", at(parsed(challenge), "/challenge")).value(), "challenge");
  EXPECT_EQ(at(parsed(post("/v1/renewals/challenge", "", "{}")), "/field"), "site");

  const auto bytes = [](std::size_t count) { return base64_encode(std::string(count, 'b')); };
  const json::object good{{"site", "alpha-1"},  {"challenge", bytes(40)},
                          {"renewals", 7},      {"id", bytes(16)},
                          {"csr_pem", "PEM"},   {"curve_key", bytes(32)},
                          {"proof", bytes(64)}, {"former_proof", bytes(64)}};
  const RawResponse renewed = post("/v1/renewals", "", json::serialize(good));
  EXPECT_EQ(renewed.status, 200) << renewed.body;
  EXPECT_EQ(service.calls().back(), "renew alpha-1 7 PEM 64");
  EXPECT_EQ(at(parsed(renewed), "/certificate_pem"), "CERT");
  json::object without = good;
  without.erase("former_proof");
  EXPECT_EQ(post("/v1/renewals", "", json::serialize(without)).status, 200);
  EXPECT_EQ(service.calls().back(), "renew alpha-1 7 PEM 0");
  for (const auto& [field, value] : json::object{{"site", "No Name"},
                                                 {"challenge", bytes(39)},
                                                 {"renewals", -1},
                                                 {"id", bytes(17)},
                                                 {"curve_key", "!"},
                                                 {"proof", bytes(63)},
                                                 {"former_proof", bytes(65)},
                                                 {"more", "x"}}) {
    json::object wrong = good;
    wrong[field] = value;
    const RawResponse refused = post("/v1/renewals", "", json::serialize(wrong));
    EXPECT_EQ(refused.status, 400) << field;
    EXPECT_EQ(at(parsed(refused), "/field"), field);
  }
  for (const char* field : {"site", "challenge", "id", "csr_pem", "curve_key", "proof"}) {
    json::object missing = good;
    missing.erase(field);
    EXPECT_EQ(at(parsed(post("/v1/renewals", "", json::serialize(missing))), "/field"), field);
  }
}

TEST_F(NativeApiTest, OnlyOperatorsAllowARecovery) {
  EXPECT_EQ(post("/v1/members/site/alpha-1/recovery", operator_, "{}").status, 200);
  EXPECT_EQ(service.calls().back(), "allow recovery of alpha-1 by operator");
  EXPECT_EQ(post("/v1/members/site/alpha-1/recovery", alice, "{}").status, 403);
  EXPECT_EQ(post("/v1/members/site/alpha-1/recovery", "", "{}").status, 401);
  EXPECT_EQ(post("/v1/members/broker/main/recovery", operator_, "{}").status, 404);
}

TEST_F(NativeApiTest, JoinsAreRateLimited) {
  int refused = 0;
  for (int i = 0; i < 120; ++i) {
    const RawResponse response = post("/v1/join", "", "{}");
    if (response.status != 429) continue;
    ++refused;
    EXPECT_EQ(response.headers.at("retry-after"), "1");
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace tradewind::testing
