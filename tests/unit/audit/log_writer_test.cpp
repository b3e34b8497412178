// The log made of a journal is whole, goes on after every kind of end, and refuses what does not
// continue what was signed.
#include "broker/audit/log_writer.h"

#include <gtest/gtest.h>

#include "state/transparency/cosignature.h"
#include "tests/unit/audit/sample_log.h"

namespace tradewind {
namespace {

using sample::audit_whole;
using sample::grow;
using sample::kOrigin;
using sample::publish;
using sample::TemporaryDirectory;

// A checkpoint over `head` that the log's own key signed.
Bytes signed_by_log(const TreeHead& head) {
  const Bytes text = format_checkpoint(Checkpoint{kOrigin, head, {}});
  return format_note({text, {sign_note(text, kOrigin, sample::log_key())}});
}

void expect_refused(Journal& journal, ErrorCode code, const std::string& words) {
  const auto writer = sample::recover(journal);
  ASSERT_FALSE(writer) << "a log went on that should not";
  EXPECT_EQ(writer.error().code, code) << describe(writer.error());
  EXPECT_NE(describe(writer.error()).find(words), std::string::npos) << describe(writer.error());
  EXPECT_FALSE(writer.error().remedy.empty());
}

TEST(LogWriter, EveryEntryIsTheLeafOfItsPlace) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 700);
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer);
  publish(*writer);
  EXPECT_EQ(writer->checkpoint()->head.size, 700U);
  EXPECT_TRUE(audit_whole(journal->log()));
  for (const std::uint64_t index : {0U, 255U, 256U, 699U}) {
    const BundleId id{index / tile_width,
                      static_cast<unsigned>(std::min<std::uint64_t>(256, 700 - index / 256 * 256))};
    const Bytes bytes = *journal->log().read(id);
    EXPECT_EQ(decode_bundle(id, bytes)->at(index % tile_width),
              sample::leaf_writer().write(Sequence{index + 1}, sample::log_entry(index + 1)).event);
  }
}

TEST(LogWriter, GoesOnAfterARestartAsIfThereHadBeenNone) {
  const TemporaryDirectory stopped;
  const TemporaryDirectory straight;
  for (const std::uint64_t size : {1U, 255U, 256U, 300U, 512U, 900U}) {
    const auto journal = sample::open(stopped.path());
    grow(*journal, size);
    auto writer = sample::recover(*journal);
    ASSERT_TRUE(writer) << size << " " << describe(writer.error());
    publish(*writer);
    EXPECT_TRUE(audit_whole(journal->log())) << size;
  }
  const auto journal = sample::open(straight.path());
  grow(*journal, 900);
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer);
  publish(*writer);
  EXPECT_EQ(*journal->log().checkpoint(), *sample::open(stopped.path())->log().checkpoint());
}

TEST(LogWriter, WritesInSmallPiecesWhatOneCheckpointSigns) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 1'000);
  auto writer = sample::recover(*journal, {.entries = 77, .bytes = 1 << 20});
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->write());
  EXPECT_EQ(writer->size(), 77U);
  EXPECT_TRUE(writer->behind());
  publish(*writer);
  EXPECT_EQ(writer->checkpoint()->head.size, 1'000U);
  EXPECT_TRUE(audit_whole(journal->log()));
}

TEST(LogWriter, APartialTileOrBundleIsTheBeginningOfWhatReplacedIt) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 40);
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer);
  publish(*writer);
  const LogStore& log = journal->log();
  const Bytes tile = *log.read(TileId{0, 0, 40});
  const Bytes bundle = *log.read(BundleId{0, 40});
  grow(*journal, 600);
  publish(*writer);
  EXPECT_EQ(*log.read(TileId{0, 0, 40}), tile);
  EXPECT_EQ(*log.read(BundleId{0, 40}), bundle);
  EXPECT_TRUE(log.read(TileId{0, 0, 256})->starts_with(tile));
  EXPECT_EQ(log.read(TileId{0, 2, 89}).error().code, ErrorCode::not_found);
  EXPECT_EQ(log.read(BundleId{9, 1}).error().code, ErrorCode::not_found);
}

TEST(LogWriter, LargeDataAreKeptUnderTheirDigest) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, sample::kLargeEntry);
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer);
  publish(*writer);
  const Sequence large{sample::kLargeEntry};
  const Bytes data = *sample::leaf_writer().write(large, sample::log_entry(large.value)).data;
  EXPECT_EQ(*journal->log().data(sha256(data)), data);
  EXPECT_EQ(journal->log().data(sha256("other")).error().code, ErrorCode::not_found);
}

TEST(LogWriter, WhatWasWrittenBeforeACrashIsSignedAfterIt) {
  const TemporaryDirectory directory;
  TreeHead written;
  {
    const auto journal = sample::open(directory.path());
    grow(*journal, 300);
    auto writer = sample::recover(*journal);
    ASSERT_TRUE(writer);
    publish(*writer);
    grow(*journal, 310);
    ASSERT_TRUE(writer->write());  // and no signature
    written = *journal->log().head();
    EXPECT_EQ(written.size, 310U);
  }
  const auto journal = sample::open(directory.path());
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer) << describe(writer.error());
  EXPECT_EQ(writer->checkpoint()->head.size, 300U);
  publish(*writer);
  EXPECT_EQ(writer->checkpoint()->head, written);
  EXPECT_TRUE(audit_whole(journal->log()));
}

TEST(LogWriter, SigningAgainGivesTheSameBytes) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), 100);
  const auto journal = sample::open(directory.path());
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer);
  const auto before = *journal->log().checkpoint();
  publish(*writer);
  EXPECT_EQ(*journal->log().checkpoint(), before);
  EXPECT_EQ(*before, signed_by_log(writer->checkpoint()->head));
}

TEST(LogWriter, NothingIsSignedOnceTheTermIsOver) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 10);
  auto old = sample::recover(*journal);
  ASSERT_TRUE(old);
  publish(*old);
  grow(*journal, 20);
  ASSERT_TRUE(old->write());
  sample::set_term(*journal, 2);
  EXPECT_EQ(old->sign().error().code, ErrorCode::conflict);
  EXPECT_EQ(old->checkpoint()->head.size, 10U);

  auto next = sample::recover(*journal);
  ASSERT_TRUE(next);
  publish(*next);
  EXPECT_EQ(next->checkpoint()->head.size, 20U);
}

TEST(LogWriter, TwoWritersNeverSignBeside) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 10);
  auto first = sample::recover(*journal);
  auto second = sample::recover(*journal);
  ASSERT_TRUE(first && second);
  publish(*first);
  ASSERT_TRUE(second->write());
  EXPECT_EQ(second->sign().error().code, ErrorCode::conflict);
}

TEST(LogWriter, ACheckpointIsSwappedOnlyForTheOneThatIsThere) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 10);
  LogStore& log = journal->log();
  const Bytes ten = signed_by_log({10, empty_root()});
  const Bytes nine = signed_by_log({9, empty_root()});
  EXPECT_EQ(log.swap_checkpoint(nine, ten, Term{1}).error().code, ErrorCode::conflict);
  EXPECT_EQ(log.swap_checkpoint({}, ten, Term{0}).error().code, ErrorCode::conflict);
  EXPECT_EQ(log.swap_checkpoint({}, ten, Term{2}).error().code, ErrorCode::conflict);
  EXPECT_EQ(log.swap_checkpoint({}, "no note", Term{1}).error().code, ErrorCode::invalid);
  EXPECT_FALSE(*log.checkpoint());
  ASSERT_TRUE(log.swap_checkpoint({}, ten, Term{1}));
  EXPECT_EQ(log.swap_checkpoint({}, ten, Term{1}).error().code, ErrorCode::conflict);
  EXPECT_EQ(log.swap_checkpoint(ten, nine, Term{1}).error().code, ErrorCode::conflict);
  EXPECT_EQ(*log.checkpoint(), ten);
}

TEST(LogWriter, AnotherBrokerOnTheSameJournalIsRefused) {
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  EXPECT_EQ(Journal::open(directory.path()).error().code, ErrorCode::conflict);
}

TEST(LogWriter, RefusesALogThatIsShorterThanItsCheckpoint) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), 300);
  const auto journal = sample::open(directory.path());
  // The head of an earlier write, with the tiles as they are.
  Log early(kOrigin);
  for (std::uint64_t at = 1; at <= 100; ++at) {
    ASSERT_TRUE(
        early.append(sample::leaf_writer().write(Sequence{at}, sample::log_entry(at)).event));
  }
  LogBatch back;
  back.head = early.publish()->head;
  ASSERT_TRUE(journal->log().write(back));
  expect_refused(*journal, ErrorCode::corrupt, "300 leaves was signed, but only 100 are stored");
}

TEST(LogWriter, RefusesACheckpointThatIsNotTheBeginningOfWhatIsStored) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), 300);
  const auto journal = sample::open(directory.path());
  ASSERT_TRUE(journal->log().swap_checkpoint(
      *journal->log().checkpoint(), signed_by_log({300, Hash::from(sha256("other"))}), Term{1}));
  expect_refused(*journal, ErrorCode::corrupt, "not the beginning of what is stored");
}

TEST(LogWriter, RefusesAJournalThatIsShorterThanTheLog) {
  const TemporaryDirectory whole;
  const TemporaryDirectory directory;
  sample::make_log(whole.path(), 300);
  const auto from = sample::open(whole.path());
  const auto journal = sample::open(directory.path());
  grow(*journal, 299);
  LogBatch batch;
  for (std::uint64_t index = 0; index < 2; ++index) {
    const unsigned width = index == 0 ? 256 : 44;
    batch.tiles.push_back({{0, index, width}, *from->log().read(TileId{0, index, width})});
    batch.bundles.push_back({{index, width}, *from->log().read(BundleId{index, width})});
  }
  batch.tiles.push_back({{1, 0, 1}, *from->log().read(TileId{1, 0, 1})});
  batch.head = *from->log().head();
  ASSERT_TRUE(journal->log().write(batch));
  expect_refused(*journal, ErrorCode::corrupt, "has 299 entries, but 300 are in the log");
  grow(*journal, 300);
  EXPECT_TRUE(sample::recover(*journal));
}

TEST(LogWriter, AStoreWhoseCheckpointWasSetBackIsRefused) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), 300);
  const TemporaryDirectory early;
  sample::make_log(early.path(), 100);
  // All but the file that tells what was signed.
  std::filesystem::remove_all(directory.path() / "store");
  std::filesystem::copy(early.path() / "store", directory.path() / "store",
                        std::filesystem::copy_options::recursive);
  std::filesystem::copy(early.path() / "last-sequence", directory.path() / "last-sequence",
                        std::filesystem::copy_options::overwrite_existing);
  const auto opened = Journal::open(directory.path());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("of 100 leaves, but one of 300 was signed"),
            std::string::npos)
      << describe(opened.error());
}

TEST(LogWriter, RefusesAnotherKeyAndAnotherOrigin) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), 30);
  const auto journal = sample::open(directory.path());
  const auto key =
      LogWriter::recover(kOrigin, *journal, sample::leaf_maker(), SigningKey::generate());
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::conflict);
  EXPECT_EQ(key.error().field, "log.key");
  const auto origin =
      LogWriter::recover("log.example/other", *journal, sample::leaf_maker(), sample::log_key());
  ASSERT_FALSE(origin);
  EXPECT_EQ(origin.error().code, ErrorCode::conflict);
  EXPECT_EQ(origin.error().remedy, "start with --log-origin " + kOrigin);
}

// Damaged tiles and bundles at the right edge, which a restart goes on from.
TEST(LogWriter, RefusesTilesAndBundlesThatAreNotThoseOfItsHead) {
  const TemporaryDirectory directory;
  sample::make_log(directory.path(), 300);
  const auto journal = sample::open(directory.path());
  Bytes tile = *journal->log().read(TileId{0, 1, 44});
  Bytes bundle = *journal->log().read(BundleId{1, 44});
  const auto store = [&](Bytes hashes, Bytes entries) {
    LogBatch batch;
    batch.tiles.push_back({{0, 1, 44}, std::move(hashes)});
    batch.bundles.push_back({{1, 44}, std::move(entries)});
    ASSERT_TRUE(journal->log().write(batch));
  };
  Bytes other_tile = tile;
  other_tile[40] ^= 1;
  store(other_tile, bundle);
  expect_refused(*journal, ErrorCode::corrupt, "do not lead to the stored root");
  Bytes other_bundle = bundle;
  other_bundle[40] ^= 1;
  store(tile, other_bundle);
  expect_refused(*journal, ErrorCode::corrupt, "the last bundle is not that of the last tile");
  store(tile, bundle);
  EXPECT_TRUE(sample::recover(*journal));
}

// Everything but the tiles, copied into another journal.
void copy_without_tiles(Journal& from, Journal& to, std::uint64_t size, bool damaged) {
  LogBatch batch;
  for (std::uint64_t begin = 0; begin < size; begin += tile_width) {
    const BundleId id{begin / tile_width,
                      static_cast<unsigned>(std::min<std::uint64_t>(tile_width, size - begin))};
    Bytes bytes = *from.log().read(id);
    if (damaged && begin == 256) bytes[40] ^= 1;
    batch.bundles.push_back({id, std::move(bytes)});
  }
  batch.head = *from.log().head();
  ASSERT_TRUE(to.log().write(batch));
  ASSERT_TRUE(to.log().swap_checkpoint({}, **from.log().checkpoint(), Term{1}));
}

TEST(LogWriter, ComputesTilesThatAreMissingFromTheBundles) {
  const TemporaryDirectory whole;
  sample::make_log(whole.path(), 900);
  const auto from = sample::open(whole.path());
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 950);
  copy_without_tiles(*from, *journal, 900, false);
  auto writer = sample::recover(*journal);
  ASSERT_TRUE(writer) << describe(writer.error());
  EXPECT_TRUE(audit_whole(journal->log()));
  publish(*writer);
  EXPECT_EQ(writer->checkpoint()->head.size, 950U);
  EXPECT_TRUE(audit_whole(journal->log()));
}

TEST(LogWriter, ComputesNoTilesFromBundlesThatWereNotSigned) {
  const TemporaryDirectory whole;
  sample::make_log(whole.path(), 900);
  const auto from = sample::open(whole.path());
  const TemporaryDirectory directory;
  const auto journal = sample::open(directory.path());
  grow(*journal, 900);
  copy_without_tiles(*from, *journal, 900, true);
  expect_refused(*journal, ErrorCode::corrupt, "the bundles do not lead to the root");
  expect_refused(*journal, ErrorCode::corrupt, "the bundles do not lead to the root");
}

TEST(LogWriter, CosignaturesStandUnderTheCheckpointAndTakeThePlaceOfOlderOnes) {
  const TemporaryDirectory directory;
  const SigningKey witness = SigningKey::generate();
  {
    const auto journal = sample::open(directory.path());
    grow(*journal, 10);
    auto writer = sample::recover(*journal);
    ASSERT_TRUE(writer);
    publish(*writer);
    const Bytes text = format_checkpoint(*writer->checkpoint());
    for (const std::uint64_t seconds : {1'700'000'000U, 1'700'000'001U}) {
      ASSERT_TRUE(
          writer->add_cosignatures({cosign_note(text, "witness.example", witness, seconds)}));
    }
    EXPECT_EQ(writer->cosignatures(), 1U);
    EXPECT_EQ(writer->signed_note(), signed_by_log(writer->checkpoint()->head));
  }
  const auto journal = sample::open(directory.path());
  const std::vector<VerifierKey> witnesses{
      {"witness.example", KeyType::cosignature, witness.public_key()}};
  const auto opened = open_checkpoint(
      **journal->log().checkpoint(),
      VerifierKey{kOrigin, KeyType::ed25519, sample::log_key().public_key()}, witnesses);
  ASSERT_TRUE(opened) << describe(opened.error());
  ASSERT_EQ(opened->cosignatures.size(), 1U);
  EXPECT_EQ(opened->cosignatures[0].cosigned_seconds, 1'700'000'001U);
  EXPECT_EQ(sample::recover(*journal)->cosignatures(), 1U);
}

}  // namespace
}  // namespace tradewind
