// Whose signatures count, and whose do not.
#include "state/transparency/note.h"

#include <gtest/gtest.h>

#include "state/transparency/checkpoint.h"
#include "state/transparency/cosignature.h"

namespace tradewind {
namespace {

struct Signed {
  std::string name = "log.example/1";
  SigningKey key = SigningKey::generate();
  VerifierKey verifier{name, KeyType::ed25519, key.public_key()};
  Bytes text = format_checkpoint(Checkpoint{name, TreeHead{}, {}});
};

TEST(Notes, SignaturesByStrangersAreIgnoredAndNeverEnough) {
  const Signed log;
  const SigningKey stranger = SigningKey::generate();
  const NoteSignature grease{"grease.invalid", 7, "nothing that verifies"};
  const NoteSignature same_name = sign_note(log.text, log.name, stranger);
  NoteSignature same_id = sign_note(log.text, "other", stranger);
  same_id.key_id = key_id(log.verifier);
  Note note{log.text, {grease, same_name, same_id}};
  auto opened = open_checkpoint(format_note(note), log.verifier);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unauthenticated);
  note.signatures.push_back(sign_note(log.text, log.name, log.key));
  EXPECT_TRUE(open_checkpoint(format_note(note), log.verifier));
}

TEST(Notes, OneBadSignatureOfAKnownKeyRefusesTheNoteWhateverElseIsThere) {
  const Signed log;
  const NoteSignature good = sign_note(log.text, log.name, log.key);
  NoteSignature bad = good;
  bad.signature[0] = static_cast<char>(bad.signature[0] ^ 1);
  EXPECT_FALSE(open_checkpoint(format_note({log.text, {bad}}), log.verifier));
  EXPECT_FALSE(open_checkpoint(format_note({log.text, {good, bad}}), log.verifier));
  EXPECT_TRUE(open_checkpoint(format_note({log.text, {good, good}}), log.verifier));
}

TEST(Notes, AWitnessAloneDoesNotMakeACheckpointAndALogDoesNotCosign) {
  const Signed log;
  const Signed witness;
  const VerifierKey witness_key{"w", KeyType::cosignature, witness.key.public_key()};
  const Note cosigned{log.text, {cosign_note(log.text, "w", witness.key, 5)}};
  const auto opened =
      open_checkpoint(format_note(cosigned), log.verifier, std::span(&witness_key, 1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unauthenticated);
  // A plain signature under the witness's name and key id is not a cosignature.
  NoteSignature plain = sign_note(log.text, "w", witness.key);
  plain.key_id = key_id(witness_key);
  const Note both{log.text, {sign_note(log.text, log.name, log.key), plain}};
  EXPECT_FALSE(open_checkpoint(format_note(both), log.verifier, std::span(&witness_key, 1)));
}

TEST(Notes, ALogCannotSpeakForAnother) {
  const Signed log;
  const Bytes other = format_checkpoint(Checkpoint{"log.example/2", TreeHead{}, {}});
  const Note note{other, {sign_note(other, log.name, log.key)}};
  const auto opened = open_checkpoint(format_note(note), log.verifier);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unauthenticated);
}

TEST(Notes, AFlipOfAnyByteOfASignedCheckpointIsDetected) {
  const Signed log;
  const Bytes bytes = format_note({log.text, {sign_note(log.text, log.name, log.key)}});
  ASSERT_TRUE(open_checkpoint(bytes, log.verifier));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(open_checkpoint(changed, log.verifier)) << at << " bit " << bit;
    }
  }
}

}  // namespace
}  // namespace tradewind
