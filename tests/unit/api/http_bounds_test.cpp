// What an HTTP server bounds, over real sockets: bytes, times and connections.
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "broker/api/http_coding.h"
#include "tests/unit/api/http_server_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::milliseconds;

TEST_F(HttpServerTest, WhoSendsOnWithoutAnAnswerIsNotReadFurther) {
  std::mutex mutex;
  std::vector<Responder> kept;
  handler = [&](const HttpRequest&, const Responder& responder) {
    const std::lock_guard lock(mutex);
    kept.push_back(responder);
  };
  start();
  RawClient client(server->port());
  client.set_send_timeout(milliseconds(300));
  std::size_t sent = 0;
  const std::string request = request_text("GET", "/" + std::string(8'000, 'x'));
  while (sent < 64'000'000 && client.send(request)) sent += request.size();
  EXPECT_LT(sent, 32'000'000U) << "what the sockets hold";
  const std::lock_guard lock(mutex);
  EXPECT_EQ(kept.size(), 1U);
}

TEST_F(HttpServerTest, WhileTooManyBytesAreUnderWayRequestsGet503) {
  options.limits.bytes_under_way_max = 60'000;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Responder> kept;
  handler = [&](const HttpRequest& request, const Responder& responder) {
    if (request.path != "/large") return responder.send(HttpResponse{});
    const std::lock_guard lock(mutex);
    kept = responder;
    changed.notify_all();
  };
  start();
  RawClient large(server->port());
  large.send(request_text("POST", "/large", std::string(100'000, 'x')));
  EXPECT_EQ(large.read().status, 503) << "it alone is more";
  RawClient held(server->port());
  held.send(request_text("POST", "/large", std::string(60'000, 'x')));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return kept.has_value(); });
  }
  EXPECT_EQ(options.counters->bytes_under_way, 60'000U);
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 503);
  kept->send(HttpResponse{});
  EXPECT_EQ(held.read().status, 200);
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 200);
  EXPECT_EQ(options.counters->bytes_under_way, 0U);
  kept.reset();
}

TEST_F(HttpServerTest, ACodedBodyCountsAsWhatItStandsFor) {
  std::uint64_t seen = 0;
  handler = [&](const HttpRequest& request, const Responder& responder) {
    EXPECT_EQ(request.body.size(), 100'000U);
    seen = options.counters->bytes_under_way;
    responder.send(HttpResponse{});
  };
  start();
  const std::string coded = encode_body(Coding::zstd, std::string(100'000, 'x'));
  ASSERT_LT(coded.size(), 1'000U);
  EXPECT_EQ(exchange(request_text("POST", "/large", coded, "Content-Encoding: zstd\r\n")).status,
            200);
  EXPECT_EQ(seen, 100'000U);
}

TEST_F(HttpServerTest, WhileItDrainsAnswersEndTheirConnections) {
  start();
  RawClient idle(server->port());
  RawClient silent(server->port());
  for (RawClient* each : {&idle, &silent}) {
    each->send(request_text("GET", "/"));
    EXPECT_EQ(each->read().headers.count("connection"), 0U);
  }
  server->drain(milliseconds(1));
  idle.send(request_text("GET", "/last") + request_text("GET", "/lost"));
  const RawResponse last = idle.read();
  EXPECT_EQ(last.body, "GET /last ");
  EXPECT_EQ(last.headers.at("connection"), "close");
  EXPECT_TRUE(idle.sees_close());
  RawClient late(server->port());
  late.send(request_text("GET", "/late"));
  EXPECT_EQ(late.read().headers.at("connection"), "close");
  silent.close();
  late.close();
  const auto begin = std::chrono::steady_clock::now();
  server->drain(std::chrono::seconds(60));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30))
      << "nobody is connected any more";
}

TEST_F(HttpServerTest, AnswersALongHeaderWith431AndCloses) {
  start();
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(32 * 1024, 'x'));
  EXPECT_EQ(client.read().status, 431);
  EXPECT_TRUE(client.sees_close());
}

TEST_F(HttpServerTest, AnswersALargeBodyWith413ByRoute) {
  start();
  EXPECT_EQ(exchange(request_text("POST", "/small", std::string(1001, 'x'))).status, 413);
  EXPECT_EQ(exchange(request_text("POST", "/small", std::string(1000, 'x'))).status, 200);
  EXPECT_EQ(exchange(request_text("POST", "/large", std::string(100'000, 'x'))).status, 200);
  EXPECT_EQ(
      exchange("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n").status,
      413);
  // Chunked, so that the size is not announced.
  EXPECT_EQ(
      exchange("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
               std::string(2000, 'x') + "\r\n0\r\n\r\n")
          .status,
      413);
}

TEST_F(HttpServerTest, CutsClientsThatAreSlowWithHeaderOrBody) {
  options.limits.header_timeout = milliseconds(200);
  options.limits.body_timeout = milliseconds(200);
  start();
  RawClient header(server->port());
  RawClient body(server->port());
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  // A byte now and then does not buy more time.
  int sent = 0;
  for (bool open = true; open && sent < 200; ++sent) {
    const bool header_open = header.send("G");
    open = body.send("x") || header_open;
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_LT(sent, 200);
  EXPECT_TRUE(header.sees_close());
  EXPECT_TRUE(body.sees_close());
  await_timeouts(2);
  EXPECT_EQ(exchange(request_text("GET", "/other")).status, 200);
}

TEST_F(HttpServerTest, CutsClientsThatDoNotReadTheirAnswer) {
  options.limits.write_timeout = milliseconds(200);
  handler = [](const HttpRequest&, const Responder& responder) {
    HttpResponse response;
    response.body.assign(16 << 20, 'x');
    responder.send(std::move(response));
  };
  start();
  RawClient client(server->port(), "127.0.0.1", 4'096);
  client.send(request_text("GET", "/"));
  await_timeouts(1);
  EXPECT_TRUE(client.read().cut);
}

TEST_F(HttpServerTest, WhoWaitsForAnAnswerIsNotHeldToTheTimesOfItsRequest) {
  options.limits.header_timeout = milliseconds(500);
  options.limits.body_timeout = milliseconds(500);
  options.limits.idle_timeout = milliseconds(500);
  options.limits.write_timeout = milliseconds(500);
  handler = [this](const HttpRequest& request, const Responder& responder) {
    other = std::thread([body = request.body, responder] {
      std::this_thread::sleep_for(milliseconds(1'500));
      HttpResponse response;
      response.body = body;
      responder.send(std::move(response));
    });
  };
  start();
  EXPECT_EQ(exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").body, "hi");
  EXPECT_EQ(options.counters->timeouts, 0U);
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  options.limits.idle_timeout = milliseconds(100);
  start();
  RawClient client(server->port());
  client.send(request_text("GET", "/"));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.sees_close());
}

TEST_F(HttpServerTest, CapsConnectionsPerAddress) {
  options.limits.connections_per_address_max = 2;
  start();
  RawClient first(server->port());
  first.send(request_text("GET", "/"));
  EXPECT_EQ(first.read().status, 200);
  RawClient second(server->port());
  second.send(request_text("GET", "/"));
  EXPECT_EQ(second.read().status, 200);
  RawClient third(server->port());
  EXPECT_TRUE(third.sees_close());
  EXPECT_EQ(options.counters->connections_refused, 1U);
  second.close();
  // The place is free again once the server has seen the close.
  for (int i = 0; i < 1'000; ++i) {
    RawClient again(server->port());
    again.send(request_text("GET", "/"));
    if (again.read().status == 200) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL() << "the place of the closed connection was never given back";
}

TEST_F(HttpServerTest, AThousandSlowClientsAreCutAndDelayNobodyElse) {
  options.limits.header_timeout = milliseconds(4'000);
  start();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 1'000; ++i) {
    slow.push_back(std::make_unique<RawClient>(server->port()));
    ASSERT_TRUE(slow.back()->send("GET / HTTP/1.1\r\nHost: a\r\nX"));
  }
  // While they are there, and send a byte each now and then, others are served.
  int served = 0;
  while (options.counters->timeouts < slow.size() && served < 10'000) {
    for (std::size_t i = static_cast<std::size_t>(served) % 10; i < slow.size(); i += 10) {
      (void)slow[i]->send("x");
    }
    RawClient other(server->port());
    ASSERT_TRUE(other.send(request_text("GET", "/other")));
    ASSERT_EQ(other.read().status, 200) << "after " << served;
    ++served;
  }
  EXPECT_GT(served, 1);
  EXPECT_EQ(options.counters->timeouts, slow.size());
  for (const auto& each : slow) EXPECT_TRUE(each->sees_close());
}

TEST_F(HttpServerTest, AFloodOfConnectionsIsHeldToTheCapsAndOthersAreServed) {
  options.limits.connections_max = 200;
  options.limits.connections_per_address_max = 60;
  start();
  RawClient before(server->port(), "127.0.1.1");
  before.send(request_text("GET", "/before"));
  EXPECT_EQ(before.read().status, 200);
  std::vector<std::unique_ptr<RawClient>> flood;
  const auto flood_from = [&](const char* address, std::uint64_t refused) {
    for (int i = 0; i < 500; ++i) {
      flood.push_back(std::make_unique<RawClient>(server->port(), address));
    }
    for (int i = 0; i < 1'000 && options.counters->connections_refused < refused; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_EQ(options.counters->connections_refused, refused) << address;
  };
  flood_from("127.0.2.1", 440);
  // One address leaves room for the others.
  RawClient other(server->port(), "127.0.1.2");
  other.send(request_text("GET", "/other"));
  EXPECT_EQ(other.read().status, 200);
  flood_from("127.0.2.2", 880);
  flood_from("127.0.2.3", 1'320);
  flood_from("127.0.2.4", 1'320 + 500 - 18);  // 2 + 3 * 60 + 18 are 200
  EXPECT_EQ(options.counters->connections_open, 200U);
  // Who is connected is served on.
  before.send(request_text("GET", "/again"));
  EXPECT_EQ(before.read().status, 200);
  flood.clear();
  for (int i = 0; i < 1'000; ++i) {
    RawClient again(server->port(), "127.0.1.3");
    again.send(request_text("GET", "/again"));
    if (again.read().status == 200) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL() << "the places of the flood were never given back";
}

}  // namespace
}  // namespace tradewind::testing
