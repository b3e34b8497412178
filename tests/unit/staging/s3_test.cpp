// Objects in S3: against a server that checks signatures (s3rver, where npm can install it), and
// against one that shows what was asked.
#include "gateway/staging/s3.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "gateway/staging/fetch.h"
#include "gateway/staging/store.h"
#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "tests/unit/staging/http_server.h"
#include "tests/unit/staging/scratch.h"

extern char** environ;

namespace tradewind {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::Scratch;
using testing::HasSubstr;
using testing::StartsWith;

class S3Test : public testing::Test {
 protected:
  S3Test() {
    policy.backoff = std::chrono::milliseconds(1);
    credentials("SOMEBODY\nsecret\n", 0600);
  }
  void credentials(const std::string& text, mode_t mode) const {
    secrets.write("credentials", text);
    ::chmod((secrets / "credentials").c_str(), mode);
  }
  S3Bucket& open_bucket(const std::string& endpoint, bool path_style = true) {
    S3Bucket bucket;
    bucket.bucket = "tradewind";
    bucket.endpoint = endpoint;
    bucket.path_style = path_style;
    bucket.private_host = true;
    bucket.credentials_file = (secrets / "credentials").string();
    policy.s3 = {bucket};
    return policy.s3.front();
  }
  Result<Fetched> fetch_object(const std::string& url) {
    Input input;
    input.path = "/data/x";
    input.replicas = {{.url = url, .site = {}, .region = {}}};
    StagingBudget budget(policy);
    auto files = RootedDirectory::open(target.path(), Links::as_root);
    return fetch(policy, "inputs[0]", input, *files, budget, {});
  }
  Result<Stored> store_object(const std::string& path, const std::string& url) {
    Output output;
    output.path = path;
    output.url = url;
    StagingBudget budget(policy);
    auto files = RootedDirectory::open(made.path(), Links::as_root);
    auto kept = RootedDirectory::open(target.path(), Links::as_root);
    return store(policy, "outputs[0]", output, *files, *kept, budget, {});
  }

  StagingPolicy policy;
  Scratch secrets;
  Scratch made;
  Scratch target;
};

// --- a real server

// Started once a process, as it takes a second, and minutes where it has to be installed.
class S3Server : public S3Test {
 protected:
  static void SetUpTestSuite() {
    std::array<int, 2> input{};
    std::array<int, 2> output{};
    ASSERT_EQ(::pipe2(input.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(output.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    std::array<const char*, 3> words{TRADEWIND_S3_SERVER, TRADEWIND_S3_DIRECTORY, nullptr};
    ASSERT_EQ(::posix_spawn(&pid_, words[0], &actions, nullptr,
                            const_cast<char* const*>(words.data()), environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(input[0]);
    ::close(output[1]);
    input_ = UniqueFd(input[1]);
    const UniqueFd said(output[0]);
    std::string line;
    while (line.find('\n') == std::string::npos) {
      pollfd ready{said.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&ready, 1, 240'000), 1) << line;
      std::array<char, 256> bytes{};
      const ssize_t got = ::read(said.get(), bytes.data(), bytes.size());
      ASSERT_GT(got, 0) << "the server told no port";
      line.append(bytes.data(), static_cast<std::size_t>(got));
    }
    if (line.starts_with("skipped: ")) skipped_ = line;
    std::istringstream(line) >> port_ >> id_ >> secret_;
  }
  // It ends with its input, and tidies up.
  static void TearDownTestSuite() {
    input_.reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }

  void SetUp() override {
    if (!skipped_.empty()) GTEST_SKIP() << skipped_;
    open_bucket("http://127.0.0.1:" + port_);
    credentials(id_ + "\n" + secret_ + "\n", 0600);
  }
  // Of `size_bytes`, no two of its blocks alike.
  void make_file(const std::string& name, std::size_t size_bytes) const {
    std::string text(size_bytes, '\0');
    unsigned state = 1;
    for (char& each : text) {
      state = state * 1664525 + 1013904223;
      each = static_cast<char>(state >> 24);
    }
    made.write(name, text);
  }

  static inline std::string port_, id_, secret_, skipped_;

 private:
  static inline pid_t pid_ = 0;
  static inline UniqueFd input_;
};

TEST_F(S3Server, AnObjectThatWasPutIsFetched) {
  made.write("out", "hello");
  for (const char* key :
       {"runs/1/a b.txt", "runs/2/a+b=c&d@e,f;g:h$i!(j)*'k~l[m]é%20", "runs/3/x?y#z"}) {
    const std::string url = std::string("s3://tradewind/") + key;
    const auto stored = store_object("/out", url);
    ASSERT_TRUE(stored) << describe(stored.error());
    EXPECT_EQ(stored->files.at(0).sha256, hex(sha256("hello")));
    const auto got = fetch_object(url);
    ASSERT_TRUE(got) << describe(got.error());
    EXPECT_EQ(target.read("data/x"), "hello");
  }
}

TEST_F(S3Server, AnEmptyFileIsAnObject) {
  made.write("out", "");
  const auto stored = store_object("/out", "s3://tradewind/empty");
  ASSERT_TRUE(stored) << describe(stored.error());
  const auto got = fetch_object("s3://tradewind/empty");
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.size_bytes, 0U);
}

TEST_F(S3Server, ALargeFileGoesInPieces) {
  make_file("out", (65ULL << 20) + 3);
  const auto stored = store_object("/out", "s3://tradewind/large");
  ASSERT_TRUE(stored) << describe(stored.error());
  const auto got = fetch_object("s3://tradewind/large");
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.size_bytes, (65ULL << 20) + 3);
  EXPECT_EQ(got->input.sha256, stored->files.at(0).sha256);
}

TEST_F(S3Server, AnObjectArrivesOverALineThatBreaks) {
  make_file("out", (4ULL << 20) + 5);
  const auto stored = store_object("/out", "s3://tradewind/broken/x");
  ASSERT_TRUE(stored) << describe(stored.error());
  const auto got = fetch_object("s3://tradewind/broken/x");
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.sha256, stored->files.at(0).sha256);
  EXPECT_GE(got->tries, 4U);
  EXPECT_GT(got->resumed_bytes, 3ULL << 20);
}

TEST_F(S3Server, ALargeObjectComesBySeveralRangesOverALineThatBreaks) {
  policy.range_bytes_min = 2ULL << 20;
  make_file("out", (17ULL << 20) + 5);
  const auto stored = store_object("/out", "s3://tradewind/broken/ranges");
  ASSERT_TRUE(stored) << describe(stored.error());
  const auto got = fetch_object("s3://tradewind/broken/ranges");
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.sha256, stored->files.at(0).sha256);
  EXPECT_EQ(got->ranges, 4U);
  EXPECT_GE(got->tries, 8U);
}

TEST_F(S3Server, AWrongSecretOpensNothing) {
  made.write("out", "hello");
  ASSERT_TRUE(store_object("/out", "s3://tradewind/x"));
  for (const std::string& each : {id_ + "\nwrong\n", "NOBODY\n" + secret_ + "\n"}) {
    credentials(each, 0600);
    const auto got = fetch_object("s3://tradewind/x");
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().message, HasSubstr("403"));
    EXPECT_FALSE(store_object("/out", "s3://tradewind/y"));
  }
  credentials(id_ + "\n" + secret_ + "\n", 0600);
  EXPECT_THAT(fetch_object("s3://tradewind/y").error().message, HasSubstr("404"));
}

TEST_F(S3Server, AnObjectThatIsNotThereIsNamed) {
  const auto got = fetch_object("s3://tradewind/none");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("s3://tradewind/none: the server answered 404"));
}

// --- what is asked

TEST_F(S3Test, AsksByPathOrByHost) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = "hello"}; });
  open_bucket(server.url(""));
  ASSERT_TRUE(fetch_object("s3://tradewind/a b/c"));
  const HttpRequest by_path = server.requests().at(0);
  EXPECT_EQ(by_path.target, "/tradewind/a%20b/c");
  EXPECT_THAT(by_path.headers.at("authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=SOMEBODY/"));
  EXPECT_EQ(by_path.headers.at("x-amz-content-sha256"), hex(sha256("")));
  // Names below localhost are loopback.
  std::string endpoint = server.url("");
  endpoint.replace(endpoint.find("127.0.0.1"), 9, "localhost");
  open_bucket(endpoint, false);
  const auto got = fetch_object("s3://tradewind/a b/c");
  ASSERT_TRUE(got) << describe(got.error());
  const HttpRequest by_host = server.requests().at(1);
  EXPECT_EQ(by_host.target, "/a%20b/c");
  EXPECT_THAT(by_host.headers.at("host"), StartsWith("tradewind.localhost:"));
}

TEST_F(S3Test, ADownloadThatBreaksOffGoesOn) {
  const std::string content(1'000'000, 'x');
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"", 400'000);
  });
  open_bucket(server.url(""));
  const auto got = fetch_object("s3://tradewind/x");
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(target.read("data/x"), content);
  EXPECT_EQ(server.requests().at(1).headers.at("range"), "bytes=400000-");
  EXPECT_TRUE(server.requests().at(1).headers.contains("authorization"));
}

TEST_F(S3Test, ASignedRequestFollowsNoRedirect) {
  const HttpServer server([](const HttpRequest&) {
    return HttpReply{.status = 307, .headers = {{"Location", "http://127.0.0.1:1/"}}, .body = {}};
  });
  open_bucket(server.url(""));
  const auto got = fetch_object("s3://tradewind/x");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("307"));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(S3Test, PiecesOfAFailedUploadAreRemoved) {
  const HttpServer server([](const HttpRequest& request) {
    if (request.method == "POST") return HttpReply{.body = "<UploadId>u&amp;1</UploadId>"};
    return HttpReply{.status = request.method == "PUT" ? 400 : 204};
  });
  open_bucket(server.url(""));
  made.write("out", "");
  std::filesystem::resize_file(made / "out", 65ULL << 20);
  EXPECT_FALSE(store_object("/out", "s3://tradewind/x"));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].target, "/tradewind/x?uploads=");
  EXPECT_EQ(requests[1].target, "/tradewind/x?partNumber=1&uploadId=u%261");
  EXPECT_EQ(requests[2].method + requests[2].target, "DELETE/tradewind/x?uploadId=u%261");
}

TEST_F(S3Test, AnUploadThatEndsInAnErrorDidNotSucceed) {
  const HttpServer server([](const HttpRequest& request) {
    if (request.target.ends_with("uploads=")) {
      return HttpReply{.body = "<A><UploadId>u</UploadId></A>"};
    }
    if (request.method == "POST") {
      return HttpReply{.body = "<Error><Code>InternalError</Code></Error>"};
    }
    return HttpReply{.headers = {{"ETag", "\"e\""}}, .body = {}};
  });
  open_bucket(server.url(""));
  made.write("out", "");
  std::filesystem::resize_file(made / "out", 65ULL << 20);
  const auto stored = store_object("/out", "s3://tradewind/x");
  ASSERT_FALSE(stored);
  EXPECT_THAT(stored.error().message, HasSubstr("InternalError"));
}

// --- what is allowed

TEST_F(S3Test, OnlyBucketsThatTheSiteOpenedToTheTenantMayBeUsed) {
  S3Bucket& bucket = open_bucket("https://store.example");
  bucket.tenants = {TenantId{"physics"}};
  bucket.writable = false;
  const StagingPolicy physics = policy_for(policy, TenantId{"physics"});
  const StagingPolicy biology = policy_for(policy, TenantId{"biology"});
  EXPECT_TRUE(check_source(physics, "url", "s3://tradewind/x"));
  EXPECT_FALSE(check_target(physics, "url", "s3://tradewind/x"));
  EXPECT_FALSE(check_source(biology, "url", "s3://tradewind/x"));
  EXPECT_FALSE(check_source(physics, "url", "s3://another/x"));
}

TEST_F(S3Test, AKeyLeadsOutOfNoBucket) {
  open_bucket("https://store.example");
  for (const char* each : {"s3://tradewind/../another/x", "s3://tradewind/a/./b", "s3://tradewind/",
                           "s3://tradewind", "s3://Trade/x", "s3://u:p@tradewind/x", "s3:///x"}) {
    EXPECT_FALSE(check_source(policy, "url", each)) << each;
  }
  EXPECT_TRUE(check_source(policy, "url", "s3://tradewind/a..b"));
}

TEST_F(S3Test, APrivateAddressIsRefusedUnlessTheSiteNamedIt) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = "inner"}; });
  open_bucket(server.url("")).private_host = false;
  const auto got = fetch_object("s3://tradewind/x");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::forbidden);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(S3Test, CredentialsThatOthersMayReadAreNotUsed) {
  open_bucket("https://store.example");
  credentials("id\nsecret\n", 0640);
  EXPECT_THAT(fetch_object("s3://tradewind/x").error().remedy, HasSubstr("0600"));
  credentials("id\n", 0600);
  EXPECT_THAT(fetch_object("s3://tradewind/x").error().message, HasSubstr("two lines"));
}

TEST(S3Element, ReadsTheTextOfAnElement) {
  EXPECT_EQ(s3_element("<?xml?><A><UploadId>a&amp;b&lt;</UploadId></A>", "UploadId"), "a&b<");
  EXPECT_EQ(s3_element("<A><Code></Code></A>", "Code"), "");
  EXPECT_EQ(s3_element("<A><Code>x<B/></Code></A>", "Code"), "");
  EXPECT_EQ(s3_element("<Code>never closed", "Code"), "");
}

}  // namespace
}  // namespace tradewind
