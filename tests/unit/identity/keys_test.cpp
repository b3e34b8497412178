#include "state/identity/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <algorithm>

#include <fstream>

#include "state/identity/pair_digest.h"
#include "state/identity/stored_file.h"
#include "tests/unit/identity/scratch.h"

namespace tradewind {
namespace {

using testing::HasSubstr;

Bytes from_hex(std::string_view text) {
  return hex_decode("test", text).value();
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat facts{};
  EXPECT_EQ(::stat(file.c_str(), &facts), 0);
  return facts.st_mode & 07777;
}

struct Vector {
  std::string_view seed, key, message, signature;
};

// RFC 8032, section 7.1, tests 1, 2 and 3.
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(SigningKey, FollowsTheVectorsOfRfc8032) {
  for (const Vector& each : kVectors) {
    const auto key = SigningKey::from_seed(from_hex(each.seed));
    ASSERT_TRUE(key);
    EXPECT_EQ(hex(key->public_key()), each.key);
    EXPECT_EQ(hex(key->sign(from_hex(each.message))), each.signature);
    EXPECT_TRUE(
        verify_signature(from_hex(each.key), from_hex(each.message), from_hex(each.signature)));
  }
}

TEST(SigningKey, RefusesSeedsOfAnotherLength) {
  for (const std::size_t length : {0U, 31U, 33U, 64U}) {
    const auto key = SigningKey::from_seed(Bytes(length, 'x'));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::invalid);
  }
}

TEST(SigningKey, VerifiesNothingButItsOwnSignatureOfThatMessage) {
  const SigningKey key = SigningKey::generate();
  const Bytes signature = key.sign("message");
  EXPECT_TRUE(verify_signature(key.public_key(), "message", signature));
  EXPECT_FALSE(verify_signature(key.public_key(), "massage", signature));
  EXPECT_FALSE(verify_signature(SigningKey::generate().public_key(), "message", signature));
  for (std::size_t at = 0; at < signature.size(); ++at) {
    Bytes changed = signature;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(verify_signature(key.public_key(), "message", changed)) << at;
  }
}

TEST(SigningKey, TakesKeysAndSignaturesOfAnyFormAndSaysNo) {
  const SigningKey key = SigningKey::generate();
  const Bytes signature = key.sign("message");
  EXPECT_FALSE(verify_signature("", "message", signature));
  EXPECT_FALSE(verify_signature(key.public_key().substr(1), "message", signature));
  EXPECT_FALSE(verify_signature(key.public_key() + "x", "message", signature));
  EXPECT_FALSE(verify_signature(Bytes(32, '\xff'), "message", signature));
  EXPECT_FALSE(verify_signature(key.public_key(), "message", ""));
  EXPECT_FALSE(verify_signature(key.public_key(), "message", signature + "x"));
  EXPECT_FALSE(verify_signature(key.public_key(), "message", Bytes(64, '\0')));
}

TEST(SigningKey, SurvivesAFileThatOnlyItsOwnerMayRead) {
  const Scratch scratch;
  const auto file = scratch.path() / "identity.key";
  const SigningKey key = SigningKey::generate();
  const mode_t before = ::umask(0);
  ASSERT_TRUE(key.save(file));
  ::umask(before);
  EXPECT_EQ(mode_of(file), 0600U);
  const auto loaded = SigningKey::load(file);
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->public_key(), key.public_key());
  EXPECT_TRUE(verify_signature(key.public_key(), "again", loaded->sign("again")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.path()), {}), 1)
      << "no temporary file is left";
}

TEST(SigningKey, IsRefusedFromAFileThatOthersMayRead) {
  const Scratch scratch;
  const auto file = scratch.path() / "identity.key";
  ASSERT_TRUE(SigningKey::generate().save(file));
  for (const mode_t mode : {0640U, 0604U, 0660U, 0610U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const auto loaded = SigningKey::load(file);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::forbidden);
    EXPECT_THAT(loaded.error().remedy, HasSubstr("chmod 600"));
  }
}

TEST(SigningKey, TellsAMissingFileFromABrokenOne) {
  const Scratch scratch;
  const auto file = scratch.path() / "identity.key";
  EXPECT_EQ(SigningKey::load(file).error().code, ErrorCode::not_found);
  for (const std::string& text :
       {std::string(), std::string("nonsense"), std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n"),
        SigningKey::generate().private_pem().substr(0, 80)}) {
    ASSERT_TRUE(store_file(file, text, private_mode));
    const auto loaded = SigningKey::load(file);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
    EXPECT_EQ(loaded.error().field, file.string());
  }
  ASSERT_TRUE(store_file(file, Bytes(100'000, 'x'), private_mode));
  EXPECT_EQ(SigningKey::load(file).error().code, ErrorCode::too_large);
  EXPECT_EQ(SigningKey::load(scratch.path()).error().code, ErrorCode::unavailable);
}

TEST(SigningKey, IsMadeOnceWhenThereIsNone) {
  const Scratch scratch;
  const auto file = scratch.path() / "identity.key";
  const auto first = SigningKey::load_or_generate(file);
  const auto second = SigningKey::load_or_generate(file);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->public_key(), second->public_key());
  // A broken key is never replaced by a new one behind its owner's back.
  ASSERT_TRUE(store_file(file, "broken", private_mode));
  EXPECT_EQ(SigningKey::load_or_generate(file).error().code, ErrorCode::corrupt);
}

TEST(CurveKeys, SurviveAFileAndAreNotTakenForSigningKeys) {
  const Scratch scratch;
  const auto file = scratch.path() / "link.key";
  const CurveKeys keys = CurveKeys::generate();
  EXPECT_EQ(keys.public_key.size(), 32U);
  EXPECT_EQ(keys.secret_key.size(), 32U);
  ASSERT_TRUE(keys.save(file));
  EXPECT_EQ(mode_of(file), 0600U);
  const auto loaded = CurveKeys::load_or_generate(file);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->public_key, keys.public_key);
  EXPECT_EQ(loaded->secret_key, keys.secret_key);
  EXPECT_EQ(SigningKey::load(file).error().code, ErrorCode::corrupt);
  const auto other = scratch.path() / "identity.key";
  ASSERT_TRUE(SigningKey::generate().save(other));
  EXPECT_EQ(CurveKeys::load(other).error().code, ErrorCode::corrupt);
}

TEST(Digest, FollowsTheVectorsOfFips180) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, OfAByteAndTwoDigestsIsThatOfTheWhole) {
  Sha256Digest left;
  Sha256Digest right;
  for (int round = 0; round < 100; ++round) {
    std::ranges::copy(sha256(std::to_string(round)), left.begin());
    std::ranges::copy(sha256(std::to_string(-round)), right.begin());
    const auto first = static_cast<char>(round);
    const auto found = sha256_pair(first, left, right);
    EXPECT_EQ(Bytes(found.data(), found.size()),
              sha256(Bytes(1, first) + Bytes(left.data(), left.size()) +
                     Bytes(right.data(), right.size())));
  }
}

TEST(Digest, IsTheSamePieceByPieceAndStartsAnewWhenFinished) {
  Sha256 digest;
  digest.update("a");
  digest.update("");
  digest.update("bc");
  EXPECT_EQ(digest.finish(), sha256("abc"));
  EXPECT_EQ(digest.finish(), sha256(""));
  digest.update("abc");
  Sha256 moved = std::move(digest);
  EXPECT_EQ(moved.finish(), sha256("abc"));
}

TEST(Encoding, FollowsTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode("x", text).value(), bytes);
  }
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64_encode("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(base64url_encode("f"), "Zg");
  EXPECT_EQ(hex("\x01\xab"), "01ab");
}

TEST(Encoding, GivesBackWhatItWasGiven) {
  for (std::size_t length = 0; length < 70; ++length) {
    const Bytes bytes = random_bytes(length);
    EXPECT_EQ(hex_decode("x", hex(bytes)).value(), bytes);
    EXPECT_EQ(base64_decode("x", base64_encode(bytes)).value(), bytes);
    EXPECT_EQ(base64url_decode("x", base64url_encode(bytes)).value(), bytes);
  }
}

TEST(Encoding, TakesOneTextOnlyForGivenBytes) {
  for (const std::string_view text : {"Zg", "Zg=", "Zh==", "Zg== ", "Z===", "====", "Zm9=", "Zm-_",
                                      "Zm9v\n", "Zg==Zg==", "Zm9v="}) {
    EXPECT_FALSE(base64_decode("x", text)) << text;
  }
  for (const std::string_view text : {"Zg==", "Zh", "Z", "Zm+/", "Zm9 ", "Zm9vY"})
    EXPECT_FALSE(base64url_decode("x", text)) << text;
  for (const std::string_view text : {"0", "AB", "0g", " 00", "0x00"})
    EXPECT_FALSE(hex_decode("x", text)) << text;
}

TEST(Encoding, NamesTheFieldAndKeepsTheTextToItself) {
  const auto error = base64url_decode("token", "secret!!").error();
  EXPECT_EQ(error.code, ErrorCode::invalid);
  EXPECT_EQ(error.field, "token");
  EXPECT_THAT(describe(error), HasSubstr("character 7"));
  EXPECT_THAT(describe(error), testing::Not(HasSubstr("secret")));
}

TEST(Random, DiffersEachTimeAndComparesWhole) {
  EXPECT_NE(random_bytes(16), random_bytes(16));
  EXPECT_TRUE(random_bytes(0).empty());
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

TEST(StoredFile, ReplacesTheOldContentWhole) {
  const Scratch scratch;
  const auto file = scratch.path() / "text";
  ASSERT_TRUE(store_file(file, "first, and longer", public_mode));
  ASSERT_TRUE(store_file(file, "second", public_mode));
  EXPECT_EQ(load_file(file, 6).value(), "second");
  EXPECT_EQ(load_file(file, 5).error().code, ErrorCode::too_large);
  EXPECT_EQ(mode_of(file), 0644U);
  EXPECT_EQ(store_file(scratch.path() / "none" / "text", "x", public_mode).error().code,
            ErrorCode::not_found);
}

}  // namespace
}  // namespace tradewind
