#include "state/transparency/witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/transparency/cosignature.h"
#include "tests/unit/transparency/signed_log.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOrigin = "log.example/1";
constexpr Wall::time_point kNow{1'700'000'000s};

struct WitnessTest : ::testing::Test, testing::SignedLog {
  WitnessTest() { witness.trust(log_key); }

  // Not the sizes' own proof, so that each answer is the first check that fails.
  Bytes request_with(std::uint64_t old_size, std::vector<Hash> proof, const Bytes& note) const {
    return format_witness_request({old_size, std::move(proof), note});
  }
  Witness::Output cosigned(std::uint64_t old_size, std::uint64_t size) {
    Witness::Output output = witness.add_checkpoint(request(old_size, log.heads.at(size)), kNow);
    EXPECT_EQ(output.answer.status, 200);
    return output;
  }
  void expect_refused(int status, const Bytes& body) {
    const Witness::Output output = witness.add_checkpoint(body, kNow);
    EXPECT_EQ(output.answer.status, status) << output.answer.body;
    EXPECT_FALSE(output.persist);
  }

  SigningKey own_key = SigningKey::generate();
  Witness witness{"witness.example/w1", own_key};
};

TEST_F(WitnessTest, CosignsACheckpointThatContinuesTheOneBefore) {
  for (const auto& [old_size, size] : {std::pair{0U, 3U}, {3U, 300U}, {300U, 700U}}) {
    const Witness::Output output = cosigned(old_size, size);
    const Bytes both = checkpoint(log.heads.at(size)) + output.answer.body;
    const auto opened = open_checkpoint(both, log_key, std::span(&witness.verifier_key(), 1));
    ASSERT_TRUE(opened);
    ASSERT_EQ(opened->cosignatures.size(), 1U);
    EXPECT_EQ(opened->cosignatures[0].cosigned_seconds, 1'700'000'000U);
    ASSERT_TRUE(output.persist);
    EXPECT_EQ(*output.persist, (WitnessedCheckpoint{kOrigin, both}));
  }
}

TEST_F(WitnessTest, AnswersAreThoseOfTheSpecification) {
  expect_refused(400, "");
  expect_refused(400, "old 03\n\n" + checkpoint(log.head));
  expect_refused(400, request_with(0, {}, "no note"));
  expect_refused(400, request_with(701, {}, checkpoint(log.head)));

  const Bytes other = format_checkpoint(Checkpoint{"log.example/2", log.head, {}});
  expect_refused(404, request_with(0, {}, format_note({other, {sign_note(other, kOrigin, key)}})));

  const Bytes text = format_checkpoint(Checkpoint{kOrigin, log.head, {}});
  const NoteSignature strange = sign_note(text, kOrigin, own_key);
  expect_refused(403, request_with(0, {}, format_note({text, {strange}})));
  NoteSignature bad = sign_note(text, kOrigin, key);
  bad.signature[5] = static_cast<char>(bad.signature[5] ^ 1);
  expect_refused(403, request_with(0, {}, format_note({text, {bad}})));

  const Witness::Output ahead = witness.add_checkpoint(request(3, log.head), kNow);
  EXPECT_EQ(ahead.answer, (Witness::Answer{409, "text/x.tlog.size", "0\n"}));
  cosigned(0, 300);
  const Witness::Output behind = witness.add_checkpoint(request(3, log.head), kNow);
  EXPECT_EQ(behind.answer, (Witness::Answer{409, "text/x.tlog.size", "300\n"}));

  expect_refused(422, request_with(300, {}, checkpoint(log.head)));
  expect_refused(422, request_with(300, {Hash{}}, checkpoint(log.head)));
  expect_refused(422, request_with(300, {}, checkpoint({300, Hash{}})));
  expect_refused(422, request_with(300, {Hash{}}, checkpoint(log.heads.at(300))));
}

TEST_F(WitnessTest, TheEmptyTreeHasOneRoot) {
  expect_refused(422, request_with(0, {}, checkpoint({0, Hash{}})));
  expect_refused(422, request_with(0, {Hash{}}, checkpoint(log.head)));
  EXPECT_EQ(witness.add_checkpoint(request_with(0, {}, checkpoint({})), kNow).answer.status, 200);
}

TEST_F(WitnessTest, NeverCosignsTwoTreesOfOneLog) {
  cosigned(0, 300);
  // Another log under the same key, which grew from the same first 300 leaves: fine by itself.
  Log fork(kOrigin);
  for (std::uint64_t at = 0; at < 300; ++at) fork.append(testing::sample_entry(at)).value();
  testing::MemoryLog store = log.store;
  store.take(fork.publish().value());
  while (fork.size() < 800) fork.append("fork").value();
  const Publication forked = fork.publish().value();
  cosigned(300, 700);
  store.take(forked);
  TileHashes tree = store.tree(800);
  const auto forked_proof = prove_consistency(700, tree);
  ASSERT_TRUE(forked_proof);
  expect_refused(422, request_with(700, *forked_proof, checkpoint(forked.head)));
}

TEST_F(WitnessTest, RemembersAfterARestartWhatItHadStored) {
  const auto stored = cosigned(0, 300).persist;
  Witness again("witness.example/w1", own_key);
  again.trust(log_key);
  ASSERT_TRUE(again.restore(*stored));
  EXPECT_EQ(again.add_checkpoint(request(0, log.heads.at(3)), kNow).answer.body, "300\n");
  EXPECT_EQ(again.add_checkpoint(request(300, log.head), kNow).answer.status, 200);
}

TEST_F(WitnessTest, RefusesStoredStateThatItDidNotSign) {
  const auto stored = cosigned(0, 300).persist;
  Witness other("witness.example/w1", SigningKey::generate());
  EXPECT_FALSE(other.restore(*stored));
  Witness again("witness.example/w1", own_key);
  EXPECT_FALSE(again.restore({"log.example/2", stored->note}));
  EXPECT_FALSE(again.restore({kOrigin, checkpoint(log.head)}));
  for (std::size_t at = 0; at < stored->note.find("\n\n"); ++at) {
    WitnessedCheckpoint changed = *stored;
    changed.note[at] = static_cast<char>(changed.note[at] ^ 1);
    EXPECT_FALSE(again.restore(changed)) << at;
  }
}

TEST_F(WitnessTest, AClockThatWasSetBackDoesNotMakeALaterCosignatureOlder) {
  cosigned(0, 300);
  const Witness::Output output = witness.add_checkpoint(request(300, log.head), kNow - 1h);
  const auto opened = open_checkpoint(checkpoint(log.head) + output.answer.body, log_key,
                                      std::span(&witness.verifier_key(), 1));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->cosignatures.at(0).cosigned_seconds, 1'700'000'000U);
}

TEST_F(WitnessTest, KeepsNoSignatureThatItDidNotVerify) {
  const Bytes text = format_checkpoint(Checkpoint{kOrigin, log.head, {}});
  const Note note{text,
                  {sign_note(text, kOrigin, key), sign_note(text, "grease.example", own_key)}};
  const auto stored = witness.add_checkpoint(request_with(0, {}, format_note(note)), kNow).persist;
  ASSERT_TRUE(stored);
  EXPECT_THAT(stored->note, ::testing::Not(::testing::HasSubstr("grease")));
  EXPECT_EQ(parse_note(stored->note).value().signatures.size(), 2U);
}

TEST_F(WitnessTest, FollowsALogThroughAChangeOfItsKey) {
  cosigned(0, 300);
  const SigningKey fresh = SigningKey::generate();
  witness.trust({kOrigin, KeyType::ed25519, fresh.public_key()});
  const Bytes text = format_checkpoint(Checkpoint{kOrigin, log.head, {}});
  const Bytes note = format_note({text, {sign_note(text, kOrigin, fresh)}});
  EXPECT_EQ(witness.add_checkpoint(request_with(300, proof(300, 700), note), kNow).answer.status,
            200);
}

TEST_F(WitnessTest, AKeyThatIsNotTrustedAnyMoreForgetsNothingOfTheLog) {
  cosigned(0, 300);
  witness.distrust(log_key);
  expect_refused(404, request(300, log.head));
  witness.trust(log_key);
  witness.trust(log_key);
  expect_refused(409, request(0, log.head));
  cosigned(300, 700);
  witness.distrust(log_key);
  expect_refused(404, request(700, log.head));
}

TEST(Witness, ServesEachLogUnderTheDigestOfItsOrigin) {
  EXPECT_EQ(monitoring_path(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/checkpoint");
}

}  // namespace
}  // namespace tradewind
