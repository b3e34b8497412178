// The transparency log over real sockets, from a real journal.
#include <gtest/gtest.h>
#include <zlib.h>

#include "broker/audit/log_publisher.h"
#include "state/identity/encoding.h"
#include "state/transparency/audit.h"
#include "state/transparency/receipt.h"
#include "state/transparency/tile_path.h"
#include "tests/unit/api/endpoint_fixture.h"
#include "tests/unit/audit/sample_log.h"

namespace tradewind::testing {
namespace {

constexpr std::uint64_t kSize = 700;

// A stored body, by a library that is not ours.
std::string gunzip(const std::string& packed) {
  std::string out(1 << 20, '\0');
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  std::string in = packed;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  return out;
}

class AuditApiTest : public EndpointTest {
 protected:
  void SetUp() override {
    sample::make_log(store_.path(), kSize);
    journal_ = sample::open(store_.path());
    published_.emplace(*journal_, journal_->log(), leaves_, key_);
    log_ = &*published_;
    auto writer = sample::recover(*journal_);
    ASSERT_TRUE(writer) << describe(writer.error());
    published_->show({*writer->checkpoint(), writer->cosigned_note(), system_now().wall, 0});
    EndpointTest::SetUp();
  }
  void TearDown() override { endpoint_.reset(); }
  static Bytes event(std::uint64_t index) {
    return sample::leaf_writer().write(Sequence{index + 1}, sample::log_entry(index + 1)).event;
  }
  std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      found.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return found;
  }

  sample::TemporaryDirectory store_;
  std::unique_ptr<Journal> journal_;
  const LeafWriter& leaves_ = sample::leaf_writer();
  const VerifierKey key_{sample::kOrigin, KeyType::ed25519, sample::log_key().public_key()};
  std::optional<PublishedLog> published_;
};

TEST_F(AuditApiTest, AnAuditorReadsTheWholeLogAsFilesAndItVerifies) {
  const RawResponse key = get("/log/key", "");
  EXPECT_EQ(key.status, 200);
  EXPECT_EQ(key.body, format_verifier_key(key_) + "\n");
  const RawResponse checkpoint = get("/log/checkpoint", "");
  ASSERT_EQ(checkpoint.status, 200);
  const auto opened = open_checkpoint(checkpoint.body, key_);
  ASSERT_TRUE(opened) << describe(opened.error());
  EXPECT_EQ(opened->checkpoint.head.size, kSize);
  const auto file = [&](const std::string& path, std::string_view token) -> Result<Bytes> {
    const RawResponse response = get("/log/" + path, token);
    if (response.status != 200) return fail(ErrorCode::not_found, path, response.body);
    return response.body;
  };
  const Status whole = audit(
      {}, opened->checkpoint.head, [&](const TileId& id) { return file(path_of(id), ""); },
      [&](const BundleId& id) { return file(path_of(id), auditor); });
  EXPECT_TRUE(whole) << describe(whole.error());
}

TEST_F(AuditApiTest, FilesSayWhatTheyAreAndHowLongTheyHold) {
  const RawResponse checkpoint = get("/log/checkpoint", "");
  EXPECT_EQ(checkpoint.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(checkpoint.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(checkpoint.headers.at("access-control-allow-origin"), "*");
  for (const char* path : {"/log/tile/0/000", "/log/tile/0/000.p/7", "/log/tile/0/002.p/188"}) {
    const RawResponse tile = get(path, "");
    EXPECT_EQ(tile.status, 200) << path;
    EXPECT_EQ(tile.headers.at("content-type"), "application/octet-stream");
    EXPECT_EQ(tile.headers.at("cache-control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(tile.headers.at("access-control-allow-origin"), "*");
  }
  const RawResponse bundle = get("/log/tile/entries/000", auditor);
  EXPECT_EQ(bundle.headers.at("cache-control"), "private, max-age=31536000, immutable");
  const RawResponse head = call("HEAD", "/log/checkpoint");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
}

TEST_F(AuditApiTest, WhatIsNotThereIs404AndWhatIsMalformedIs400) {
  const std::pair<const char*, int> cases[] = {{"/log/tile/0/002.p/189", 404},
                                               {"/log/tile/0/002", 404},
                                               {"/log/tile/0/003.p/1", 404},
                                               {"/log/tile/2/000.p/1", 404},
                                               {"/log/tile/0/x001/000", 404},
                                               {"/log/tile/8/000", 400},
                                               {"/log/tile/00/000", 400},
                                               {"/log/tile/0/0", 400},
                                               {"/log/tile/0/000.p/0", 400},
                                               {"/log/tile/0/000.p/256", 400},
                                               {"/log/tile/0/000.p/01", 400},
                                               {"/log/tile/0/x000/000", 400},
                                               {"/log/tile/0/..%2f000", 400},
                                               {"/log/tile/-1/000", 400},
                                               {"/log/tile/entries/002.p/189", 404},
                                               {"/log/tile/entries/0", 400},
                                               {"/log/nothing", 405}};
  for (const auto& [path, status] : cases) {
    const RawResponse response = get(path, auditor);
    EXPECT_EQ(response.status, status) << path << " " << response.body;
    EXPECT_EQ(response.headers.at("cache-control"), "no-store") << path;
  }
}

TEST_F(AuditApiTest, PagesOfOtherOriginsMayReadTheLog) {
  const RawResponse preflight =
      call("OPTIONS", "/log/tile/entries/000", "", "",
           "Origin: https://auditor.example\r\nAccess-Control-Request-Method: GET\r\n");
  EXPECT_EQ(preflight.status, 200);
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "*");
  EXPECT_EQ(preflight.headers.at("access-control-allow-headers"), "Authorization");
  const RawResponse read =
      call("GET", "/log/checkpoint", "", "", "Origin: https://auditor.example\r\n");
  EXPECT_EQ(read.status, 200);
  EXPECT_FALSE(get("/v1/audit/status", auditor).headers.contains("access-control-allow-origin"));
}

TEST_F(AuditApiTest, BundlesAreForAuditorsAndOperatorsAlone) {
  EXPECT_EQ(get("/log/tile/entries/000", "").status, 401);
  // Written in another way it is no way round.
  for (const char* path : {"/log/tile/entrie%73/000", "/log/tile/%65ntries/000"}) {
    const int status = get(path, "").status;
    EXPECT_TRUE(status == 401 || status == 404 || status == 400) << path << ' ' << status;
  }
  EXPECT_EQ(get("/log/tile/entries/000", alice).status, 403);
  EXPECT_EQ(get("/log/tile/entries/000", centre).status, 403);
  EXPECT_EQ(get("/log/tile/entries/000", auditor).status, 200);
  EXPECT_EQ(get("/log/tile/entries/000", operator_).status, 200);
}

TEST_F(AuditApiTest, BundlesComeInGzipWhereThatIsTaken) {
  const RawResponse plain = get("/log/tile/entries/001", auditor);
  EXPECT_FALSE(plain.headers.contains("content-encoding"));
  const RawResponse packed =
      call("GET", "/log/tile/entries/001", auditor, "", "Accept-Encoding: br, gzip;q=0.5\r\n");
  EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size() / 2);
  EXPECT_EQ(gunzip(packed.body), plain.body);
  const RawResponse refused =
      call("GET", "/log/tile/entries/001", auditor, "", "Accept-Encoding: gzip;q=0\r\n");
  EXPECT_FALSE(refused.headers.contains("content-encoding"));
}

TEST_F(AuditApiTest, EntriesComeByFilterWithTheCheckpointTheyAreCompleteUpTo) {
  const json::value page = parsed(get("/v1/audit/entries?reason=no_capacity&limit=5", auditor));
  EXPECT_EQ(at(page, "/checkpoint/size"), "700");
  EXPECT_EQ(at(page, "/checkpoint/origin"), sample::kOrigin);
  ASSERT_EQ(page.at("entries").as_array().size(), 5U);
  for (const json::value& each : page.at("entries").as_array()) {
    const auto index = each.at("index").to_number<std::uint64_t>();
    EXPECT_EQ(index % 8, 1U);
    EXPECT_EQ(text_of(each.at("event")), event(index));
  }
  const json::value next = parsed(get(
      "/v1/audit/entries?reason=no_capacity&limit=5&cursor=" + at(page, "/next_cursor"), auditor));
  EXPECT_EQ(at(next, "/entries/0/index"), "41");
  const json::value all = parsed(get("/v1/audit/entries?reason=no_capacity&limit=1000", auditor));
  EXPECT_EQ(all.at("entries").as_array().size(), 88U);
  EXPECT_EQ(at(all, "/next_cursor"), "(absent)");
  EXPECT_EQ(get("/v1/audit/entries?colour=red", auditor).status, 400);
  EXPECT_EQ(get("/v1/audit/entries?limit=0", auditor).status, 400);
  EXPECT_EQ(get("/v1/audit/entries?after=yesterday", auditor).status, 400);
}

TEST_F(AuditApiTest, EntriesComeAsLinesAndAsATable) {
  const RawResponse text = call("GET", "/v1/audit/entries?limit=3&site=osaka", auditor, "",
                                "Accept: application/x-ndjson\r\n");
  EXPECT_EQ(text.headers.at("content-type"), "application/x-ndjson");
  EXPECT_EQ(text.headers.at("tradewind-log-size"), "700");
  EXPECT_EQ(text.headers.at("tradewind-next-cursor"), "22");
  const auto rows = lines(text.body);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(text_of(parse_json("row", rows[0])->at("event")), event(2));
  const RawResponse table =
      call("GET", "/v1/audit/entries?limit=3&site=osaka", auditor, "", "Accept: text/csv\r\n");
  const auto records = lines(table.body);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0], "index,recordedtime,type,job,site,reason,event\r");
  EXPECT_TRUE(records[1].starts_with("2,2023-11-14T22:13:21.000Z,\"org.tradewind.job.decided"));
  EXPECT_EQ(table.headers.at("tradewind-log-size"), "700");
}

TEST_F(AuditApiTest, APeriodIsARangeOfEntries) {
  const std::string after = to_rfc3339(sample::log_entry(101).at);
  const std::string before = to_rfc3339(sample::log_entry(301).at);
  const json::value range =
      parsed(get("/v1/audit/range?after=" + after + "&before=" + before, auditor));
  const auto first = range.at("first").to_number<std::uint64_t>();
  const auto end = range.at("end").to_number<std::uint64_t>();
  EXPECT_EQ(sample::log_entry(first + 1).at, sample::log_entry(101).at);
  EXPECT_LT(sample::log_entry(first).at, sample::log_entry(101).at);
  EXPECT_GE(sample::log_entry(end + 1).at, sample::log_entry(301).at);
  EXPECT_LT(sample::log_entry(end).at, sample::log_entry(301).at);
  EXPECT_EQ(at(range, "/checkpoint/size"), "700");
  const json::value page =
      parsed(get("/v1/audit/entries?limit=1000&after=" + after + "&before=" + before, auditor));
  EXPECT_EQ(page.at("entries").as_array().size(), end - first);
  EXPECT_EQ(page.at("entries").at(0).at("index").to_number<std::uint64_t>(), first);
}

TEST_F(AuditApiTest, OneEntryComesByteForByteWithItsReceipt) {
  const RawResponse entry = get("/v1/audit/entries/300", auditor);
  EXPECT_EQ(entry.status, 200);
  EXPECT_EQ(entry.headers.at("content-type"), "application/cloudevents+json");
  EXPECT_EQ(entry.body, event(300));
  const RawResponse proof = get("/v1/audit/proofs/300", auditor);
  EXPECT_EQ(proof.headers.at("content-type"), "text/plain; charset=utf-8");
  const auto receipt = parse_receipt(proof.body);
  ASSERT_TRUE(receipt) << describe(receipt.error());
  EXPECT_TRUE(verify_receipt(*receipt, entry.body, key_));
  for (const char* each : {"entries", "proofs", "openings"}) {
    const std::string path = std::string("/v1/audit/") + each + "/";
    EXPECT_EQ(get(path + "700", auditor).status, 404);
    EXPECT_EQ(get(path + "-1", auditor).status, 400);
    EXPECT_EQ(get(path + "99999999999999999999", auditor).status, 400);
  }
}

TEST_F(AuditApiTest, DataAndOpeningsAreThere) {
  const Sequence large{sample::kLargeEntry};
  const Bytes data = *sample::leaf_writer().write(large, sample::log_entry(large.value)).data;
  EXPECT_EQ(get("/v1/audit/data/" + hex(sha256(data)), auditor).body, data);
  EXPECT_EQ(get("/v1/audit/data/" + hex(sha256("none")), auditor).status, 404);
  EXPECT_EQ(get("/v1/audit/data/12", auditor).status, 400);
  EXPECT_EQ(get("/v1/audit/openings/8", auditor).body,
            *leaves_.opening(Sequence{9}, sample::log_entry(9)));
  EXPECT_EQ(get("/v1/audit/openings/2", auditor).status, 404);
}

// Jobs of the log belong to the tenants "physics" and "chemistry".
TEST_F(AuditApiTest, ATenantSeesWhatTheLogSaysOfItsOwnJobsAndNothingElse) {
  const std::string physicist =
      issue_token(options_.tokens_file, "ada", Role::user, TenantId{"physics"}, {}).value();
  endpoint_->stop();
  start();
  const std::string own = leaves_.pseudonym(TenantId{"physics"});
  const json::value page = parsed(get("/v1/audit/entries?limit=1000", physicist));
  const json::value same = parsed(get("/v1/audit/entries?limit=1000&tenant=" + own, auditor));
  EXPECT_EQ(page.at("entries"), same.at("entries"));
  EXPECT_GT(page.at("entries").as_array().size(), 200U);
  EXPECT_EQ(
      get("/v1/audit/entries?tenant=" + leaves_.pseudonym(TenantId{"chemistry"}), physicist).status,
      403);
  // The first job is a physicist's, the second a chemist's; entry 7 is about no job.
  for (const char* each : {"entries", "proofs"}) {
    const std::string path = std::string("/v1/audit/") + each + "/";
    EXPECT_EQ(get(path + "2", physicist).status, 200);
    EXPECT_EQ(get(path + "8", physicist).status, 404);
    EXPECT_EQ(get(path + "7", physicist).status, 404);
  }
  EXPECT_EQ(get("/v1/audit/openings/0", physicist).status, 200);
  EXPECT_EQ(get("/v1/audit/openings/8", physicist).status, 404);
  EXPECT_EQ(get("/v1/audit/data/" + std::string(64, '0'), physicist).status, 403);
  EXPECT_EQ(get("/v1/audit/status", physicist).status, 200);
  EXPECT_EQ(get("/v1/audit/entries", centre).status, 403);
  EXPECT_EQ(get("/v1/audit/entries", "").status, 401);
}

TEST_F(AuditApiTest, StatusAndMetricsTellHowPublishingGoes) {
  published_->count(750);
  published_->count_gathered(0, false, {"witness.example: away"});
  const json::value status = parsed(get("/v1/audit/status", auditor));
  EXPECT_EQ(at(status, "/checkpoint/size"), "700");
  EXPECT_EQ(at(status, "/written"), "750");
  EXPECT_EQ(at(status, "/quorum"), "false");
  EXPECT_EQ(at(status, "/missing/0"), "witness.example: away");
  EXPECT_EQ(at(status, "/key"), format_verifier_key(key_));
  const RawResponse metrics = get("/metrics", auditor);
  EXPECT_NE(metrics.body.find("\ntradewind_log_published_entries 700\n"), std::string::npos);
  EXPECT_NE(metrics.body.find("\ntradewind_log_quorum 0\n"), std::string::npos);
}

TEST_F(AuditApiTest, BeforeTheFirstCheckpointThereIsNothing) {
  endpoint_->stop();
  published_.emplace(*journal_, journal_->log(), leaves_, key_);
  start();
  EXPECT_EQ(get("/log/checkpoint", "").status, 404);
  EXPECT_EQ(get("/log/tile/0/000", "").status, 404);
  EXPECT_EQ(get("/v1/audit/entries", auditor).status, 503);
  EXPECT_EQ(get("/v1/audit/status", auditor).status, 200);
}

}  // namespace
}  // namespace tradewind::testing
