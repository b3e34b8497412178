// Bodies in gzip and zstd: as values, and through the server.
#include "broker/api/http_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "broker/api/entity_tag.h"
#include "broker/api/ndjson.h"
#include "tests/unit/api/endpoint_fixture.h"

namespace tradewind::testing {
namespace {

constexpr std::array kCodings{Coding::gzip, Coding::zstd};

std::string sample(std::size_t size) {
  std::string body;
  while (body.size() < size) body += std::to_string(body.size() * 2'654'435'761U);
  body.resize(size);
  return body;
}

// Decoded in pieces of `piece` bytes, at most `step` bytes at a time; nothing when it is malformed
// or cut short.
std::optional<std::string> decoded(Coding coding, std::string_view body, std::size_t piece,
                                   std::size_t step = 1'000) {
  BodyDecoder decoder(coding);
  std::string out;
  std::string waiting;
  do {
    waiting += body.substr(0, piece);
    body.remove_prefix(std::min(piece, body.size()));
    for (;;) {
      std::string_view rest = waiting;
      const std::size_t before = out.size();
      if (!decoder.decode(rest, out, step)) return std::nullopt;
      EXPECT_LE(out.size() - before, step);
      waiting.erase(0, waiting.size() - rest.size());
      if (out.size() - before < step) break;
    }
    if (out.size() > 64'000'000) return std::nullopt;
  } while (!body.empty());
  return decoder.at_end() ? std::optional(out) : std::nullopt;
}

TEST(AcceptEncoding, TakesTheCodingThatIsWantedMost) {
  const std::tuple<const char*, Coding, bool> cases[] = {
      {"", Coding::identity, true},
      {"gzip", Coding::gzip, true},
      {"zstd", Coding::zstd, true},
      {"gzip, zstd, br", Coding::zstd, true},
      {"gzip, deflate, br", Coding::gzip, true},
      {"zstd;q=0.5, gzip;q=0.8", Coding::gzip, true},
      {"zstd;q=0.800,gzip;q=0.8", Coding::zstd, true},
      {"br", Coding::identity, true},
      {"*", Coding::zstd, true},
      {"*;q=0.1, zstd;q=0", Coding::gzip, true},
      {"identity", Coding::identity, true},
      {"identity, gzip;q=0.5", Coding::identity, true},
      {"identity;q=0.2, gzip;q=0.5", Coding::gzip, true},
      {"gzip;q=0", Coding::identity, true},
      {"GZip ; Q=1.000", Coding::gzip, true},
      {"x-gzip", Coding::gzip, true},
      {"identity;q=0, gzip", Coding::gzip, false},
      {"identity;q=0", Coding::identity, false},
      {"*;q=0", Coding::identity, false},
      {"*;q=0, identity", Coding::identity, true},
      {"*;q=0, br", Coding::identity, false},
      // Malformed members say nothing.
      {"gzip;q=2", Coding::identity, true},
      {"gzip;q=0.1234", Coding::identity, true},
      {"gzip;q=, ;, ,,zstd;q=0.001", Coding::zstd, true},
      {"gzip;level=9", Coding::identity, true},
  };
  for (const auto& [header, best, identity] : cases) {
    EXPECT_EQ(choose_coding(header), (CodingChoice{best, identity})) << header;
  }
}

TEST(IfNoneMatch, NamesTagsStrongOrWeak) {
  const std::string tag = "W/\"abc\"";
  for (const char* header : {"W/\"abc\"", "\"abc\"", "*", " * ", "\"x\", W/\"abc\"",
                             "\"x\",,\"abc\"", "W/\"x\"\t, \"abc\", \"y\""}) {
    EXPECT_TRUE(names_tag(header, tag)) << header;
  }
  for (const char* header : {"", "abc", "\"abc", "W/abc", "\"ab\"", "\"abcd\"", "\"x \"abc\"",
                             "x, \"abc\"", "w/\"abc\"", ","}) {
    EXPECT_FALSE(names_tag(header, tag)) << header;
  }
}

TEST(BodyCoding, GivesBackEveryBodyHoweverItComes) {
  for (const Coding coding : kCodings) {
    for (const std::size_t size : {0U, 1U, 100U, 70'000U}) {
      const std::string body = sample(size);
      const std::string coded = encode_body(coding, body);
      for (const std::size_t piece : {1U, 2U, 1'000U, 1'000'000U}) {
        EXPECT_EQ(decoded(coding, coded, piece), body) << to_string(coding) << size << "/" << piece;
      }
      EXPECT_EQ(decoded(coding, coded + coded, 7), body + body) << "two frames on end";
    }
  }
}

TEST(BodyCoding, TakesWhatOtherProgramsHavePacked) {
  const std::string body = sample(5'000);
  std::string packed(10'000, '\0');
  z_stream stream{};
  ASSERT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in = body;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  EXPECT_EQ(decoded(Coding::gzip, packed, 100), body);
  packed.resize(10'000);
  packed.resize(ZSTD_compress(packed.data(), packed.size(), body.data(), body.size(), 19));
  EXPECT_EQ(decoded(Coding::zstd, packed, 100), body);
}

TEST(BodyCoding, RefusesWhatIsMalformedOrCutShort) {
  for (const Coding coding : kCodings) {
    const std::string coded = encode_body(coding, sample(2'000));
    for (std::size_t size = 1; size < coded.size(); ++size) {
      EXPECT_EQ(decoded(coding, coded.substr(0, size), 1'000), std::nullopt) << size;
    }
    EXPECT_EQ(decoded(coding, "no such thing", 1'000), std::nullopt);
    EXPECT_EQ(decoded(coding, coded + "no frame", 1'000), std::nullopt);
    std::string damaged = coded;
    damaged[coded.size() / 2] = static_cast<char>(damaged[coded.size() / 2] ^ 1);
    EXPECT_NE(decoded(coding, damaged, 1'000), sample(2'000));
  }
}

TEST(BodyCoding, RefusesAWindowThatWantsMuchMemory) {
  std::string packed(1'000'000, '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const std::string body(20'000'000, 'x');
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ASSERT_EQ(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0U);
  ZSTD_freeCCtx(context);
  packed.resize(out.pos);
  EXPECT_EQ(decoded(Coding::zstd, packed, packed.size(), 100'000), std::nullopt);
}

// --- through the endpoint
// --------------------------------------------------------------------------------------------

class CodingTest : public EndpointTest {
 protected:
  RawResponse raw(std::string_view method, std::string_view target, std::string_view headers,
                  std::string_view body = {}) {
    RawClient client(endpoint_->port());
    client.send(request_text(method, target, body,
                             std::string(headers) + "Authorization: Bearer " + alice + "\r\n"));
    return client.read(method == "HEAD");
  }
  RawResponse submit_coded(Coding coding, std::string_view document,
                           std::string_view type = "application/json") {
    return raw("POST", "/v1/jobs",
               "Content-Type: " + std::string(type) +
                   "\r\nContent-Encoding: " + std::string(to_string(coding)) + "\r\n",
               encode_body(coding, document));
  }
  static constexpr std::string_view job = R"({"command":["true"]})";
};

TEST_F(CodingTest, AnswersComeInTheCodingThatIsWanted) {
  for (int i = 0; i < 20; ++i) submit(alice, job);
  const RawResponse plain = raw("GET", "/v1/jobs", "");
  EXPECT_FALSE(plain.headers.contains("content-encoding"));
  EXPECT_EQ(plain.headers.at("vary"), "Accept-Encoding");
  for (const Coding coding : kCodings) {
    const std::string header = "Accept-Encoding: " + std::string(to_string(coding)) + "\r\n";
    const RawResponse coded = raw("GET", "/v1/jobs", header);
    EXPECT_EQ(coded.headers.at("content-encoding"), to_string(coding));
    EXPECT_EQ(coded.headers.at("vary"), "Accept-Encoding");
    EXPECT_LT(coded.body.size(), plain.body.size() / 3);
    EXPECT_EQ(decoded(coding, coded.body, coded.body.size(), 1 << 20), plain.body);
    const RawResponse head = raw("HEAD", "/v1/jobs", header);
    EXPECT_EQ(head.headers.at("content-length"), coded.headers.at("content-length"));
    EXPECT_EQ(head.headers.at("content-encoding"), to_string(coding));
  }
}

TEST_F(CodingTest, SmallAnswersComeAsTheyAreUnlessThatIsRefused) {
  EXPECT_FALSE(
      raw("GET", "/healthz", "Accept-Encoding: gzip\r\n").headers.contains("content-encoding"));
  const RawResponse coded = raw("GET", "/healthz", "Accept-Encoding: identity;q=0, gzip\r\n");
  EXPECT_EQ(coded.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(decoded(Coding::gzip, coded.body, 100), raw("GET", "/healthz", "").body);
  EXPECT_EQ(raw("GET", "/healthz", "Accept-Encoding: identity;q=0, br\r\n").status, 406);
}

TEST_F(CodingTest, AnEntityTagIsTheSameInEveryCoding) {
  const std::string target = "/v1/jobs/" + submit(alice, job).value;
  const RawResponse plain = raw("GET", target, "");
  const RawResponse coded = raw("GET", target, "Accept-Encoding: identity;q=0, zstd\r\n");
  EXPECT_EQ(plain.headers.at("etag"), coded.headers.at("etag"));
  EXPECT_TRUE(plain.headers.at("etag").starts_with("W/\""));
  for (const char* accepted : {"", "Accept-Encoding: gzip\r\n"}) {
    const RawResponse again =
        raw("GET", target, accepted + ("If-None-Match: " + plain.headers.at("etag")) + "\r\n");
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.headers.at("etag"), plain.headers.at("etag"));
    EXPECT_EQ(again.headers.at("vary"), "Accept-Encoding");
    EXPECT_FALSE(again.headers.contains("content-encoding"));
  }
}

TEST_F(CodingTest, DocumentsComeCoded) {
  for (const Coding coding : kCodings) {
    const RawResponse response = submit_coded(coding, job);
    EXPECT_EQ(response.status, 201) << response.body;
    EXPECT_EQ(submit_coded(coding, "no json").status, 400);
  }
  EXPECT_EQ(service.last_submission().spec.variants.at(0).executors.at(0).command,
            std::vector<std::string>{"true"});
  const RawResponse unknown = raw("POST", "/v1/jobs", "Content-Encoding: br\r\n", "whatever it is");
  EXPECT_EQ(unknown.status, 415);
  EXPECT_EQ(unknown.headers.at("accept-encoding"), "gzip, zstd");
  EXPECT_EQ(raw("POST", "/v1/jobs", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
                encode_body(Coding::gzip, job))
                .status,
            415);
  EXPECT_EQ(raw("POST", "/v1/jobs", "Content-Encoding: gzip\r\n", job).status, 400);
  const std::string coded = encode_body(Coding::zstd, job);
  EXPECT_EQ(raw("POST", "/v1/jobs", "Content-Encoding: zstd\r\n", coded.substr(0, 10)).status, 400);
  EXPECT_EQ(service.submissions_count(), 2U);
}

TEST_F(CodingTest, ABombIsRefusedByWhatItWouldMake) {
  for (const Coding coding : kCodings) {
    const RawResponse document = submit_coded(coding, std::string(300'000, ' '));
    EXPECT_EQ(document.status, 413) << document.body;
    // A line of it is too long; and of all of it no more is made than a batch may have.
    const RawResponse batch =
        submit_coded(coding, std::string(270'000'000, ' ') + "\n" + std::string(job), ndjson_type);
    EXPECT_EQ(batch.status, 200);
    EXPECT_NE(batch.body.find("the batch is larger than"), std::string::npos) << batch.body;
  }
  EXPECT_EQ(service.submissions_count(), 0U);
}

TEST_F(CodingTest, BatchesComeCoded) {
  std::string body;
  for (int i = 0; i < 3'000; ++i) body += std::string(job) + "\n";
  for (const Coding coding : kCodings) {
    const std::size_t before = service.jobs_count();
    const RawResponse response = submit_coded(coding, body, ndjson_type);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 3'000);
    EXPECT_EQ(service.jobs_count() - before, 3'000U);
    // What was cut short is told, and what came before it stays.
    const std::string coded = encode_body(coding, body);
    const RawResponse cut = raw("POST", "/v1/jobs",
                                "Content-Type: application/x-ndjson\r\nContent-Encoding: " +
                                    std::string(to_string(coding)) + "\r\n",
                                coded.substr(0, coded.size() - 3));
    EXPECT_EQ(cut.status, 400) << cut.body;
  }
}

}  // namespace
}  // namespace tradewind::testing
