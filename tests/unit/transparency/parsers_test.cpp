// What parsers refuse. Whatever they take has one form only.
#include <gtest/gtest.h>

#include "state/identity/encoding.h"
#include "state/transparency/checkpoint.h"
#include "state/transparency/cosignature.h"
#include "state/transparency/limits.h"
#include "state/transparency/line.h"
#include "state/transparency/receipt.h"
#include "state/transparency/tile_path.h"
#include "state/transparency/witness_request.h"

namespace tradewind {
namespace {

const std::string kRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

template <class T>
void expect_refused(const Result<T>& result, const std::string& what) {
  ASSERT_FALSE(result) << what;
  EXPECT_EQ(result.error().code, ErrorCode::invalid) << what;
  EXPECT_FALSE(result.error().field.empty());
  EXPECT_FALSE(result.error().message.empty());
  EXPECT_FALSE(result.error().remedy.empty());
}

TEST(Parsers, RefuseCheckpointsOfOtherForms) {
  ASSERT_TRUE(parse_checkpoint("o\n7\n" + kRoot + "\n"));
  for (const std::string& text :
       std::vector<std::string>{"",
                                "\n",
                                "o",
                                "o\n",
                                "o\n7\n",
                                "o\n7\n" + kRoot,
                                "\n7\n" + kRoot + "\n",
                                "o\n07\n" + kRoot + "\n",
                                "o\n+7\n" + kRoot + "\n",
                                "o\n-7\n" + kRoot + "\n",
                                "o\n 7\n" + kRoot + "\n",
                                "o\n7 \n" + kRoot + "\n",
                                "o\n0x7\n" + kRoot + "\n",
                                "o\n\n" + kRoot + "\n",
                                "o\n9223372036854775808\n" + kRoot + "\n",
                                "o\n18446744073709551617\n" + kRoot + "\n",
                                "o\n7\n" + kRoot.substr(4) + "\n",
                                "o\n7\n" + kRoot + "AAAA\n",
                                "o\n7\n" + kRoot.substr(0, 42) + "V=\n",
                                "o\n7\n" + kRoot + "\n\n",
                                "o\n7\n" + kRoot + "\n\next\n",
                                "o\n7\n" + kRoot + "\next"}) {
    expect_refused(parse_checkpoint(text), text);
  }
  const auto extended = parse_checkpoint("o\n9223372036854775807\n" + kRoot + "\none\ntwo\n");
  ASSERT_TRUE(extended);
  EXPECT_EQ(extended->extensions, (std::vector<std::string>{"one", "two"}));
}

TEST(Parsers, RefuseNotesOfOtherForms) {
  const std::string line = "— name " + base64_encode("idididid") + "\n";
  ASSERT_TRUE(parse_note("text\n\n" + line));
  ASSERT_TRUE(parse_note("text\n\nmore\n\n" + line));
  for (const std::string& text :
       std::vector<std::string>{"",
                                "text\n",
                                "text\n\n",
                                "text\n" + line,
                                "text\n\n" + line + "\n",
                                "text\n\n" + line.substr(0, line.size() - 1),
                                "text\n\n-" + line,
                                "te\txt\n\n" + line,
                                "te\rxt\n\n" + line,
                                std::string("te\0xt\n\n", 7) + line,
                                "te\xffxt\n\n" + line,
                                "te\xc0\x80xt\n\n" + line,
                                "te\xed\xa0\x80xt\n\n" + line,
                                "text\n\n—  " + base64_encode("idididid") + "\n",
                                "text\n\n— na me " + base64_encode("idididid") + "\n",
                                "text\n\n— na+me " + base64_encode("idididid") + "\n",
                                "text\n\n— na\u00a0me " + base64_encode("idididid") + "\n",
                                "text\n\n— na\u3000me " + base64_encode("idididid") + "\n",
                                "text\n\n— name " + base64_encode("idid") + "\n",
                                "text\n\n— name ????\n",
                                "text\n\n— name\n",
                                "text\n\n— name  " + base64_encode("idididid") + "\n"}) {
    expect_refused(parse_note(text), text);
  }
}

TEST(Parsers, BoundNotesAndTakeSixteenSignaturesOfAnyKind) {
  const std::string line = "— name " + base64_encode(std::string(2'432, 's')) + "\n";
  std::string note = "text\n\n";
  for (int count = 0; count < 16; ++count) note += line;
  EXPECT_TRUE(parse_note(note));
  std::string many = "text\n\n";
  for (std::size_t count = 0; count <= limits::note_signatures_max; ++count) {
    many += "— n AAAAAAAA\n";
  }
  expect_refused(parse_note(many), "many signatures");
  expect_refused(parse_note(std::string(limits::note_bytes_max, 'x') + "\n\n" + line), "long");
}

TEST(Parsers, RefuseKeysOfOtherForms) {
  const std::string good =
      "broker.example/log1+aca239c5+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
  ASSERT_TRUE(parse_verifier_key(good));
  for (const std::string& text :
       std::vector<std::string>{"", "+", "++", "name", "name+aca239c5",
                                "+aca239c5+" + good.substr(29), good + "\n", good + "=", " " + good,
                                "other" + good, "broker.example/log1+aca239c6+" + good.substr(29),
                                "broker.example/log1+ACA239C5+" + good.substr(29),
                                "broker.example/log1+aca239c5+" + base64_encode(Bytes(1, 1)),
                                "broker.example/log1+aca239c5+",
                                "broker.example/log1+aca239c5+" + base64_encode(Bytes(34, 1)),
                                "broker.example/log1+aca239c5+" + base64_encode(Bytes(33, 2)),
                                std::string(2'000, 'n') + "+aca239c5+" + good.substr(29)}) {
    expect_refused(parse_verifier_key(text), text);
  }
}

TEST(Parsers, RefuseTilePathsOfOtherForms) {
  for (const std::string& path :
       std::vector<std::string>{"",
                                "tile",
                                "tile/",
                                "tile/0",
                                "tile/0/",
                                "tile/0/0",
                                "tile/0/00",
                                "tile/0/0000",
                                "tile/0/000/",
                                "/tile/0/000",
                                "tile/00/000",
                                "tile/8/000",
                                "tile/-1/000",
                                "tile/0/x000/000",
                                "tile/0/x001",
                                "tile/0/x001/",
                                "tile/0/x1/000",
                                "tile/0/001/000",
                                "tile/0/x001/x000",
                                "tile/0/x001/0001",
                                "tile/0/000.p",
                                "tile/0/000.p/",
                                "tile/0/000.p/0",
                                "tile/0/000.p/256",
                                "tile/0/000.p/01",
                                "tile/0/000.p/1/",
                                "tile/0/000.p/+1",
                                "tile/0/../000",
                                "tile/data/000",
                                "tile/entries",
                                "tile/entries/",
                                "tile/entries/1",
                                "tile/entries/000.p/8.p/8",
                                "tile/0/xx001/000",
                                "tile/0/0x1",
                                "tile/0/ 01",
                                "tile/0/x009/x223/x372/x036/x854/x775/807",
                                "tile/0/" + std::string(1'000, 'x')}) {
    expect_refused(parse_tile_path(path), path);
  }
}

TEST(Parsers, TakeEveryTilePathThatIsWritten) {
  for (const std::uint64_t index :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1'000},
        std::uint64_t{1'234'067}, limits::tree_size_max / tile_width}) {
    for (const unsigned width : {1U, 9U, 255U, 256U}) {
      for (const unsigned level : {0U, 7U}) {
        const TileId id{level, index, width};
        EXPECT_EQ(std::get<TileId>(parse_tile_path(path_of(id)).value()), id);
      }
      const BundleId id{index, width};
      EXPECT_EQ(std::get<BundleId>(parse_tile_path(path_of(id)).value()), id);
    }
  }
}

TEST(Parsers, RefuseBundlesOfOtherLengths) {
  Bytes bundle;
  append_entry(bundle, "one");
  append_entry(bundle, "");
  append_entry(bundle, Bytes(65'535, 'z'));
  const auto entries = decode_bundle({0, 3}, bundle);
  ASSERT_TRUE(entries);
  EXPECT_EQ((*entries)[0], "one");
  EXPECT_EQ((*entries)[1], "");
  EXPECT_EQ((*entries)[2].size(), 65'535U);
  for (std::size_t length = 0; length < bundle.size(); length += length < 20 ? 1 : 997) {
    const auto cut = decode_bundle({0, 3}, BytesView(bundle).substr(0, length));
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::corrupt);
  }
  EXPECT_FALSE(decode_bundle({0, 2}, bundle));
  EXPECT_FALSE(decode_bundle({0, 4}, bundle));
  EXPECT_FALSE(decode_bundle({0, 3}, bundle + "x"));
}

TEST(Parsers, RefuseCosignaturesOfOtherForms) {
  const Bytes good = Bytes(8, '\0') + Bytes(64, 's');
  ASSERT_TRUE(parse_cosignature(good));
  expect_refused(parse_cosignature(""), "empty");
  expect_refused(parse_cosignature(good.substr(1)), "short");
  expect_refused(parse_cosignature(good + "s"), "long");
  expect_refused(parse_cosignature("\x80" + good.substr(1)), "2^63 seconds");
}

TEST(Parsers, RefuseReceiptsOfOtherForms) {
  const std::string head = "c2sp.org/tlog-proof@v1\n";
  ASSERT_TRUE(parse_receipt(head + "index 0\n\nnote"));
  std::string long_proof;
  for (int count = 0; count < 64; ++count) long_proof += kRoot + "\n";
  for (const std::string& text : std::vector<std::string>{
           "", head, "c2sp.org/tlog-proof@v2\nindex 0\n\n", head + "index 0\n",
           head + "index 00\n\n", head + "index\n\n", head + "index -1\n\n",
           head + "extra\nindex 0\n\n", head + "extra ?\nindex 0\n\n",
           head + "extra AAAA\nextra AAAA\nindex 0\n\n", head + "index 0\nextra AAAA\n\n",
           head + "index 0\nindex 0\n\n", head + "index 0\n" + kRoot + "=\n\n",
           head + "index 0\n" + long_proof + "\n", head + "index 9223372036854775808\n\n",
           head + "index 0\n\n" + std::string(1'000'000, 'x')}) {
    expect_refused(parse_receipt(text), text.substr(0, 200));
  }
}

TEST(Parsers, RefuseWitnessRequestsOfOtherForms) {
  ASSERT_TRUE(parse_witness_request("old 0\n\nnote"));
  std::string long_proof;
  for (int count = 0; count < 64; ++count) long_proof += kRoot + "\n";
  for (const std::string& text :
       std::vector<std::string>{"", "old\n\n", "old 01\n\n", "old  1\n\n", "Old 1\n\n", "old 1",
                                "old 1\n", "old 1\n" + kRoot, "old 1\nx\n\n",
                                "old 1\n" + long_proof + "\n", "old 9223372036854775808\n\n"}) {
    expect_refused(parse_witness_request(text), text.substr(0, 200));
  }
}

}  // namespace
}  // namespace tradewind
