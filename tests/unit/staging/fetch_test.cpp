#include "gateway/staging/fetch.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "state/identity/digest.h"
#include "state/identity/encoding.h"
#include "tests/unit/staging/http_server.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::Scratch;
using test::some_bytes;
using testing::HasSubstr;
using testing::Not;

std::string digest(const std::string& bytes) {
  return hex(sha256(bytes));
}

class Fetch : public testing::Test {
 protected:
  Fetch() {
    policy.allow_private_hosts = true;
    policy.backoff = std::chrono::milliseconds(1);
    policy.file_read_roots = {source.path()};
  }
  Result<Fetched> run(const Input& input, std::stop_token stop = {}) {
    StagingBudget budget(policy);
    auto files = RootedDirectory::open(target.path(), Links::as_root);
    return fetch(policy, "inputs[0]", input, *files, budget, stop);
  }
  Result<Fetched> run_url(const std::string& url, std::stop_token stop = {}) {
    return run(input_of(url), stop);
  }
  static Input input_of(const std::string& url) {
    Input input;
    input.path = "/data/x";
    input.replicas = {{.url = url, .site = {}, .region = {}}};
    return input;
  }
  std::string file_url(const std::string& name) { return "file://" + (source / name).string(); }

  StagingPolicy policy;
  Scratch source;
  Scratch target;
};

TEST_F(Fetch, WritesInlineContent) {
  Input input;
  input.path = "/work/run.sh";
  input.content = "#!/bin/sh\n";
  input.executable = true;
  const auto got = run(input);
  ASSERT_TRUE(got);
  EXPECT_EQ(target.read("work/run.sh"), "#!/bin/sh\n");
  EXPECT_EQ(got->input.sha256, digest("#!/bin/sh\n"));
  EXPECT_EQ(got->input.url, "");
  struct stat status{};
  ASSERT_EQ(::stat((target / "work/run.sh").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755U);
}

TEST_F(Fetch, GoesOnWhereAnHttpDownloadBrokeOff) {
  const std::string content = some_bytes(1'000'000);
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"", 300'000);
  });
  const auto got = run_url(server.url("/x"));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.size_bytes, content.size());
  EXPECT_EQ(got->input.sha256, digest(content));
  EXPECT_EQ(target.read("data/x"), content);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(target / "data"), {}), 1);
  ASSERT_EQ(server.requests().size(), 4U);
  EXPECT_EQ(server.requests()[1].headers.at("range"), "bytes=300000-");
  EXPECT_EQ(server.requests()[1].headers.at("if-range"), "\"one\"");
  EXPECT_EQ(server.requests()[3].headers.at("range"), "bytes=900000-");
}

TEST_F(Fetch, StartsAnewWhenTheFileChangedBetweenTwoTries) {
  const std::string before = some_bytes(400'000, 1);
  const std::string after = some_bytes(350'000, 2);
  int answers = 0;
  const HttpServer server([&](const HttpRequest& request) {
    return ++answers == 1 ? serve_range(request, before, "\"one\"", 200'000)
                          : serve_range(request, after, "\"two\"", std::nullopt);
  });
  const auto got = run_url(server.url("/x"));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.sha256, digest(after));
  EXPECT_EQ(target.read("data/x"), after);
}

TEST_F(Fetch, TakesNoRangeOfAnotherVersionFromAServerThatIgnoresIfRange) {
  const std::string before = some_bytes(400'000, 1);
  const std::string after = some_bytes(400'000, 2);
  for (const char* validator : {"ETag", "Last-Modified"}) {
    int answers = 0;
    const HttpServer server([&](HttpRequest request) {
      request.headers.erase("if-range");
      const bool first = ++answers == 1;
      auto reply = serve_range(request, first ? before : after, "\"one\"",
                               first ? std::optional<std::size_t>(200'000) : std::nullopt);
      reply.headers.front() = {validator, first ? "\"one\"" : "\"two\""};
      return reply;
    });
    const auto got = run_url(server.url("/x"));
    ASSERT_TRUE(got) << describe(got.error());
    EXPECT_EQ(target.read("data/x"), after) << validator;
  }
}

TEST_F(Fetch, StartsAnewWhenNothingVouchesForTheSameVersion) {
  const std::string content = some_bytes(200'000);
  int answers = 0;
  const HttpServer server([&](const HttpRequest&) {
    HttpReply reply;
    reply.body = content;
    if (++answers == 1) reply.cut_after = 100'000;
    return reply;
  });
  const auto got = run_url(server.url("/x"));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.sha256, digest(content));
  EXPECT_FALSE(server.requests()[1].headers.contains("range"));
}

TEST_F(Fetch, RefusesAWrongRange) {
  const std::string content = some_bytes(200'000);
  int answers = 0;
  const HttpServer server([&](const HttpRequest& request) {
    auto reply = serve_range(request, content, "\"one\"",
                             ++answers == 1 ? std::optional<std::size_t>(100'000) : std::nullopt);
    for (auto& [name, value] : reply.headers) {
      if (name == "Content-Range") value = "bytes 5-199999/200000";
    }
    return reply;
  });
  const auto got = run_url(server.url("/x"));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->input.sha256, digest(content));
}

TEST_F(Fetch, TriesAgainWhenTheServerIsUnwellButNotWhenTheFileIsMissing) {
  int answers = 0;
  const HttpServer server([&](const HttpRequest& request) {
    HttpReply reply;
    reply.status = request.target == "/none" ? 404 : (++answers < 3 ? 503 : 200);
    reply.body = "hello";
    return reply;
  });
  const auto got = run_url(server.url("/x"));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->tries, 3U);
  EXPECT_EQ(target.read("data/x"), "hello");
  const auto none = run_url(server.url("/none"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::invalid);
  EXPECT_THAT(none.error().message, HasSubstr("404"));
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_F(Fetch, ChecksTheDigest) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{200, {}, "hello", {}, false}; });
  Input input = input_of(server.url("/x"));
  input.sha256 = digest("hello");
  EXPECT_TRUE(run(input));
  input.sha256 = digest("other");
  const auto got = run(input);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::corrupt);
  EXPECT_THAT(describe(got.error()), HasSubstr("inputs[0]"));
  EXPECT_THAT(describe(got.error()), HasSubstr(digest("hello")));
}

TEST_F(Fetch, KeepsCredentialsOutOfErrorsAndReports) {
  const HttpServer server([](const HttpRequest& request) {
    return HttpReply{request.target.starts_with("/ok") ? 200 : 403, {}, "x", {}, false};
  });
  std::string url = server.url("/no?token=secret2");
  url.insert(url.find("//") + 2, "me:secret1@");
  const auto got = run_url(url);
  ASSERT_FALSE(got);
  EXPECT_THAT(describe(got.error()), Not(HasSubstr("secret")));
  EXPECT_THAT(describe(got.error()), HasSubstr("/no"));
  url.replace(url.find("/no"), 3, "/ok");
  const auto fine = run_url(url);
  ASSERT_TRUE(fine);
  EXPECT_THAT(fine->input.url, Not(HasSubstr("secret")));
}

TEST_F(Fetch, RefusesLoopbackUnlessAllowed) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{}; });
  policy.allow_private_hosts = false;
  std::string by_name = server.url("/x");
  by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
  for (const auto& url : {server.url("/x"), by_name}) {
    const auto got = run_url(url);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::forbidden);
    EXPECT_THAT(got.error().message, HasSubstr("not an address of the public internet"));
  }
  EXPECT_TRUE(server.requests().empty());
}

// In a network of its own, where a public address is one of this machine's.
int redirect_from_public_to_loopback() {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return 77;
  const int control = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  if (::ioctl(control, SIOCSIFFLAGS, &request) != 0) return 77;
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo:1");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, "8.8.4.4", &address.sin_addr);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  if (::ioctl(control, SIOCSIFADDR, &request) != 0) return 77;
  ::close(control);

  const HttpServer inner(
      [](const HttpRequest&) { return HttpReply{200, {}, "secret", {}, false}; });
  const HttpServer outer(
      [&](const HttpRequest& asked) {
        if (asked.target == "/plain") return HttpReply{200, {}, "public", {}, false};
        return HttpReply{302, {{"Location", inner.url("/metadata")}}, "", {}, false};
      },
      "8.8.4.4");
  StagingPolicy policy;
  const Scratch target;
  auto files = RootedDirectory::open(target.path(), Links::as_root);
  StagingBudget budget(policy);
  Input input;
  input.path = "/data/x";
  input.replicas = {{.url = outer.url("/plain"), .site = {}, .region = {}}};
  if (!fetch(policy, "inputs[0]", input, *files, budget, {})) return 1;
  input.replicas.front().url = outer.url("/away");
  const auto got = fetch(policy, "inputs[0]", input, *files, budget, {});
  if (got) return 2;
  if (got.error().code != ErrorCode::forbidden) return 3;
  return inner.requests().empty() ? 0 : 4;
}

TEST_F(Fetch, RefusesARedirectFromAPublicHostToLoopback) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(redirect_from_public_to_loopback());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no network namespace can be made here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Fetch, RefusesRedirectsToFilesAndEndlessOnes) {
  std::string self;
  const HttpServer server([&](const HttpRequest& request) {
    const std::string to = request.target == "/file" ? "file:///etc/passwd" : self;
    return HttpReply{302, {{"Location", to}}, "", {}, false};
  });
  self = server.url("/again");
  EXPECT_FALSE(run_url(server.url("/file")));
  const auto endless = run_url(server.url("/again"));
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, ErrorCode::invalid);
  EXPECT_THAT(endless.error().message, HasSubstr("redirects"));
}

TEST_F(Fetch, RefusesWhatIsOverALimit) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{200, {}, some_bytes(5'000), {}, false}; });
  policy.file_bytes_max = 4'999;
  const auto got = run_url(server.url("/x"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::too_large);
  EXPECT_THAT(describe(got.error()), HasSubstr("4999"));
  source.write("x", some_bytes(5'000));
  EXPECT_EQ(run_url(file_url("x")).error().code, ErrorCode::too_large);
  policy.file_bytes_max = 1'000'000;
  policy.attempt_bytes_max = 4'000;
  EXPECT_EQ(run_url(server.url("/x")).error().code, ErrorCode::too_large);
  EXPECT_EQ(run_url(file_url("x")).error().code, ErrorCode::too_large);
}

TEST_F(Fetch, StopsSoonWhenTold) {
  const HttpServer server(
      [](const HttpRequest&) { return HttpReply{200, {}, some_bytes(100'000), 50'000, true}; });
  std::stop_source stop;
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto started = std::chrono::steady_clock::now();
  EXPECT_FALSE(run_url(server.url("/x"), stop.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(3));
  EXPECT_TRUE(std::filesystem::is_empty(target / "data"));
}

TEST_F(Fetch, CopiesFilesOfAllowedDirectoriesOnly) {
  source.write("in/a file", "hello");
  const Scratch elsewhere;
  elsewhere.write("secret", "secret");
  std::filesystem::create_symlink(elsewhere / "secret", source / "in/link");
  std::filesystem::create_directory_symlink(elsewhere.path(), source / "in/door");

  const auto got = run_url(file_url("in/a%20file"));
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(target.read("data/x"), "hello");
  EXPECT_EQ(got->input.sha256, digest("hello"));

  const auto denied = [&](const std::string& url) {
    const auto refused = run_url(url);
    EXPECT_FALSE(refused) << url;
    if (!refused) EXPECT_THAT(refused.error().field, HasSubstr("inputs[0]"));
    return refused ? ErrorCode::internal : refused.error().code;
  };
  EXPECT_EQ(denied("file://" + (elsewhere / "secret").string()), ErrorCode::forbidden);
  EXPECT_EQ(denied(file_url("in/link")), ErrorCode::forbidden);
  EXPECT_EQ(denied(file_url("in/door/secret")), ErrorCode::forbidden);
  EXPECT_EQ(denied(file_url("in/../in/link")), ErrorCode::invalid);
  EXPECT_EQ(denied("file://host/etc/passwd"), ErrorCode::invalid);
  EXPECT_EQ(denied(file_url("in")), ErrorCode::invalid);  // a directory, not of that type
  EXPECT_EQ(denied(file_url("in/none")), ErrorCode::not_found);
  EXPECT_EQ(denied("ftp://host/x"), ErrorCode::invalid);
  ::mkfifo((source / "in/pipe").c_str(), 0600);
  EXPECT_EQ(denied(file_url("in/pipe")), ErrorCode::invalid);  // and does not wait for a writer
  policy.file_read_roots.clear();
  EXPECT_EQ(denied(file_url("in/a%20file")), ErrorCode::forbidden);
}

TEST_F(Fetch, CopiesDirectoriesWithoutLeavingThem) {
  source.write("set/b", "bb");
  source.write("set/sub/a", "a");
  std::filesystem::create_symlink("b", source / "set/same");
  Input input = input_of(file_url("set"));
  input.type = FileType::directory;
  const auto got = run(input);
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(target.read("data/x/b"), "bb");
  EXPECT_EQ(target.read("data/x/sub/a"), "a");
  EXPECT_EQ(target.read("data/x/same"), "bb");
  EXPECT_EQ(got->files, 3U);
  EXPECT_EQ(got->input.size_bytes, 5U);
  EXPECT_EQ(got->input.sha256,
            digest(digest("bb") + "  b\n" + digest("bb") + "  same\n" + digest("a") + "  sub/a\n"));
  std::filesystem::create_symlink("/etc/passwd", source / "set/away");
  const auto refused = run(input);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::forbidden);
  EXPECT_THAT(refused.error().message, HasSubstr("away"));
}

TEST_F(Fetch, BoundsTheFilesOfADirectory) {
  for (int each = 0; each < 20; ++each) source.write("set/" + std::to_string(each), "x");
  policy.files_max = 19;
  Input input = input_of(file_url("set"));
  input.type = FileType::directory;
  EXPECT_EQ(run(input).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace tradewind
