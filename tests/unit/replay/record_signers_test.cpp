// By whom records in a log must be signed, and what a change of keys does to that.
#include "broker/audit/record_signers.h"

#include <gtest/gtest.h>

#include "schemas/codec.h"
#include "schemas/limits.h"
#include "state/identity/authority.h"
#include "state/identity/records.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

const Wall::time_point now = wall_from_ms(1'800'000'000'000);

class RecordSignersTest : public ::testing::Test {
 protected:
  static SignedRecord sheet(const SigningKey& key, Wall::time_point issued) {
    const RecordHeader header{
        RecordKind::quote, site_node(SiteId{"s1"}), MemberNumber{2}, RecordVersion{1, 1}, issued,
        issued + 15s};
    return make_record(key, header, QuoteSheet{SiteId{"s1"}, {}, -1, {}});
  }
  Status check(const SignedRecord& record) const {
    return signers.check(record, *decode_record_header(record.body));
  }
  void member(const SigningKey& key, Wall::time_point issued) {
    Member member;
    member.node = site_node(SiteId{"s1"});
    member.identity_key = key.public_key();
    signers.learn(member, issued);
  }

  const CertificateAuthority authority = *CertificateAuthority::create(FederationId{"f"}, now);
  const SigningKey first = SigningKey::generate();
  const SigningKey second = SigningKey::generate();
  RecordSigners signers{authority.trust()};
};

TEST_F(RecordSignersTest, AMembersRecordsAreItsOwn) {
  EXPECT_EQ(check(sheet(first, now)).error().field, "data.body");
  member(first, now);
  EXPECT_TRUE(check(sheet(first, now + 1h)));
  EXPECT_EQ(check(sheet(second, now)).error().field, "data.signature");
}

TEST_F(RecordSignersTest, TheFormerKeyIsGoodForWhatWasIssuedBeforeItChanged) {
  member(first, now);
  member(first, now + 1h);  // renewed, with the key it had
  member(second, now + 2h);
  EXPECT_TRUE(check(sheet(second, now + 3h)));
  EXPECT_TRUE(check(sheet(first, now + 2h)));
  EXPECT_TRUE(check(sheet(first, now + 2h + limits::clock_skew_max)));
  EXPECT_EQ(check(sheet(first, now + 2h + limits::clock_skew_max + 1s)).error().field,
            "data.signature");
  member(SigningKey::generate(), now + 4h);
  EXPECT_FALSE(check(sheet(first, now))) << "two keys ago";
}

TEST_F(RecordSignersTest, MemberRecordsAreTheRegistrys) {
  Member member;
  member.node = site_node(SiteId{"s1"});
  member.number = MemberNumber{2};
  member.identity_key = first.public_key();
  const RecordHeader header{RecordKind::member,  member.node, MemberNumber{1},
                            RecordVersion{1, 1}, now,         now + 24h};
  EXPECT_EQ(check(make_record(first, header, member)).error().field, "data.signature");
}

TEST_F(RecordSignersTest, WithoutTrustNothingIsAsked) {
  signers = RecordSigners(std::nullopt);
  EXPECT_FALSE(signers.known());
  EXPECT_TRUE(check(sheet(first, now)));
}

}  // namespace
}  // namespace tradewind
