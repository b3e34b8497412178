// Tokens and key sets of issuers, and what they say: all without a network.
#include "broker/api/jwt.h"

#include <gtest/gtest.h>

#include "broker/api/jwks.h"
#include "broker/api/oidc_claims.h"
#include "state/identity/encoding.h"
#include "tests/unit/api/issuer.h"

namespace tradewind::testing {
namespace {

const IssuerKey& rsa_key() {
  static const IssuerKey key = IssuerKey::rsa();
  return key;
}
json::object header(const json::object& changes = {}) {
  return changed({{"alg", "RS256"}, {"kid", "k"}, {"typ", "JWT"}}, changes);
}
std::string part(std::string_view text) {
  return base64url_encode(text);
}

TEST(Jwt, SignaturesOfAllThreeKindsAreCheckedByTheIssuersKeys) {
  for (const IssuerKey& key : {rsa_key(), IssuerKey::p256(), IssuerKey::ed25519()}) {
    const auto keys = parse_jwks(jwks({key.jwk("k")}));
    ASSERT_TRUE(keys.has_value()) << describe(keys.error());
    const std::string text = key.sign(header({{"alg", key.algorithm()}}), {{"sub", "ann"}});
    const auto jwt = parse_jwt(text);
    ASSERT_TRUE(jwt.has_value()) << describe(jwt.error());
    const VerifyingKey* const found = keys->find(jwt->key_id, jwt->algorithm);
    ASSERT_NE(found, nullptr);
    EXPECT_TRUE(found->verify(jwt->signed_part, jwt->signature));
    EXPECT_EQ(parse_claims(jwt->claims)->at("sub"), "ann");
    for (std::size_t i = 0; i < jwt->signature.size(); ++i) {
      Bytes wrong = jwt->signature;
      wrong[i] = static_cast<char>(wrong[i] ^ 1);
      EXPECT_FALSE(found->verify(jwt->signed_part, wrong)) << key.algorithm() << " byte " << i;
    }
    EXPECT_FALSE(found->verify(jwt->signed_part + "x", jwt->signature));
    EXPECT_FALSE(found->verify(jwt->signed_part, ""));
    EXPECT_FALSE(found->verify(jwt->signed_part, jwt->signature + "x"));
    EXPECT_FALSE(found->verify(jwt->signed_part, Bytes(64, '\0')));
  }
}

TEST(Jwt, RefusesWhatIsNoTokenSignedByAKnownAlgorithm) {
  const std::string good = rsa_key().sign(header(), {});
  ASSERT_TRUE(parse_jwt(good).has_value());
  const std::string cases[] = {
      "",
      "..",
      "a.b",
      good + ".x",
      good + "=",
      good + "!",
      " " + good,
      good.substr(good.find('.')),
      part("{}") + ".e30.AA",
      part("[]") + ".e30.AA",
      part("not json") + ".e30.AA",
      part(R"({"alg":"none"})") + ".e30.",
      part(R"({"alg":"None"})") + ".e30.",
      part(R"({"alg":"HS256"})") + ".e30.AA",
      part(R"({"alg":"RS512"})") + ".e30.AA",
      part(R"({"alg":"rs256"})") + ".e30.AA",
      part(R"({"alg":7})") + ".e30.AA",
      part(R"({"alg":null})") + ".e30.AA",
      part(R"({"alg":"RS256","alg":"none"})") + ".e30.AA",
      part(R"({"alg":"RS256","crit":["exp"]})") + ".e30.AA",
      part(R"({"alg":"RS256","typ":"logout+jwt"})") + ".e30.AA",
      part(R"({"alg":"RS256","kid":1})") + ".e30.AA",
      part(R"({"alg":"RS256","kid":")" + std::string(300, 'k') + "\"}") + ".e30.AA",
      part(std::string(40, '[')) + ".e30.AA",
      std::string(20'000, 'a') + ".e30.AA",
  };
  for (const std::string& each : cases) {
    const auto jwt = parse_jwt(each);
    ASSERT_FALSE(jwt.has_value()) << each;
    EXPECT_EQ(jwt.error().code, ErrorCode::unauthenticated);
    EXPECT_NE(jwt.error().remedy, "");
  }
  EXPECT_TRUE(parse_jwt(part(R"({"alg":"ES256","typ":"at+JWT"})") + ".e30.AA").has_value());
}

TEST(Jwks, WeakWrongAndForeignKeysAreSkippedAndSaidSo) {
  const IssuerKey good = IssuerKey::ed25519();
  const auto changed = [](json::object key, const char* name, const auto& value) {
    key[name] = value;
    return key;
  };
  const json::object ec = IssuerKey::p256().jwk("ec");
  const std::pair<const char*, json::object> cases[] = {
      {"weak RSA", IssuerKey::rsa(1'024).jwk("weak")},
      {"for encryption", changed(rsa_key().jwk("k"), "use", "enc")},
      {"for another operation", changed(ec, "key_ops", json::array{"sign"})},
      {"another algorithm", changed(rsa_key().jwk("k"), "alg", "RS512")},
      {"an even exponent", changed(rsa_key().jwk("k"), "e", part("\x04"))},
      {"exponent one", changed(rsa_key().jwk("k"), "e", part("\x01"))},
      {"no number", changed(rsa_key().jwk("k"), "n", "!!!")},
      {"a huge number", changed(rsa_key().jwk("k"), "n", std::string(4'000, 'A'))},
      {"no point", changed(ec, "x", ec.at("y"))},
      {"short", changed(ec, "x", part("x"))},
      {"another curve", changed(ec, "crv", "P-384")},
      {"a short Ed25519 key", changed(good.jwk("k"), "x", part("x"))},
      {"secret", {{"kty", "oct"}, {"k", part("secret")}, {"kid", "k"}}},
      {"private", changed(good.jwk("k"), "d", part("secret"))},
      {"no kind", {{"kid", "k"}}},
      {"a long kid", good.jwk(std::string(300, 'k'))},
  };
  for (const auto& [what, key] : cases) {
    const auto keys = parse_jwks(jwks({key, good.jwk("good")}));
    ASSERT_TRUE(keys.has_value()) << what;
    EXPECT_EQ(keys->keys.size(), 1U) << what;
    EXPECT_EQ(keys->skipped.size(), 1U) << what;
    EXPECT_FALSE(parse_jwks(jwks({key})).has_value()) << what;
  }
  for (const char* text : {"", "{}", "[]", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[1]})"}) {
    EXPECT_FALSE(parse_jwks(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_jwks(std::string(jwks_bytes_max + 1, ' ')).has_value());
}

TEST(Jwks, AKeyIsFoundByIdAndAlgorithmAndWithoutIdOnlyWhenItIsTheOnlyOne) {
  const IssuerKey other = IssuerKey::rsa();
  const auto keys =
      parse_jwks(jwks({rsa_key().jwk("a"), other.jwk("b"), IssuerKey::p256().jwk("a")}));
  ASSERT_TRUE(keys.has_value());
  EXPECT_NE(keys->find("a", SignatureAlgorithm::rs256), keys->find("b", SignatureAlgorithm::rs256));
  EXPECT_NE(keys->find("a", SignatureAlgorithm::es256), nullptr);
  EXPECT_EQ(keys->find("b", SignatureAlgorithm::es256), nullptr);
  EXPECT_EQ(keys->find("c", SignatureAlgorithm::rs256), nullptr);
  EXPECT_EQ(keys->find("", SignatureAlgorithm::rs256), nullptr);
  EXPECT_NE(keys->find("", SignatureAlgorithm::es256), nullptr);
}

class ClaimsTest : public ::testing::Test {
 protected:
  json::object claims(const json::object& changes = {}) const {
    json::object out{{"iss", "https://login.example"},
                     {"aud", "tradewind"},
                     {"sub", "ann"},
                     {"exp", 10'300},
                     {"tradewind_role", "members"},
                     {"tradewind_tenant", "alpha"}};
    return changed(std::move(out), changes);
  }
  Result<Caller> caller(const json::object& changes = {}) const {
    return caller_of(claims(changes), settings, wall_from_ms(10'000'000));
  }
  ErrorCode refusal(const json::object& changes) const {
    const auto known = caller(changes);
    EXPECT_FALSE(known.has_value()) << to_text(changes);
    return known ? ErrorCode::internal : known.error().code;
  }

  OidcSettings settings = parse_oidc_settings(R"(
    issuer = "https://login.example"
    audience = ["other", "tradewind"]
    [roles]
    members = "user"
    admins = "operator"
    checkers = "auditor"
  )")
                              .value();
};

TEST_F(ClaimsTest, TellWhoItIsAndWhatItMay) {
  const auto known = caller();
  ASSERT_TRUE(known.has_value()) << describe(known.error());
  EXPECT_EQ(known->principal, "oidc:ann");
  EXPECT_EQ(known->role, Role::user);
  EXPECT_EQ(known->tenant.value, "alpha");
  EXPECT_FALSE(known->scopes.narrowed());
  EXPECT_EQ(known->expires, wall_from_ms(10'360'000)) << "the skew is on top";
  EXPECT_EQ(caller({{"aud", json::array{"x", "tradewind"}}})->role, Role::user);
}

TEST_F(ClaimsTest, OfAnotherIssuerOrAudienceOrTimeAreNoProof) {
  const json::object cases[] = {{{"iss", "https://login.example/"}},
                                {{"iss", nullptr}},
                                {{"iss", 7}},
                                {{"aud", "trade"}},
                                {{"aud", nullptr}},
                                {{"aud", json::array{}}},
                                {{"aud", json::object{{"tradewind", true}}}},
                                {{"exp", 9'900}},
                                {{"exp", nullptr}},
                                {{"exp", "10300"}},
                                {{"exp", -1}},
                                {{"exp", 1e30}},
                                {{"nbf", 10'061}},
                                {{"nbf", "soon"}},
                                {{"iat", 10'061}},
                                {{"sub", nullptr}},
                                {{"sub", ""}},
                                {{"sub", "a b"}},
                                {{"sub", std::string(200, 'a')}}};
  for (const json::object& each : cases) {
    EXPECT_EQ(refusal(each), ErrorCode::unauthenticated) << to_text(each);
  }
}

TEST_F(ClaimsTest, ClocksMayDifferByTheSkewAndNoMore) {
  EXPECT_TRUE(caller({{"exp", 9'941}}).has_value());
  EXPECT_EQ(refusal({{"exp", 9'940}}), ErrorCode::unauthenticated);
  EXPECT_TRUE(caller({{"nbf", 10'060}, {"iat", 10'060.5}}).has_value());
}

TEST_F(ClaimsTest, WithoutARoleOrATenantNothingIsAllowed) {
  EXPECT_EQ(refusal({{"tradewind_role", nullptr}}), ErrorCode::forbidden);
  EXPECT_EQ(refusal({{"tradewind_role", "operator"}}), ErrorCode::forbidden) << "not mapped";
  EXPECT_EQ(refusal({{"tradewind_role", json::array{}}}), ErrorCode::forbidden);
  EXPECT_EQ(refusal({{"tradewind_role", json::object{{"members", 1}}}}), ErrorCode::forbidden);
  EXPECT_EQ(refusal({{"tradewind_tenant", nullptr}}), ErrorCode::forbidden);
  EXPECT_EQ(refusal({{"tradewind_tenant", "No Tenant"}}), ErrorCode::forbidden);
  EXPECT_EQ(refusal({{"tradewind_tenant", json::array{"alpha"}}}), ErrorCode::forbidden);
  EXPECT_EQ(refusal({{"tradewind_role", "admins"}, {"tradewind_tenant", 7}}), ErrorCode::forbidden);
  EXPECT_EQ(caller({{"tradewind_role", "admins"}, {"tradewind_tenant", nullptr}})->role,
            Role::operator_);
}

TEST_F(ClaimsTest, OfSeveralRolesTheOneCountsThatMayMost) {
  EXPECT_EQ(caller({{"tradewind_role", json::array{"members", "admins", "x", 7}}})->role,
            Role::operator_);
  EXPECT_EQ(caller({{"tradewind_role", json::array{"members", "checkers"}}})->role, Role::auditor);
}

TEST_F(ClaimsTest, CanStandAnywhereAndNarrowToScopes) {
  settings.role_claim = {"realm_access", "roles"};
  settings.tenant_claim = {"https://tradewind.example/tenant"};
  settings.scopes_claim = {"scope"};
  const json::object changes{{"realm_access", json::object{{"roles", json::array{"members"}}}},
                             {"https://tradewind.example/tenant", "beta"},
                             {"scope", "openid jobs:read profile"}};
  const auto known = caller(changes);
  ASSERT_TRUE(known.has_value()) << describe(known.error());
  EXPECT_EQ(known->tenant.value, "beta");
  EXPECT_EQ(known->scopes, Scopes::only({Scope::jobs_read}));
  json::object without = changes;
  without.erase("scope");
  EXPECT_TRUE(caller(without)->scopes.listed().empty());
}

TEST(OidcSettings, NameTheMemberThatIsWrong) {
  const std::string good = "issuer='https://a.example'\naudience='x'\n";
  const std::string roles = "[roles]\nm='user'\n";
  ASSERT_TRUE(parse_oidc_settings(good + roles).has_value());
  const std::pair<std::string, const char*> cases[] = {
      {"", "issuer"},
      {"issuer='http://a.example'\naudience='x'\n" + roles, "issuer"},
      {"issuer='http://127.0.0.1:80@evil.example'\naudience='x'\n" + roles, "issuer"},
      {"issuer='https://a.example'\n" + roles, "audience"},
      {"issuer='https://a.example'\naudience=[]\n" + roles, "audience"},
      {good, "roles"},
      {good + "[roles]\n", "roles"},
      {good + "[roles]\nm='king'\n", "roles.m"},
      {good + "[roles]\nm=1\n", "roles.m"},
      {good + "jwks_url='http://a.example'\n" + roles, "jwks_url"},
      {good + "jwks_url='https://a.example'\njwks_file='f'\n" + roles, "jwks_file"},
      {good + "skew_seconds=301\n" + roles, "skew_seconds"},
      {good + "skew_seconds='1'\n" + roles, "skew_seconds"},
      {good + "refresh_seconds=1\n" + roles, "refresh_seconds"},
      {good + "role_claim=[1]\n" + roles, "role_claim"},
      {good + "colour='red'\n" + roles, "colour"},
      {"[[", "oidc"},
  };
  for (const auto& [text, field] : cases) {
    const auto settings = parse_oidc_settings(text);
    ASSERT_FALSE(settings.has_value()) << text;
    EXPECT_EQ(settings.error().field, field) << text;
    EXPECT_NE(settings.error().remedy, "") << text;
  }
}

}  // namespace
}  // namespace tradewind::testing
