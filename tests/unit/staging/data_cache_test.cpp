// What a site keeps of inputs: for whom, for how long, and whether it is still what it was.
#include "gateway/staging/data_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <barrier>
#include <set>
#include <thread>

#include "gateway/staging/fetch.h"
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

constexpr std::uint64_t mib = 1024 * 1024;
constexpr HoldingLabel ours{1, 1};
constexpr HoldingLabel theirs{1, 2};
constexpr std::chrono::milliseconds tick{20};  // files used within less may seem used at once

std::string bytes_of(char seed, std::size_t count = mib) {
  std::string bytes(count, '\0');
  for (std::size_t each = 0; each < count; ++each) {
    bytes[each] = static_cast<char>(static_cast<std::size_t>(seed) * each % 251);
  }
  return bytes;
}

class DataCacheTest : public testing::Test {
 protected:
  DataCacheTest() {
    policy.allow_private_hosts = true;
    policy.backoff = std::chrono::milliseconds(1);
    policy.cache_directory = cache / "kept";
    policy.cache_bytes_max = 8 * mib;
  }

  Input input(const HoldingLabel& label, const std::string& content) {
    Input input;
    input.path = "/data/x";
    input.replicas = {{.url = server->url("/x"), .site = {}, .region = {}}};
    input.sha256 = hex(sha256(content));
    input.size_bytes = content.size();
    input.holding = label;
    return input;
  }
  Result<Fetched> run(const Input& input) {
    StagingBudget budget(policy);
    auto files = RootedDirectory::open(target.path(), Links::as_root);
    return fetch(policy, "inputs[0]", input, *files, budget, {});
  }
  // Serves the content to every request, cut off after so many bytes if that is given.
  void serve(std::string content, std::optional<std::size_t> cut_after = {}) {
    server = std::make_unique<HttpServer>(
        [content = std::move(content), cut_after](const HttpRequest& request) {
          return serve_range(request, content, "\"one\"", cut_after);
        });
  }
  Fetched good(const Input& input) {
    auto got = run(input);
    EXPECT_TRUE(got) << describe(got.error());
    return got ? *got : Fetched{};
  }
  std::set<std::string> kept() const {
    std::set<std::string> names;
    for (const auto& each : std::filesystem::directory_iterator(policy.cache_directory)) {
      if (each.path().filename() != "lock") names.insert(each.path().filename());
    }
    return names;
  }
  std::filesystem::path path_of(const Input& input) const {
    return policy.cache_directory / (to_string(input.holding) + "-" + input.sha256);
  }

  StagingPolicy policy;
  Scratch cache;
  Scratch target;
  std::unique_ptr<HttpServer> server;
};

TEST_F(DataCacheTest, TheNextAttemptPaysNoTransfer) {
  const std::string content = bytes_of(3);
  serve(content);
  const Fetched first = good(input(ours, content));
  EXPECT_FALSE(first.was_held);
  EXPECT_EQ(first.network_bytes, content.size());
  const Fetched second = good(input(ours, content));
  EXPECT_TRUE(second.was_held);
  EXPECT_EQ(second.network_bytes, 0U);
  EXPECT_EQ(second.input.sha256, hex(sha256(content)));
  EXPECT_EQ(target.read("data/x"), content);
  EXPECT_EQ(server->requests().size(), 1U);
}

TEST_F(DataCacheTest, ADigestAloneShowsNobodyWhatAnotherHasHere) {
  const std::string content = bytes_of(3);
  serve(content);
  good(input(ours, content));
  EXPECT_FALSE(good(input(theirs, content)).was_held) << "another label is another's";
  EXPECT_EQ(server->requests().size(), 2U);
  Input without = input({}, content);
  EXPECT_FALSE(good(without).was_held);
  EXPECT_EQ(server->requests().size(), 3U);
  EXPECT_EQ(kept().size(), 2U) << "without a label nothing is kept";
  // Nor does the right label with another digest.
  Input other = input(ours, bytes_of(5));
  EXPECT_FALSE(run(other).has_value());
}

TEST_F(DataCacheTest, AJobCannotChangeWhatIsKept) {
  const std::string content = bytes_of(3);
  serve(content);
  good(input(ours, content));
  struct stat copy{};
  struct stat original{};
  ASSERT_EQ(::stat((target / "data/x").c_str(), &copy), 0);
  ASSERT_EQ(::stat(path_of(input(ours, content)).c_str(), &original), 0);
  EXPECT_NE(copy.st_ino, original.st_ino);
  EXPECT_EQ(original.st_nlink, 1U);
  target.write("data/x", "changed");
  EXPECT_TRUE(good(input(ours, content)).was_held);
  EXPECT_EQ(target.read("data/x"), content);
}

TEST_F(DataCacheTest, WhatTheDiskChangedIsFetchedAnew) {
  const std::string content = bytes_of(3);
  serve(content);
  good(input(ours, content));
  std::fstream file(path_of(input(ours, content)), std::ios::in | std::ios::out);
  file.seekp(1'000);
  file.put('!');
  file.close();
  EXPECT_FALSE(good(input(ours, content)).was_held);
  EXPECT_EQ(target.read("data/x"), content);
  EXPECT_TRUE(good(input(ours, content)).was_held);
}

TEST_F(DataCacheTest, WhatWasCutOffIsGoneOnWithByTheNextAttempt) {
  const std::string content = bytes_of(3, 4 * mib);
  server = std::make_unique<HttpServer>([&, asked = 0](const HttpRequest& request) mutable {
    return asked++ == 0 ? serve_range(request, content, "\"one\"", mib) : HttpReply{.status = 404};
  });
  EXPECT_FALSE(run(input(ours, content)).has_value());
  ASSERT_THAT(kept(), ElementsAre(HasSubstr(".part")));
  // As a gateway that starts again finds it.
  serve(content);
  const Fetched got = good(input(ours, content));
  ASSERT_EQ(server->requests().size(), 1U);
  EXPECT_EQ(server->requests()[0].headers.at("range"), "bytes=1048576-");
  EXPECT_EQ(got.network_bytes, 3 * mib);
  EXPECT_EQ(target.read("data/x"), content);
}

TEST_F(DataCacheTest, ABeginningThatIsWrongIsFetchedAnew) {
  const std::string content = bytes_of(3, 2 * mib);
  serve(content);
  const Input wanted = input(ours, content);
  for (const std::string& begun : {std::string(mib, 'x'), content, content + "more"}) {
    std::filesystem::remove_all(policy.cache_directory);
    std::filesystem::create_directories(policy.cache_directory);
    std::ofstream(path_of(wanted).string() + ".part", std::ios::binary) << begun;
    good(wanted);
    EXPECT_EQ(target.read("data/x"), content);
    EXPECT_TRUE(good(wanted).was_held);
  }
}

TEST_F(DataCacheTest, TheLeastRecentlyUsedGoWhenTheQuotaIsFull) {
  policy.cache_bytes_max = 3 * mib;
  std::vector<Input> wanted;
  for (const char seed : {'\3', '\5', '\7'}) {
    serve(bytes_of(seed));
    wanted.push_back(input(ours, bytes_of(seed)));
    good(wanted.back());
    std::this_thread::sleep_for(tick);
  }
  EXPECT_TRUE(good(wanted[0]).was_held) << "used again, so the second is now the oldest";
  serve(bytes_of(11));
  good(input(ours, bytes_of(11)));
  EXPECT_EQ(kept().size(), 3U);
  EXPECT_TRUE(std::filesystem::exists(path_of(wanted[0])));
  EXPECT_FALSE(std::filesystem::exists(path_of(wanted[1])));
  EXPECT_TRUE(std::filesystem::exists(path_of(wanted[2])));
}

TEST_F(DataCacheTest, WhatIsInUseStays) {
  policy.cache_bytes_max = 2 * mib;
  serve(bytes_of(3));
  const Input used = input(ours, bytes_of(3));
  good(used);
  const auto open = DataCache::open(policy.cache_directory, policy.cache_bytes_max);
  ASSERT_TRUE(open);
  const auto place = open->take(ours, used.sha256, mib, {});
  ASSERT_TRUE(place && *place && (*place)->complete);
  for (const char seed : {'\5', '\7'}) {
    serve(bytes_of(seed));
    good(input(ours, bytes_of(seed)));
  }
  EXPECT_TRUE(std::filesystem::exists(path_of(used)));
  EXPECT_EQ(kept().size(), 2U);
}

TEST_F(DataCacheTest, WhatIsTooLargeForItGoesByIt) {
  const std::string content = bytes_of(3, 5 * mib);
  serve(content);
  Input wanted = input(ours, content);
  EXPECT_THAT(good(wanted).cache_problem, HasSubstr("too large"));
  wanted.size_bytes = mib;  // which is not true
  EXPECT_THAT(good(wanted).cache_problem, HasSubstr("too large"));
  EXPECT_EQ(target.read("data/x"), content);
  EXPECT_TRUE(kept().empty());
}

TEST_F(DataCacheTest, ACacheThatDoesNotWorkKeepsNoAttemptFromItsData) {
  cache.write("kept", "a file where the directory should be");
  const std::string content = bytes_of(3);
  serve(content);
  EXPECT_THAT(good(input(ours, content)).cache_problem, HasSubstr("kept"));
  EXPECT_EQ(target.read("data/x"), content);
}

TEST_F(DataCacheTest, AttemptsThatWantTheSameFetchItOnce) {
  const std::string content = bytes_of(3, 2 * mib);
  serve(content, 300'000);
  std::vector<std::jthread> attempts;
  std::atomic<int> held = 0;
  for (int each = 0; each < 4; ++each) {
    attempts.emplace_back([&, each] {
      Input wanted = input(ours, content);
      wanted.path = "/data/" + std::to_string(each);
      if (good(wanted).was_held) ++held;
    });
  }
  attempts.clear();
  EXPECT_EQ(held, 3);
  for (int each = 0; each < 4; ++each) {
    EXPECT_EQ(target.read("data/" + std::to_string(each)), content);
  }
}

TEST_F(DataCacheTest, WhoeverComesJustAsItIsCompletedLeavesNothingBehind) {
  const auto data = DataCache::open(policy.cache_directory, 1'000 * mib);
  ASSERT_TRUE(data);
  std::barrier together(4);
  std::atomic<int> fetched = 0;
  std::vector<std::jthread> attempts;
  for (int each = 0; each < 4; ++each) {
    attempts.emplace_back([&] {
      for (std::uint64_t low = 1; low <= 40; ++low) {
        together.arrive_and_wait();
        auto place = data->take(HoldingLabel{5, low}, std::string(64, 'a'), 1, {});
        const bool has = place && *place;
        EXPECT_TRUE(has);
        if (!has || (*place)->complete) continue;
        ++fetched;
        EXPECT_EQ(::write((*place)->fd.get(), "x", 1), 1);
        EXPECT_TRUE(data->complete(**place));
      }
    });
  }
  attempts.clear();
  EXPECT_EQ(fetched, 40);
  EXPECT_EQ(kept().size(), 40U) << "and no part of one";
}

TEST_F(DataCacheTest, TellsWhatWasUsedLastAndIsWorthTelling) {
  policy.cache_bytes_max = 64 * mib;
  std::filesystem::create_directories(policy.cache_directory);
  for (std::uint64_t low = 1; low <= 4; ++low) {
    const std::string content = bytes_of(static_cast<char>(low), low == 2 ? 1'000 : mib);
    serve(content);
    Input wanted = input(HoldingLabel{5, low}, content);
    if (low == 2) wanted.size_bytes = 0;
    good(wanted);
    std::this_thread::sleep_for(tick);
  }
  const auto open = DataCache::open(policy.cache_directory, policy.cache_bytes_max);
  ASSERT_TRUE(open);
  EXPECT_THAT(open->holdings(10),
              ElementsAre(HoldingLabel{5, 1}, HoldingLabel{5, 3}, HoldingLabel{5, 4}));
  EXPECT_THAT(open->holdings(2), ElementsAre(HoldingLabel{5, 3}, HoldingLabel{5, 4}));
}

}  // namespace
}  // namespace tradewind
