#include "state/identity/records.h"

#include <gtest/gtest.h>

#include "schemas/codec.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

TEST(Records, AreSignedOverExactlyTheBytesThatTravel) {
  const SigningKey registry = SigningKey::generate();
  const Member member{site_node(SiteId{"jp-osaka-1"}),
                      MemberNumber{7},
                      MemberState::active,
                      SigningKey::generate().public_key(),
                      CurveKeys::generate().public_key,
                      "",
                      64,
                      {}};
  const Now now{Mono::time_point(5s), wall_from_ms(1'790'000'000'000)};
  const SignedRecord record =
      make_member_record(registry, member, RecordVersion{3, 9}, now, std::chrono::hours(24));
  EXPECT_TRUE(verify_record(registry.public_key(), record.body, record.signature));
  EXPECT_FALSE(verify_record(SigningKey::generate().public_key(), record.body, record.signature));
  for (std::size_t at = 0; at < record.body.size(); ++at) {
    Bytes changed = record.body;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    ASSERT_FALSE(verify_record(registry.public_key(), changed, record.signature)) << at;
  }
  const auto decoded = decode_record(record.body);
  ASSERT_TRUE(decoded) << describe(decoded.error());
  EXPECT_EQ(std::get<Member>(decoded->body), member);
  EXPECT_EQ(decoded->header.kind, RecordKind::member);
  EXPECT_EQ(decoded->header.subject, member.node);
  EXPECT_EQ(decoded->header.member, member.number);
  EXPECT_EQ(decoded->header.version, (RecordVersion{3, 9}));
  EXPECT_EQ(decoded->header.issued, now.wall);
  EXPECT_EQ(decoded->header.valid_until, now.wall + std::chrono::hours(24));
}

TEST(Records, CarryAQuoteSheetOfTheSubjectItself) {
  const SigningKey key = SigningKey::generate();
  const QuoteSheet sheet{
      SiteId{"jp-osaka-1"}, {PoolQuote{PoolId{"cpu-small"}, 8, 4, 2, 0, 1}}, -1, {}};
  const RecordHeader header{
      RecordKind::quote,   site_node(sheet.site),           MemberNumber{7},
      RecordVersion{1, 2}, wall_from_ms(1'790'000'000'000), wall_from_ms(1'790'000'015'000)};
  const SignedRecord record = make_record(key, header, sheet);
  EXPECT_TRUE(verify_record(key.public_key(), record.body, record.signature));
  const auto decoded = decode_record(record.body);
  ASSERT_TRUE(decoded) << describe(decoded.error());
  EXPECT_EQ(decoded->header, header);
  EXPECT_EQ(std::get<QuoteSheet>(decoded->body), sheet);
}

TEST(Records, HaveSignaturesThatAreGoodNowhereElse) {
  const SigningKey key = SigningKey::generate();
  EXPECT_FALSE(verify_signature(key.public_key(), "body", sign_record(key, "body")));
  EXPECT_FALSE(verify_record(key.public_key(), "body", key.sign("body")));
  EXPECT_TRUE(verify_record(key.public_key(), "body", sign_record(key, "body")));
}

TEST(RecordsDeathTest, RefuseABodyOfAnotherKindThanTheHeaders) {
  RecordHeader header;
  header.kind = RecordKind::site;
  EXPECT_DEATH((void)make_record(SigningKey::generate(), header, QuoteSheet{}), "assertion failed");
}

}  // namespace
}  // namespace tradewind
