// Large files that come by several ranges at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "gateway/staging/data_cache.h"
#include "gateway/staging/fetch.h"
#include "gateway/staging/range_book.h"
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

class Ranges : public testing::Test {
 protected:
  Ranges() {
    policy.allow_private_hosts = true;
    policy.backoff = std::chrono::milliseconds(1);
    policy.range_bytes_min = 100'000;
    policy.attempt_bytes_max = 10'000'000;
  }
  Result<Fetched> run(const HttpServer& server, const std::string& sha256 = {},
                      const std::stop_token& stop = {}) {
    Input input;
    input.path = "/data/x";
    input.replicas = {{.url = server.url("/x"), .site = {}, .region = {}}};
    input.sha256 = sha256;
    input.holding = parse_holding_label("000102030405060708090a0b0c0d0e0f").value();
    StagingBudget budget(policy);
    auto files = RootedDirectory::open(target.path(), Links::as_root);
    auto got = fetch(policy, "inputs[0]", input, *files, budget, stop);
    left_bytes = 0;
    while (budget.take_bytes(1'000)) left_bytes += 1'000;
    return got;
  }
  void expect_whole(const Result<Fetched>& got, const std::string& content) {
    ASSERT_TRUE(got) << describe(got.error());
    EXPECT_EQ(got->input.size_bytes, content.size());
    EXPECT_EQ(got->input.sha256, hex(sha256(content)));
    EXPECT_TRUE(target.read("data/x") == content);
  }

  StagingPolicy policy;
  Scratch target;
  std::uint64_t left_bytes = 0;  // of the budget, about
  const std::string content = some_bytes(1'000'003);
};

TEST_F(Ranges, ALargeFileComesBySeveral) {
  const HttpServer server([&](const HttpRequest& request) {
    auto reply = serve_range(request, content, "\"one\"", std::nullopt);
    reply.bytes_per_second = 1'000'000;
    return reply;
  });
  policy.attempt_bytes_max = 2'000'000;
  const auto got = run(server);
  expect_whole(got, content);
  EXPECT_EQ(got->ranges, 4U);
  EXPECT_EQ(got->tries, 1U);
  EXPECT_EQ(left_bytes, 999'000U) << "each byte counts once";
  EXPECT_GE(server.most_at_once(), 4U);
  EXPECT_LE(server.most_at_once(), 9U);  // it may not have closed those yet that are done
  const auto requests = server.requests();
  EXPECT_FALSE(requests[0].headers.contains("range"));
  ASSERT_EQ(requests.size(), 12U);
  std::vector<std::string> ranges;
  for (std::size_t each = 1; each < requests.size(); ++each) {
    ranges.push_back(requests[each].headers.at("range"));
    EXPECT_EQ(requests[each].headers.at("if-range"), "\"one\"");
  }
  EXPECT_THAT(ranges, testing::IsSupersetOf({"bytes=0-99999", "bytes=300000-399999",
                                             "bytes=900000-999999", "bytes=1000000-1000002"}));
}

TEST_F(Ranges, FourAtOnceAreFasterThanOneWhereEachIsHeldToARate) {
  const HttpServer server([&](const HttpRequest& request) {
    auto reply = serve_range(request, content, "\"one\"", std::nullopt);
    reply.bytes_per_second = 300'000;
    return reply;
  });
  const auto by_four = run(server);
  EXPECT_GE(server.most_at_once(), 4U);
  policy.ranges_max = 1;
  const auto by_one = run(server);
  expect_whole(by_one, content);
  EXPECT_EQ(by_one->ranges, 1U);
  EXPECT_LT(by_four->input.milliseconds * 2, by_one->input.milliseconds);
}

TEST_F(Ranges, ASmallFileComesByOne) {
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"", std::nullopt);
  });
  policy.range_bytes_min = 300'000;
  expect_whole(run(server), content);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Ranges, AFileOfWhichNothingTellsTheVersionComesByOneUnlessItsDigestIsKnown) {
  const HttpServer server([&](const HttpRequest& request) {
    auto reply = serve_range(request, content, "", std::nullopt);
    reply.headers.erase(reply.headers.begin());
    return reply;
  });
  expect_whole(run(server), content);
  EXPECT_EQ(server.requests().size(), 1U);
  const auto got = run(server, hex(sha256(content)));
  expect_whole(got, content);
  EXPECT_EQ(got->ranges, 4U);
}

TEST_F(Ranges, EachGoesOnWhereItBrokeOff) {
  std::atomic<int> answers{0};
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"",
                       ++answers % 2 == 0 ? std::optional<std::size_t>(70'000) : std::nullopt);
  });
  const auto got = run(server);
  expect_whole(got, content);
  EXPECT_GT(got->tries, 3U);
  EXPECT_GE(got->resumed_bytes, 3U * 70'000);
  // Which ranges are broken off depends on who asks first; whichever it is goes on 70,000 bytes
  // after its beginning.
  bool resumed = false;
  for (const auto& each : server.requests()) {
    const auto range = each.headers.find("range");
    if (range == each.headers.end()) continue;
    unsigned long first = 0;
    unsigned long last = 0;
    ASSERT_EQ(std::sscanf(range->second.c_str(), "bytes=%lu-%lu", &first, &last), 2)
        << range->second;
    resumed = resumed || first % 100'000 == 70'000;
  }
  EXPECT_TRUE(resumed);
}

TEST_F(Ranges, AServerThatSaysThatItSendsRangesAndDoesNotSendsTheFileAtOnce) {
  for (const bool only_whole : {true, false}) {
    const HttpServer server([&](HttpRequest request) {
      if (only_whole) request.headers.erase("range");
      auto reply = serve_range(request, content, "\"one\"", std::nullopt);
      // Or sends others than those that were asked for.
      for (auto& [name, value] : reply.headers) {
        if (name == "Content-Range") value = "bytes 7-99999/1000003";
      }
      return reply;
    });
    policy.attempt_bytes_max = 2'000'000;
    expect_whole(run(server), content);
    EXPECT_EQ(left_bytes, 999'000U);
  }
}

TEST_F(Ranges, AServerThatTakesTwoConnectionsIsLeftWithTwo) {
  policy.backoff = std::chrono::milliseconds(50);
  std::atomic<int> refused{0};
  const HttpServer* asked = nullptr;
  const HttpServer server([&](const HttpRequest& request) {
    if (asked->at_once() > 2) {
      ++refused;
      return HttpReply{.status = 503};
    }
    auto reply = serve_range(request, content, "\"one\"", std::nullopt);
    reply.bytes_per_second = 1'000'000;
    return reply;
  });
  asked = &server;
  expect_whole(run(server), content);
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20) << "it was asked again and again";
}

TEST_F(Ranges, AFileThatChangesMidwayArrivesAsItIsThen) {
  const std::string after = some_bytes(900'000, 2);
  for (const bool heeds_if_range : {true, false}) {
    std::atomic<int> answers{0};
    const HttpServer server([&](HttpRequest request) {
      if (!heeds_if_range) request.headers.erase("if-range");
      return ++answers <= 4 ? serve_range(request, content, "\"one\"", std::nullopt)
                            : serve_range(request, after, "\"two\"", std::nullopt);
    });
    expect_whole(run(server), after);
  }
}

TEST_F(Ranges, BytesThatDoNotHaveTheDigestAreNotTaken) {
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"", std::nullopt);
  });
  const auto got = run(server, hex(sha256("other")));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::corrupt);
  EXPECT_FALSE(target.exists("data/x"));
}

TEST_F(Ranges, LimitsHold) {
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"", std::nullopt);
  });
  policy.attempt_bytes_max = 500'000;
  EXPECT_EQ(run(server).error().code, ErrorCode::too_large);
  policy.attempt_bytes_max = 2'000'000;
  policy.file_bytes_max = 1'000'000;
  EXPECT_EQ(run(server).error().code, ErrorCode::too_large);
  EXPECT_TRUE(std::filesystem::is_empty(target / "data"));
}

TEST_F(Ranges, AServerThatIsGoneIsAskedForSoManyTimes) {
  std::atomic<int> answers{0};
  const HttpServer server([&](const HttpRequest& request) {
    if (++answers > 3) return HttpReply{.status = 503};
    return serve_range(request, content, "\"one\"", std::nullopt);
  });
  const auto got = run(server);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("503"));
  EXPECT_LE(answers, 3 + 3 + static_cast<int>(policy.tries_max));
  EXPECT_TRUE(std::filesystem::is_empty(target / "data"));
}

TEST_F(Ranges, StopsSoonWhenTold) {
  const HttpServer server([&](const HttpRequest& request) {
    auto reply = serve_range(request, content, "\"one\"", 50'000);
    reply.stall = true;
    return reply;
  });
  std::stop_source stop;
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop.request_stop();
  });
  const auto started = std::chrono::steady_clock::now();
  EXPECT_FALSE(run(server, {}, stop.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(3));
}

TEST_F(Ranges, WhatWasThereWhenItWasStoppedIsNotFetchedAgain) {
  const std::string large = some_bytes(3'000'000);
  std::atomic<std::uint64_t> asked_bytes{0};
  std::atomic<bool> slow{true};
  const HttpServer server([&](const HttpRequest& request) {
    auto reply = serve_range(request, large, "\"one\"", std::nullopt);
    if (slow) {
      reply.bytes_per_second = 250'000;
    } else {
      asked_bytes += reply.body.size();
    }
    return reply;
  });
  const Scratch cache;
  policy.cache_directory = cache.path();
  policy.cache_bytes_max = 100ULL << 20;
  std::stop_source stop;
  std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2'000));
    stop.request_stop();
  });
  EXPECT_FALSE(run(server, hex(sha256(large)), stop.get_token()));
  stopper.join();
  slow = false;
  const auto got = run(server, hex(sha256(large)));
  expect_whole(got, large);
  EXPECT_LT(asked_bytes, 2'500'000U) << "it was fetched again";
  EXPECT_LT(got->network_bytes, 2'500'000U);
  slow = true;
  EXPECT_TRUE(run(server, hex(sha256(large)))->was_held);
}

TEST_F(Ranges, AKeptPartThatLiesIsFetchedAnew) {
  const HttpServer server([&](const HttpRequest& request) {
    return serve_range(request, content, "\"one\"", std::nullopt);
  });
  const Scratch cache;
  policy.cache_directory = cache.path();
  policy.cache_bytes_max = 100ULL << 20;
  const std::string name = "000102030405060708090a0b0c0d0e0f-" + hex(sha256(content)) + ".part";
  // Its book says that all but the end has come, and there are other bytes.
  cache.write(name, some_bytes(content.size(), 3) +
                        RangeBook(content.size(), content.size() - 10, 1).encode());
  expect_whole(run(server, hex(sha256(content))), content);
}

}  // namespace
}  // namespace tradewind
