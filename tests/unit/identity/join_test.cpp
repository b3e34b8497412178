#include "state/identity/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tradewind {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(JoinToken, ReadsAsItIsPrinted) {
  const JoinToken token = make_join_token(sha256("the CA"));
  EXPECT_EQ(token.secret.size(), 16U);
  const std::string text = to_string(token);
  EXPECT_EQ(text.size(), 22U + 1 + 64);
  EXPECT_TRUE(text.ends_with("." + hex(sha256("the CA"))));
  EXPECT_EQ(parse_join_token(text).value(), token);
  EXPECT_NE(make_join_token(sha256("the CA")), token);
}

TEST(JoinToken, SaysWhatIsWrongWithATextButNotItsSecret) {
  const std::string good = to_string(JoinToken{Bytes(16, '\x01'), Bytes(32, '\x02')});
  const std::string secret = good.substr(0, 22);
  const std::string fingerprint = good.substr(23);
  std::string upper = fingerprint;
  upper[1] = 'A';
  const std::pair<std::string, std::string_view> wrong[] = {
      {"", "is empty"},
      {secret, "no '.'"},
      {secret + fingerprint, "no '.'"},
      {secret + ".", "fingerprint, after the '.', has 0"},
      {"." + fingerprint, "secret, before the '.', has 0"},
      {secret.substr(1) + "." + fingerprint, "has 21 characters, not 22"},
      {secret + "." + fingerprint.substr(1), "has 63 characters, not 64"},
      {good + "0", "has 65 characters, not 64"},
      {good + "\n", "has 65 characters, not 64"},
      {" " + good, "has 23 characters, not 22"},
      {good + "." + fingerprint, "not 64"},
      {"+" + secret.substr(1) + "." + fingerprint, "character 1 is not of it"},
      {secret.substr(0, 21) + "B." + fingerprint, "bits left over"},
      {secret + "." + upper, "character 2 is not of it"},
  };
  for (const auto& [text, why] : wrong) {
    const auto token = parse_join_token(text);
    ASSERT_FALSE(token) << text;
    EXPECT_EQ(token.error().code, ErrorCode::invalid);
    EXPECT_EQ(token.error().field, "token");
    EXPECT_THAT(token.error().message, HasSubstr(std::string(why)));
    EXPECT_FALSE(token.error().remedy.empty());
    EXPECT_THAT(describe(token.error()), Not(HasSubstr("AQEBAQ")));
  }
}

TEST(JoinToken, IsStoredAsADigestOfItsSecret) {
  const JoinToken token = make_join_token(sha256("the CA"));
  EXPECT_EQ(token_sha256(token), sha256(token.secret));
  EXPECT_NE(token_sha256(token), token_sha256(make_join_token(sha256("the CA"))));
}

TEST(JoinProof, BindsTokenAndLinkKeyToTheIdentityKey) {
  const SigningKey key = SigningKey::generate();
  const CurveKeys link = CurveKeys::generate();
  const JoinToken token = make_join_token(sha256("the CA"));
  const Bytes proof = make_join_proof(key, token, link.public_key);
  EXPECT_TRUE(verify_join_proof(key.public_key(), token, link.public_key, proof));
  EXPECT_FALSE(
      verify_join_proof(SigningKey::generate().public_key(), token, link.public_key, proof));
  EXPECT_FALSE(verify_join_proof(key.public_key(), make_join_token(sha256("the CA")),
                                 link.public_key, proof));
  EXPECT_FALSE(verify_join_proof(key.public_key(), token, CurveKeys::generate().public_key, proof));
  EXPECT_FALSE(verify_join_proof(key.public_key(), token, link.public_key + "x", proof));
  EXPECT_FALSE(verify_join_proof(key.public_key(), token, link.public_key, ""));
}

}  // namespace
}  // namespace tradewind
