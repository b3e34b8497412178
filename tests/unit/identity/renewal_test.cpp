#include "state/identity/renewal.h"

#include <gtest/gtest.h>

#include "schemas/limits.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const Wall::time_point kRenewalTime{1'800'000'000s};
const NodeId kRenewed{"site/jp-osaka-1"};

TEST(Challenge, IsGoodForItsNodeForAMinuteAtWhoMadeIt) {
  const Challenger challenger;
  const Bytes challenge = challenger.challenge(kRenewed, kRenewalTime);
  EXPECT_EQ(challenge.size(), challenge_bytes);
  EXPECT_EQ(challenger.check(challenge, kRenewed, kRenewalTime).value(), kRenewalTime);
  EXPECT_EQ(challenger.check(challenge, kRenewed, kRenewalTime + challenge_validity).value(),
            kRenewalTime);
  EXPECT_FALSE(challenger.check(challenge, kRenewed, kRenewalTime + challenge_validity + 1us));
  EXPECT_FALSE(challenger.check(challenge, kRenewed, kRenewalTime - 1us));
  EXPECT_FALSE(challenger.check(challenge, NodeId{"site/jp-osaka-2"}, kRenewalTime));
  EXPECT_FALSE(Challenger().check(challenge, kRenewed, kRenewalTime));
  EXPECT_FALSE(challenger.check("", kRenewed, kRenewalTime));
  for (std::size_t i = 0; i < challenge.size(); ++i) {
    Bytes changed = challenge;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(challenger.check(changed, kRenewed, kRenewalTime)) << i;
  }
}

TEST(RenewalProof, CoversEveryMemberOfTheStatement) {
  const SigningKey key = SigningKey::generate();
  const Renewal renewal{kRenewed,
                        Challenger().challenge(kRenewed, kRenewalTime),
                        7,
                        Bytes(limits::renewal_id_bytes, 'i'),
                        key.public_key(),
                        CurveKeys::generate().public_key};
  const Bytes proof = sign_renewal(key, renewal);
  EXPECT_TRUE(verify_renewal(key.public_key(), renewal, proof));
  EXPECT_FALSE(verify_renewal(SigningKey::generate().public_key(), renewal, proof));
  const auto fails = [&](const auto& change) {
    Renewal other = renewal;
    change(other);
    return !verify_renewal(key.public_key(), other, proof);
  };
  EXPECT_TRUE(fails([](Renewal& other) { other.node.value += "0"; }));
  EXPECT_TRUE(fails([](Renewal& other) { other.challenge[0] ^= 1; }));
  EXPECT_TRUE(fails([](Renewal& other) { other.challenge.pop_back(); }));
  EXPECT_TRUE(fails([](Renewal& other) { ++other.renewals; }));
  EXPECT_TRUE(fails([](Renewal& other) { other.id[15] ^= 1; }));
  EXPECT_TRUE(fails([](Renewal& other) { other.id.clear(); }));
  EXPECT_TRUE(fails([](Renewal& other) { other.identity_key[3] ^= 1; }));
  EXPECT_TRUE(fails([](Renewal& other) { other.curve_key[3] ^= 1; }));
  EXPECT_TRUE(fails([](Renewal& other) { other.curve_key += "x"; }));
}

}  // namespace
}  // namespace tradewind
