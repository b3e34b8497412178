// Which broker the registry admits beside those that it has.
#include "broker/core/registry.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "state/identity/authority.h"
#include "state/identity/keys.h"

namespace tradewind {
namespace {

class RegistryTest : public ::testing::Test {
 protected:
  static Member broker(const std::string& name) {
    Member member;
    member.node = broker_node(name);
    member.identity_key = SigningKey::generate().public_key();
    member.curve_key = CurveKeys::generate().public_key;
    member.endpoint = "tcp://127.0.0.1:1";
    return member;
  }

  Now now_ = system_now();
  CertificateAuthority authority_ = *CertificateAuthority::create(FederationId{"test"}, now_.wall);
  Registry registry_{authority_};
};

TEST_F(RegistryTest, AdmitsBrokersUnderNamesAndKeysOfTheirOwn) {
  ASSERT_TRUE(registry_.admit_broker(broker("eu-1"), now_));
  ASSERT_TRUE(registry_.admit_broker(broker("us-1"), now_));
  EXPECT_EQ(registry_.find(broker_node("eu-1"))->number, MemberNumber{1});
  EXPECT_EQ(registry_.find(broker_node("us-1"))->number, MemberNumber{2});
}

TEST_F(RegistryTest, ABrokerKeepsItsName) {
  Member member = broker("eu-1");
  ASSERT_TRUE(registry_.admit_broker(member, now_));
  EXPECT_TRUE(registry_.admit_broker(member, now_)->entries.empty());
  member.node = broker_node("eu-2");
  const auto renamed = registry_.admit_broker(member, now_);
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error().code, ErrorCode::conflict);
  EXPECT_NE(renamed.error().message.find("broker/eu-1"), std::string::npos);
  EXPECT_EQ(registry_.find(broker_node("eu-2")), nullptr);
}

TEST_F(RegistryTest, RefusesASecondBrokerThatWouldGiveTheSameJobIds) {
  std::map<BrokerTag, std::string> names;
  std::string first;
  std::string second;
  for (int i = 0; second.empty(); ++i) {
    const std::string name = "b" + std::to_string(i);
    const auto [twin, fresh] = names.emplace(tag_of(broker_node(name)), name);
    if (fresh) continue;
    first = twin->second;
    second = name;
  }
  ASSERT_TRUE(registry_.admit_broker(broker(first), now_));
  const auto refused = registry_.admit_broker(broker(second), now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().field, "name");
}

}  // namespace
}  // namespace tradewind
