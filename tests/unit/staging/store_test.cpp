#include "gateway/staging/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using testing::ElementsAre;
using testing::HasSubstr;

class Store : public testing::Test {
 protected:
  Store() {
    policy.allow_private_hosts = true;
    policy.backoff = std::chrono::milliseconds(1);
    policy.file_write_roots = {target.path()};
  }
  Result<Stored> run(const Output& output) {
    StagingBudget budget(policy);
    auto root = RootedDirectory::open(files.path(), Links::as_root);
    auto keep = RootedDirectory::open(kept.path(), Links::as_root);
    return store(policy, "outputs[0]", output, *root, *keep, budget, {});
  }
  static Output output_of(const std::string& path, const std::string& url) {
    Output output;
    output.path = path;
    output.url = url;
    return output;
  }
  std::string file_url(const std::string& name) { return "file://" + (target / name).string(); }
  static std::vector<std::string> urls(const Stored& stored) {
    std::vector<std::string> all;
    for (const auto& each : stored.files) all.push_back(each.url);
    return all;
  }

  StagingPolicy policy;
  Scratch files;
  Scratch kept;
  Scratch target;
};

TEST_F(Store, CopiesToAFileUrlAndMakesItsDirectories) {
  files.write("work/out", "result");
  const auto stored = run(output_of("/work/out", file_url("a/b/out")));
  ASSERT_TRUE(stored) << describe(stored.error());
  ASSERT_EQ(stored->files.size(), 1U);
  EXPECT_EQ(stored->files[0].path, "/work/out");
  EXPECT_EQ(stored->files[0].url, file_url("a/b/out"));
  EXPECT_EQ(stored->files[0].size_bytes, 6U);
  EXPECT_EQ(stored->files[0].sha256, hex(sha256("result")));
  EXPECT_EQ(target.read("a/b/out"), "result");
  // Nothing hidden is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(target / "a/b"), {}), 1);
}

TEST_F(Store, WritesOnlyBelowAllowedDirectories) {
  files.write("work/out", "result");
  const Scratch elsewhere;
  std::filesystem::create_directory_symlink(elsewhere.path(), target / "door");
  const auto code = [&](const std::string& url) {
    const auto stored = run(output_of("/work/out", url));
    return stored ? ErrorCode::internal : stored.error().code;
  };
  EXPECT_EQ(code("file://" + (elsewhere / "out").string()), ErrorCode::forbidden);
  EXPECT_EQ(code(file_url("door/out")), ErrorCode::forbidden);
  EXPECT_EQ(code(file_url("../out")), ErrorCode::invalid);
  EXPECT_FALSE(elsewhere.exists("out"));
}

TEST_F(Store, TellsOfAMissingOutput) {
  const auto stored = run(output_of("/work/none", file_url("out")));
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().field, "outputs[0].path");
  EXPECT_THAT(stored.error().message, HasSubstr("did not make /work/none"));
}

TEST_F(Store, FollowsLinksOnlyAsTheJobSawThem) {
  files.write("work/real", "result");
  std::filesystem::create_symlink("/work/real", files / "work/inside");
  std::filesystem::create_symlink("/etc/passwd", files / "work/outside");
  std::filesystem::create_symlink("../../../../../../etc/passwd", files / "work/up");
  EXPECT_TRUE(run(output_of("/work/inside", file_url("inside"))));
  EXPECT_EQ(target.read("inside"), "result");
  EXPECT_FALSE(run(output_of("/work/outside", file_url("outside"))));
  EXPECT_FALSE(run(output_of("/work/up", file_url("up"))));
  EXPECT_FALSE(target.exists("outside"));
}

TEST_F(Store, FlattensADirectory) {
  files.write("work/set/a", "1");
  files.write("work/set/sub/b c", "22");
  std::filesystem::create_symlink("/nowhere", files / "work/set/broken");
  Output output = output_of("/work/set", file_url("set"));
  output.type = FileType::directory;
  const auto stored = run(output);
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_THAT(urls(*stored), ElementsAre(file_url("set/a"), file_url("set/sub/b%20c")));
  EXPECT_EQ(target.read("set/sub/b c"), "22");
  EXPECT_THAT(stored->notes, ElementsAre(HasSubstr("/work/set/broken")));
}

TEST_F(Store, MatchesWildcardsBelowAPrefix) {
  files.write("work/a1/x.txt", "1");
  files.write("work/a2/y.txt", "2");
  files.write("work/b1/z.txt", "3");
  files.write("work/a1/.hidden.txt", "4");
  files.write("work/a1/x.log", "5");
  Output output = output_of("/work/a[12]/?.txt", file_url("out/"));
  output.path_prefix = "/work";
  const auto stored = run(output);
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_THAT(urls(*stored), ElementsAre(file_url("out/a1/x.txt"), file_url("out/a2/y.txt")));
  EXPECT_EQ(target.read("out/a2/y.txt"), "2");
  output.path = "/work/*.none";
  const auto none = run(output);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->files.empty());
  EXPECT_THAT(none->notes, ElementsAre(HasSubstr("nothing matches")));
}

TEST_F(Store, TakesWildcardsLiterallyWithoutAPrefix) {
  files.write("work/*.txt", "star");
  files.write("work/a.txt", "a");
  const auto stored = run(output_of("/work/*.txt", file_url("out")));
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_EQ(target.read("out"), "star");
}

TEST_F(Store, PutsToAnHttpUrlAndTriesAgain) {
  const std::string content(200'000, 'x');
  files.write("work/out", content);
  int answers = 0;
  const HttpServer server(
      [&](const HttpRequest&) { return HttpReply{++answers == 1 ? 503 : 201, {}, "", {}, false}; });
  const auto stored = run(output_of("/work/out", server.url("/put/out?signature=secret")));
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_EQ(stored->files[0].url, server.url("/put/out"));
  EXPECT_EQ(stored->files[0].sha256, hex(sha256(content)));
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[1].method, "PUT");
  EXPECT_EQ(server.requests()[1].target, "/put/out?signature=secret");
  EXPECT_EQ(server.requests()[1].body, content);
}

TEST_F(Store, DoesNotPutToPrivateHosts) {
  files.write("work/out", "result");
  const HttpServer server([](const HttpRequest&) { return HttpReply{}; });
  policy.allow_private_hosts = false;
  const auto stored = run(output_of("/work/out", server.url("/x")));
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, ErrorCode::forbidden);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Store, KeepsOutputsWithoutAUrl) {
  files.write("work/out", "result");
  const auto stored = run(output_of("/work/out", ""));
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_EQ(stored->files[0].url, "");
  EXPECT_EQ(stored->files[0].sha256, hex(sha256("result")));
  EXPECT_EQ(kept.read("work/out"), "result");
}

}  // namespace
}  // namespace tradewind
