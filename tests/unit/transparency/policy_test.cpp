#include "state/transparency/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/identity/keys.h"
#include "state/transparency/limits.h"

namespace tradewind {
namespace {

using ::testing::HasSubstr;

std::string key(const std::string& name, KeyType type, char seed) {
  return format_verifier_key(
      {name, type, SigningKey::from_seed(Bytes(32, seed)).value().public_key()});
}
std::string witness_key(char seed) {
  return key(std::string("w.example/") + seed, KeyType::cosignature, seed);
}
std::string witness_line(char seed) {
  return std::string("witness ") + seed + " " + witness_key(seed) + "\n";
}
const std::string kLog = key("log.example/1", KeyType::ed25519, 'L');
const std::string kWitnesses = witness_line('a') + witness_line('b') + witness_line('c');

Policy parsed(const std::string& text) {
  const auto policy = parse_policy(text);
  EXPECT_TRUE(policy) << describe(policy.error());
  return policy ? *policy : Policy{};
}

TEST(Policy, ReadsLogsWitnessesGroupsAndTheQuorum) {
  const Policy policy =
      parsed("# ours\n\n  log\t" + kLog + "  https://log.example/1 \n" + kWitnesses + "witness d " +
             witness_key('d') + " site:jp-osaka-1\n" +
             "\t# two of three\ngroup three 2 a b c\ngroup both all three d\n" + "quorum both\n");
  ASSERT_EQ(policy.logs.size(), 1U);
  EXPECT_EQ(policy.logs[0].key.name, "log.example/1");
  EXPECT_EQ(policy.logs[0].url, "https://log.example/1");
  ASSERT_EQ(policy.witnesses.size(), 4U);
  EXPECT_EQ(policy.witnesses[1].name, "b");
  EXPECT_EQ(policy.witnesses[1].url, "");
  EXPECT_EQ(policy.witnesses[3].url, "site:jp-osaka-1");
  ASSERT_EQ(policy.groups.size(), 2U);
  EXPECT_EQ(policy.groups[0], (PolicyGroup{"three", 2, {"a", "b", "c"}}));
  EXPECT_EQ(policy.groups[1], (PolicyGroup{"both", 2, {"three", "d"}}));
  EXPECT_EQ(policy.quorum, "both");
}

TEST(Policy, AWitnessLineIsReadAsItWasWritten) {
  const Policy policy = parsed("witness d " + witness_key('d') + " site:jp-osaka-1\nquorum d\n");
  EXPECT_EQ(format_witness_line(policy.witnesses.at(0)),
            "witness d " + witness_key('d') + " site:jp-osaka-1\n");
}

TEST(Policy, IsSatisfiedByWhomTheQuorumAsksFor) {
  const Policy nested = parsed(kWitnesses + witness_line('d') +
                               "group two 2 a b c\ngroup top all two d\nquorum top\n");
  EXPECT_FALSE(is_satisfied(nested, {}));
  EXPECT_FALSE(is_satisfied(nested, {"a", "b", "c"}));
  EXPECT_FALSE(is_satisfied(nested, {"a", "d"}));
  EXPECT_TRUE(is_satisfied(nested, {"a", "c", "d"}));

  const Policy any = parsed(kWitnesses + "group one any a b\nquorum one\n");
  EXPECT_FALSE(is_satisfied(any, {"c"}));
  EXPECT_TRUE(is_satisfied(any, {"b"}));

  const Policy single = parsed(kWitnesses + "quorum c\n");
  EXPECT_FALSE(is_satisfied(single, {"a", "b"}));
  EXPECT_TRUE(is_satisfied(single, {"c"}));
}

TEST(Policy, OnlyWitnessesCountNotNamesOfGroups) {
  const Policy policy = parsed(kWitnesses + "group all-of-them all a b c\nquorum all-of-them\n");
  EXPECT_FALSE(is_satisfied(policy, {"all-of-them", "nobody"}));
}

TEST(Policy, NoQuorumAsksForNobody) {
  EXPECT_TRUE(is_satisfied(parsed("quorum none\n"), {}));
  EXPECT_TRUE(is_satisfied(parsed(kWitnesses + "quorum none\n"), {}));
}

TEST(Policy, RefusesWhatIsNotOneAndNamesLineValueAndRemedy) {
  const std::string quorum = "quorum a\n";
  const auto refused = [&](const std::string& text, int line, const std::string& value) {
    const auto policy = parse_policy(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code, ErrorCode::invalid);
    EXPECT_EQ(policy.error().field, "policy line " + std::to_string(line)) << text;
    EXPECT_THAT(policy.error().message, HasSubstr(value));
    EXPECT_FALSE(policy.error().remedy.empty());
  };
  refused(kWitnesses + "quorum a", 4, "newline");
  refused("quorums a\n", 1, "quorums");
  refused("quorum none\r\n", 1, "13");
  refused("# nul \x01\nquorum none\n", 1, "1");
  refused("quorum a\n", 1, "\"a\" is not defined");
  refused("quorum none none\n", 1, "quorum");
  refused("quorum none\nquorum none\n", 2, "second");
  refused("log\n" + quorum, 1, "log");
  refused("log nonsense\n" + quorum, 1, "nonsense");
  refused("log " + witness_key('a') + "\n", 1, "type 4");
  refused("log " + kLog + " url more\n", 1, "log");
  refused("log " + kLog + "\nlog " + kLog + "\n", 2, "a line before");
  refused("witness a\n", 1, "witness");
  refused("witness a " + kLog + "\n", 1, "type 1");
  refused("witness none " + witness_key('a') + "\n", 1, "none");
  refused("witness a " + witness_key('a') + " url more\n", 1, "witness");
  refused(kWitnesses + "witness a " + witness_key('d') + "\n", 4, "\"a\" is defined");
  // The same key under another name would count twice.
  refused(kWitnesses + "witness d " + key("other.example/a", KeyType::cosignature, 'a') + "\n", 4,
          "a line before");
  refused(kWitnesses + "group g 2\n", 4, "group");
  refused(kWitnesses + "group g 0 a b\n", 4, "\"0\"");
  refused(kWitnesses + "group g 3 a b\n", 4, "\"3\"");
  refused(kWitnesses + "group g 01 a b\n", 4, "\"01\"");
  refused(kWitnesses + "group g most a b\n", 4, "\"most\"");
  refused(kWitnesses + "group g all a none\n", 4, "\"none\" is not defined");
  refused(kWitnesses + "group g all a g\n", 4, "\"g\" is not defined");
  refused(kWitnesses + "group g 2 a a\n", 4, "\"a\" is a member");
  refused(kWitnesses + "group g any a b\ngroup h any b c\n", 5, "\"b\" is a member");
  refused(kWitnesses + "group a any b c\n", 4, "\"a\" is defined");
  refused(std::string("w\xc3\xa9 ") + std::string(5'000, 'x') + "\n", 1, "begins no line");
}

TEST(Policy, NeedsAQuorum) {
  const auto policy = parse_policy(kWitnesses);
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().remedy, HasSubstr("quorum none"));
  EXPECT_FALSE(parse_policy(""));
}

TEST(Policy, IsBounded) {
  const auto policy = parse_policy(std::string(limits::policy_bytes_max + 1, '\n'));
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace tradewind
