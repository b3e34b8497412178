// What is encoded comes back, and old bytes stay readable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "schemas/codec_internal.h"
// The codec's own header must come before others of Cap'n Proto.
#include "schemas/codec.h"
#include "schemas/limits.h"
#include "tests/unit/schemas/samples.h"

namespace tradewind::testing {
namespace {

class EachMessage : public ::testing::TestWithParam<Message> {};
INSTANTIATE_TEST_SUITE_P(Codec, EachMessage, ::testing::ValuesIn(messages()), [](const auto& info) {
  std::string name = info.param.name;
  for (char& each : name) each = each == '-' ? '_' : each;
  return name;
});

TEST_P(EachMessage, ComesBackEqualWithEveryFieldSet) {
  Sampler full;
  EXPECT_TRUE(GetParam().round_trips(full));
}

TEST_P(EachMessage, ComesBackEqualForRandomValues) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Sampler sampler(seed);
    ASSERT_TRUE(GetParam().round_trips(sampler)) << "seed " << seed;
  }
}

TEST_P(EachMessage, HasTheSameBytesForTheSameValue) {
  Sampler first(7);
  Sampler second(7);
  const Bytes bytes = GetParam().encoded(first);
  // Others in between must not leave anything behind in memory that is used again.
  for (const Message& other : messages()) {
    Sampler full;
    other.encoded(full);
  }
  EXPECT_EQ(GetParam().encoded(second), bytes);
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  std::string digits;
  for (const char each : text) {
    if (std::isxdigit(static_cast<unsigned char>(each)) == 0) continue;
    digits.push_back(each);
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

// Golden files are NAME.N.hex. Once committed they never change: when a message gains a field, the
// writer of samples makes a file with the next N, and the older ones go on being decoded.
TEST_P(EachMessage, IsDecodedFromTheBytesOfEveryVersionSoFar) {
  std::map<int, Bytes> versions;
  for (const auto& each : std::filesystem::directory_iterator(TRADEWIND_GOLDEN_DIRECTORY)) {
    const std::string file = each.path().filename().string();
    const std::string prefix = GetParam().name + ".";
    if (file.compare(0, prefix.size(), prefix) != 0) continue;
    std::ifstream stream(each.path());
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    versions[std::stoi(file.substr(prefix.size()))] = from_hex(text);
  }
  ASSERT_FALSE(versions.empty()) << "no golden file of this message";
  for (const auto& [version, bytes] : versions) {
    const auto again = GetParam().recoded(bytes);
    EXPECT_TRUE(again) << "version " << version << ": " << describe(again.error());
  }
  EXPECT_TRUE(GetParam().equals_full_sample(versions.rbegin()->second))
      << "the newest golden file lacks a field; write the next version of it";
}

TEST(Codec, KeepsAQuoteSheetOfFourPoolsSmall) {
  QuoteSheet sheet{SiteId{"jp-osaka-1"}, {}, -1, {}};
  for (const char* pool : {"cpu-small", "cpu-large", "a100", "h100"}) {
    sheet.pools.push_back(PoolQuote{PoolId{pool}, 12, 4, 3, 0, 1'250'000});
  }
  const Wall::time_point now = wall_from_ms(1'800'000'000'000);
  const Record record{{RecordKind::quote, NodeId{"site/jp-osaka-1"}, MemberNumber{7},
                       RecordVersion{1'800'000'000, 42}, now, now + std::chrono::seconds(15)},
                      sheet};
  EXPECT_LE(encode(record).size(), 416U);
  GossipAck ack;
  ack.records.push_back(SignedRecord{encode(record), Bytes(64, 'x')});
  const std::size_t empty = encode(GossipMessage{1, GossipAck{}}).size();
  EXPECT_LE(encode(GossipMessage{1, ack}).size() - empty, 272U) << "packed, with its signature";
}

TEST(Codec, PacksGossipAndReadsItFlatToo) {
  Sampler sampler(5);
  GossipMessage message;
  sampler.fill(message.body.emplace<GossipSynAck>());
  const Bytes flat = codec::encode_message<schema::GossipMessage>(message);
  const Bytes packed = encode(message);
  EXPECT_LT(packed.size(), flat.size());
  EXPECT_EQ(codec::pack(flat), packed);
  EXPECT_EQ(*codec::unpack("gossip", packed, flat.size()), flat);
  EXPECT_EQ(codec::packed_bytes(flat), packed.size());
  EXPECT_EQ(*decode_gossip(flat), message);
  EXPECT_EQ(*decode_gossip(packed), message);
}

TEST(Codec, ReadsEntriesAndRecordsPackedAndAsTheyOnceLay) {
  Sampler sampler(6);
  Entry entry;
  sampler.fill(entry.body.emplace<JobSubmitted>());
  JobRecord record;
  sampler.fill(record);
  const Bytes flat_entry = *codec::unpack("entry", encode(entry), limits::entry_bytes_max);
  const Bytes flat_record = *codec::unpack("record", encode(record), limits::job_record_bytes_max);
  EXPECT_FALSE(codec::is_packed(flat_entry));
  EXPECT_FALSE(codec::is_packed(flat_record));
  EXPECT_EQ(*decode_entry(flat_entry), entry);
  EXPECT_EQ(*decode_entry(encode(entry)), entry);
  EXPECT_EQ(*decode_job_record(flat_record), record);
  EXPECT_EQ(*decode_job_record(encode(record)), record);
}

TEST(Codec, ReadsTheJobOutOfTheRowOfItsSubmission) {
  Sampler sampler(7);
  Entry entry;
  auto& submitted = entry.body.emplace<JobSubmitted>();
  sampler.fill(submitted);
  submitted.spec.array_count = 0;
  entry.at = Wall::time_point(std::chrono::seconds(1'800'000'000));
  const Bytes row = submitted_row(entry);
  EXPECT_EQ(submission_of_row(row), encode(entry));
  EXPECT_EQ(*decode_job_record(row), submitted_job(submitted, entry.at));
  EXPECT_EQ(submission_of_row(encode(submitted_job(submitted, entry.at))), std::nullopt);
}

TEST(Codec, KeepsTextsWholeThatHoldAZero) {
  JobRecord record;
  record.job = JobId{"j0000000000001"};
  record.tenant = TenantId{"physics"};
  record.spec.after = {JobId{std::string("a\0b", 3)}};
  EXPECT_EQ(*decode_job_record(encode(record)), record);
}

TEST(Codec, RefusesARowOfASubmissionThatHoldsNone) {
  const Bytes good = submitted_row(Entry{{}, JobSubmitted{}});
  EXPECT_FALSE(decode_job_record(good));  // it names no job
  Entry array{{}, JobSubmitted{JobId{"j0000000000001"}, TenantId{"physics"}, "ada", "", {}}};
  std::get<JobSubmitted>(array.body).spec.array_count = 2;
  for (const Bytes& entry : {encode(Entry{{}, TermBegan{Term{1}}}), encode(array), Bytes()}) {
    const auto read = decode_job_record(good.substr(0, 1) + entry);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  }
}

TEST(Codec, PacksAsCapnProtoDoes) {
  // The example of https://capnproto.org/encoding.html#packing, then runs of zeros and of full
  // words.
  const Bytes flat = Bytes("\x08\0\0\0\x03\0\x02\0\x19\0\0\0\xaa\x01\0\0", 16) + Bytes(32, '\0') +
                     Bytes(24, '\x55') + Bytes("\0\0\0\0\0\0\0\x07", 8);
  const Bytes packed = Bytes("\x51\x08\x03\x02\x31\x19\xaa\x01\0\x03\xff", 11) + Bytes(8, '\x55') +
                       Bytes("\x02", 1) + Bytes(16, '\x55') + Bytes("\x80\x07", 2);
  EXPECT_EQ(codec::pack(flat), packed);
  EXPECT_EQ(*codec::unpack("it", packed, 1'000), flat);
}

TEST(Codec, PacksADigestIntoAboutNineBytes) {
  GossipSyn syn;
  for (std::uint32_t member = 1; member <= 1'000; ++member) {
    for (const RecordKind kind : {RecordKind::member, RecordKind::site, RecordKind::quote}) {
      const std::uint64_t version = kind == RecordKind::quote ? 100'000 + member : 3;
      syn.digests.push_back(
          Digest{MemberNumber{member}, kind, {1'800'000'000 + member * 7'919, version}});
    }
  }
  const Bytes bytes = encode(GossipMessage{1, syn});
  EXPECT_LE(bytes.size(), 9 * syn.digests.size());
  EXPECT_EQ(decode_gossip(bytes)->body, decltype(GossipMessage::body)(syn));
}

TEST(Codec, CarriesTheLargestJobThatADocumentCanHold) {
  JobSubmitted submitted;
  submitted.job = job_id(Sequence{1});
  submitted.tenant.value = "default";
  Executor& executor = submitted.spec.variants.emplace_back().executors.emplace_back();
  executor.command.assign(limits::job_document_bytes_max / 4, "x");
  const Entry entry{wall_from_ms(1), submitted};
  const auto again = decode_entry(encode(entry));
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_EQ(*again, entry);
}

TEST(Codec, ReadsAHeaderAloneAsItStandsInTheRecord) {
  Sampler sampler(3);
  const Record record = sampler.record<SiteRecord>();
  EXPECT_EQ(*decode_record_header(encode(record)), record.header);
}

}  // namespace
}  // namespace tradewind::testing
