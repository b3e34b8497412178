// Bytes that other implementations made or published, so that both sides cannot be wrong together:
// RFC 6962's classic eight leaves, and what golang.org/x/mod makes of them.
#include <gtest/gtest.h>

#include "state/identity/encoding.h"
#include "state/transparency/cosignature.h"
#include "state/transparency/log.h"
#include "state/transparency/receipt.h"
#include "state/transparency/tile_path.h"
#include "tests/unit/transparency/memory_log.h"

namespace tradewind {
namespace {

constexpr std::string_view kLeaves[] = {"",
                                        "00",
                                        "10",
                                        "2021",
                                        "3031",
                                        "40414243",
                                        "5051525354555657",
                                        "606162636465666768696a6b6c6d6e6f"};
constexpr std::string_view kRoots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

constexpr std::string_view kLogKey =
    "broker.example/log1+aca239c5+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
constexpr std::string_view kWitnessKey =
    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
constexpr std::string_view kText =
    "broker.example/log1\n"
    "8\n"
    "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
constexpr std::string_view kLogLine =
    "— broker.example/log1 "
    "rKI5xS+DaLtRd32xj3bn3zH/07ML/"
    "9xcu076IBPh90XNM0L4chi1v2M8ZYZzQSD1EmThDuUugrlrLhgi6DENNll7QwQ=\n";
constexpr std::string_view kWitnessLine =
    "— witness.example/w1 "
    "IDJKvgAAAABlU/"
    "EAQfZ8q+fsdU9ENr6rZqYrLw3CC0sC1FCCQdWXZPTi6Hria5rVTZIYG7GkpcTKZUGpGAtGQn3gGt1z0oJz"
    "kVuKAg==\n";

Bytes from_hex(std::string_view text) {
  return hex_decode("test", text).value();
}
Hash hash_of(std::string_view text) {
  return Hash::from(from_hex(text));
}
SigningKey key_from(unsigned char first) {
  Bytes seed;
  for (unsigned char at = 0; at < 32; ++at) seed += static_cast<char>(first + at);
  return SigningKey::from_seed(seed).value();
}

struct EightLeaves {
  EightLeaves() {
    Log log("broker.example/log1");
    for (const std::string_view each : kLeaves) {
      log.append(from_hex(each)).value();
      publications.push_back(log.publish().value());
      store.take(publications.back());
    }
  }
  TreeHead head(std::size_t size) const { return {size, hash_of(kRoots[size])}; }
  testing::MemoryLog store;
  std::vector<Publication> publications;
};

TEST(Vectors, TheRootsAreThoseOfTheEightLeaves) {
  EXPECT_EQ(hex(empty_root().view()), kRoots[0]);
  const EightLeaves log;
  for (std::size_t size = 1; size <= 8; ++size) {
    EXPECT_EQ(hex(log.publications[size - 1].head.root.view()), kRoots[size]);
  }
}

std::vector<Hash> hashes_of(std::initializer_list<std::string_view> texts) {
  std::vector<Hash> hashes;
  for (const std::string_view each : texts) hashes.push_back(hash_of(each));
  return hashes;
}

TEST(Vectors, TheInclusionProofIsThatOfTheEightLeaves) {
  const EightLeaves log;
  TileHashes seven = log.store.tree(7);
  const auto proof = prove_inclusion(4, seven);
  ASSERT_TRUE(proof);
  EXPECT_EQ(*proof, hashes_of({"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
                               "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                               kRoots[4]}));
  EXPECT_TRUE(verify_inclusion(Hasher().leaf(from_hex(kLeaves[4])), 4, log.head(7), *proof));
}

TEST(Vectors, TheConsistencyProofsAreThoseOfTheEightLeaves) {
  const struct {
    std::uint64_t old_size;
    std::uint64_t size;
    std::vector<Hash> proof;
  } vectors[] = {
      {6, 8,
       hashes_of({"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", kRoots[4]})},
      {3, 7,
       hashes_of({"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
                  "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7", kRoots[2],
                  "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e"})},
  };
  const EightLeaves log;
  for (const auto& each : vectors) {
    TileHashes tree = log.store.tree(each.size);
    EXPECT_EQ(prove_consistency(each.old_size, tree).value(), each.proof);
    EXPECT_TRUE(verify_consistency(log.head(each.old_size), log.head(each.size), each.proof));
  }
}

TEST(Vectors, KeysHaveTheirPublishedTexts) {
  const VerifierKey log{"broker.example/log1", KeyType::ed25519, key_from(0).public_key()};
  EXPECT_EQ(format_verifier_key(log), kLogKey);
  EXPECT_EQ(parse_verifier_key(kLogKey).value(), log);
  EXPECT_EQ(key_id(log), 0xaca239c5U);
  const VerifierKey witness{"witness.example/w1", KeyType::cosignature,
                            key_from(0x20).public_key()};
  EXPECT_EQ(format_verifier_key(witness), kWitnessKey);
  EXPECT_EQ(parse_verifier_key(kWitnessKey).value(), witness);
}

TEST(Vectors, TheSpecificationsOwnNoteVerifies) {
  const auto key =
      parse_verifier_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
  ASSERT_TRUE(key);
  const auto note = parse_note(
      "This is an example message.\n\n"
      "— example.com/foo "
      "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
      "HjG1Yu72IneyaQM=\n");
  ASSERT_TRUE(note);
  EXPECT_TRUE(verify_note(*note, std::span(&*key, 1)));
}

TEST(Vectors, TheCheckpointIsSignedAndCosignedByteForByte) {
  const EightLeaves log;
  EXPECT_EQ(log.publications.back().checkpoint, kText);
  const Bytes text(kText);
  const Note note{text,
                  {sign_note(text, "broker.example/log1", key_from(0)),
                   cosign_note(text, "witness.example/w1", key_from(0x20), 1'700'000'000)}};
  const Bytes complete = text + "\n" + Bytes(kLogLine) + Bytes(kWitnessLine);
  EXPECT_EQ(format_note(note), complete);
  EXPECT_EQ(parse_note(complete).value(), note);

  const VerifierKey witness = parse_verifier_key(kWitnessKey).value();
  const auto opened =
      open_checkpoint(complete, parse_verifier_key(kLogKey).value(), std::span(&witness, 1));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->checkpoint.origin, "broker.example/log1");
  EXPECT_EQ(opened->checkpoint.head, log.head(8));
  ASSERT_EQ(opened->cosignatures.size(), 1U);
  EXPECT_EQ(opened->cosignatures[0].key, witness);
  EXPECT_EQ(opened->cosignatures[0].cosigned_seconds, 1'700'000'000U);
}

TEST(Vectors, TheBundleHasTheEntriesBehindTheirLengths) {
  const EightLeaves log;
  EXPECT_EQ(hex(log.store.bundles.at(BundleId{0, 8})),
            "0000"
            "000100"
            "000110"
            "00022021"
            "00023031"
            "000440414243"
            "00085051525354555657"
            "0010606162636465666768696a6b6c6d6e6f");
}

TEST(Vectors, PathsAreThoseOfTheSpecification) {
  EXPECT_EQ(path_of(TileId{0, 0}), "tile/0/000");
  EXPECT_EQ(path_of(TileId{0, 1171}), "tile/0/x001/171");
  EXPECT_EQ(path_of(TileId{3, 1'234'067}), "tile/3/x001/x234/067");
  EXPECT_EQ(path_of(TileId{0, 1'234'067, 8}), "tile/0/x001/x234/067.p/8");
  EXPECT_EQ(path_of(BundleId{1000, 255}), "tile/entries/x001/000.p/255");
}

TEST(Vectors, TheEmptyTreeHasItsCheckpoint) {
  EXPECT_EQ(format_checkpoint(Checkpoint{"a", TreeHead{}, {}}),
            "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
}

TEST(Vectors, AReceiptIsTheDocumentedText) {
  const EightLeaves log;
  const Bytes checkpoint = Bytes(kText) + "\n" + Bytes(kLogLine) + Bytes(kWitnessLine);
  const Hash leaf = Hasher().leaf(from_hex(kLeaves[4]));
  TileHashes eight = log.store.tree(8);
  auto receipt = make_receipt(4, leaf, log.head(8).root, checkpoint, eight);
  ASSERT_TRUE(receipt);
  const auto line = [](const std::string_view text) {
    return base64_encode(from_hex(text)) + "\n";
  };
  const Bytes expected = "c2sp.org/tlog-proof@v1\nindex 4\n" +
                         line("4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658") +
                         line("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0") +
                         line(kRoots[4]) + "\n" + checkpoint;
  EXPECT_EQ(format_receipt(*receipt), expected);
  EXPECT_EQ(parse_receipt(expected).value(), *receipt);
  const VerifierKey key = parse_verifier_key(kLogKey).value();
  EXPECT_TRUE(verify_receipt(*receipt, from_hex(kLeaves[4]), key));
  EXPECT_FALSE(verify_receipt(*receipt, from_hex(kLeaves[5]), key));
  receipt->extra = "for the holder";
  EXPECT_EQ(parse_receipt(format_receipt(*receipt)).value(), *receipt);
}

}  // namespace
}  // namespace tradewind
