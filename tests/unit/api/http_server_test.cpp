// The HTTP server over real sockets: what it refuses, what it bounds, what it promises.
#include "broker/api/http_server.h"
#include "broker/api/http_coding.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/api/endpoint_fixture.h"
#include "tests/unit/api/raw_client.h"

namespace tradewind::testing {
namespace {

using std::chrono::milliseconds;

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    options.counters = std::make_shared<HttpCounters>();
    options.body_rule = [](std::string_view, std::string_view path, std::string_view) {
      const bool large = path == "/large" || path == "/pieces";
      return BodyRule{large ? std::size_t{1 << 20} : std::size_t{1000}, path == "/pieces"};
    };
    options.refusal = [](int status, const std::string& message) {
      HttpResponse response;
      response.status = status;
      response.body = message;
      return response;
    };
    options.handle = [this](HttpRequest request, Responder responder) {
      if (handler) return handler(std::move(request), std::move(responder));
      HttpResponse response;
      response.body = request.method + " " + request.path + " " + request.body;
      responder.send(std::move(response));
    };
  }
  ~HttpServerTest() override {
    server.reset();
    if (other.joinable()) other.join();
  }
  void start() {
    auto started = HttpServer::start(options);
    ASSERT_TRUE(started.has_value()) << describe(started.error());
    server = std::move(*started);
  }
  RawResponse exchange(std::string_view bytes) {
    RawClient client(server->port());
    client.send(bytes);
    return client.read();
  }

  HttpServerOptions options;
  std::function<void(HttpRequest, Responder)> handler;
  std::thread other;
  std::unique_ptr<HttpServer> server;
};

TEST_F(HttpServerTest, AnswersSeveralRequestsOnOneConnection) {
  start();
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    client.send(request_text("POST", "/a", "body" + std::to_string(i)));
    const RawResponse response = client.read();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "POST /a body" + std::to_string(i));
  }
  EXPECT_EQ(options.counters->connections, 1U);
  EXPECT_EQ(options.counters->requests, 3U);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrderHoweverLateTheFirst) {
  handler = [this](HttpRequest request, const Responder& responder) {
    HttpResponse response;
    response.body = request.path;
    if (request.path != "/1") return responder.send(std::move(response));
    other = std::thread([responder, response] {
      std::this_thread::sleep_for(milliseconds(100));
      responder.send(response);
    });
  };
  start();
  RawClient client(server->port());
  client.send(request_text("GET", "/1") + request_text("POST", "/2", "x") +
              request_text("GET", "/3"));
  EXPECT_EQ(client.read().body, "/1");
  EXPECT_EQ(client.read().body, "/2");
  EXPECT_EQ(client.read().body, "/3");
}

TEST_F(HttpServerTest, AnswersManyRequestsOfOneSegmentInOrder) {
  start();
  RawClient client(server->port());
  std::string all;
  for (int i = 0; i < 400; ++i) {
    all += request_text(i % 3 == 0 ? "HEAD" : "GET", "/" + std::to_string(i));
    all += request_text("POST", "/p", std::to_string(i));
  }
  client.send(all);
  for (int i = 0; i < 400; ++i) {
    const std::string path = "/" + std::to_string(i) + " ";
    const RawResponse first = client.read(i % 3 == 0);
    if (i % 3 == 0) {
      EXPECT_EQ(first.headers.at("content-length"), std::to_string(("HEAD " + path).size()));
    } else {
      ASSERT_EQ(first.body, "GET " + path);
    }
    ASSERT_EQ(client.read().body, "POST /p " + std::to_string(i));
  }
  EXPECT_EQ(options.counters->requests, 800U);
  EXPECT_EQ(options.counters->connections, 1U);
}

TEST_F(HttpServerTest, WhatFollowsAMalformedRequestIsNotServed) {
  start();
  for (const char* wrong : {"NONSENSE\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"}) {
    options.counters->requests = 0;
    RawClient client(server->port());
    client.send(request_text("GET", "/1") + request_text("POST", "/2", "x") + wrong +
                request_text("GET", "/3"));
    EXPECT_EQ(client.read().body, "GET /1 ");
    EXPECT_EQ(client.read().body, "POST /2 x");
    const RawResponse refusal = client.read();
    EXPECT_GE(refusal.status, 400) << wrong;
    EXPECT_EQ(refusal.headers.at("connection"), "close");
    EXPECT_TRUE(client.sees_close());
    EXPECT_EQ(options.counters->requests, 2U);
  }
}

TEST_F(HttpServerTest, RequestsAreTheSameWhereverTheyAreSplit) {
  start();
  const std::string all =
      request_text("POST", "/1", "body") +
      "\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      request_text("HEAD", "/3") + request_text("GET", "/4");
  RawClient client(server->port());
  for (std::size_t split = 0; split <= all.size(); ++split) {
    client.send(all.substr(0, split));
    if (split % 7 == 0) std::this_thread::yield();
    client.send(all.substr(split));
    ASSERT_EQ(client.read().body, "POST /1 body") << split;
    ASSERT_EQ(client.read().body, "POST /2 abc") << split;
    ASSERT_EQ(client.read(true).status, 200) << split;
    ASSERT_EQ(client.read().body, "GET /4 ") << split;
  }
  for (const char& each : all) client.send({&each, 1});
  EXPECT_EQ(client.read().body, "POST /1 body");
  EXPECT_EQ(client.read().body, "POST /2 abc");
  EXPECT_EQ(client.read(true).status, 200);
  EXPECT_EQ(client.read().body, "GET /4 ");
}

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

TEST_F(HttpServerTest, RefusesMalformedRequests) {
  start();
  const std::pair<const char*, int> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},                            // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},      // two
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},   // folded
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", 400},  // folded
      {"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400},        // space before colon
      {"NONSENSE\r\n\r\n", 400},                                  //
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},                 //
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},  // smuggling
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", 415},
      {"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: *;q=0\r\n\r\n", 406},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx", 417},
      {"GET /?a=%GG HTTP/1.1\r\nHost: a\r\n\r\n", 400},
  };
  for (const auto& [bytes, status] : cases) EXPECT_EQ(exchange(bytes).status, status) << bytes;
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

TEST_F(HttpServerTest, TakesChunkedBodiesAnd100Continue) {
  start();
  EXPECT_EQ(
      exchange("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2"
               "\r\nde\r\n0\r\n\r\n")
          .body,
      "POST /c abcde");
  RawClient client(server->port());
  client.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("hi");
  EXPECT_EQ(client.read().body, "POST /e hi");
}

TEST_F(HttpServerTest, CutsClientsThatAreSlowWithHeaderOrBody) {
  options.limits.header_timeout = milliseconds(200);
  options.limits.body_timeout = milliseconds(200);
  start();
  RawClient header(server->port());
  RawClient body(server->port());
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
  // A byte now and then does not buy more time.
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 6; ++i) {
    header.send("G");
    body.send("x");
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_TRUE(header.sees_close());
  EXPECT_TRUE(body.sees_close());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_EQ(options.counters->timeouts, 2U);
  EXPECT_EQ(exchange(request_text("GET", "/other")).status, 200);
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
  for (int i = 0; i < 100; ++i) {
    RawClient again(server->port());
    again.send(request_text("GET", "/"));
    if (again.read().status == 200) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL() << "the place of the closed connection was never given back";
}

TEST_F(HttpServerTest, AThousandSlowClientsAreCutAndDelayNobodyElse) {
  options.limits.header_timeout = milliseconds(1'500);
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
    other.set_timeout(milliseconds(1'000));
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
  for (int i = 0; i < 200; ++i) {
    RawClient again(server->port(), "127.0.1.3");
    again.send(request_text("GET", "/again"));
    if (again.read().status == 200) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL() << "the places of the flood were never given back";
}

TEST_F(HttpServerTest, HonoursConnectionCloseAndHttp10) {
  start();
  RawClient client(server->port());
  client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const RawResponse response = client.read();
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_TRUE(client.sees_close());
  RawClient old(server->port());
  old.send("GET /y HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().body, "GET /y ");
  EXPECT_TRUE(old.sees_close());
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  start();
  RawClient client(server->port());
  client.send(request_text("HEAD", "/x") + request_text("GET", "/y"));
  const RawResponse head = client.read(true);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(std::string("HEAD /x ").size()));
  EXPECT_EQ(client.read().body, "GET /y ");
}

TEST_F(HttpServerTest, Answers500WhenTheHandlerDropsTheRightToAnswer) {
  handler = [](const HttpRequest&, const Responder&) {};
  start();
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 500);
}

TEST_F(HttpServerTest, Answers500WhenTheHandlerThrows) {
  handler = [](const HttpRequest&, const Responder&) { throw std::runtime_error("oops"); };
  start();
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 500);
  handler = nullptr;
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 200);
}

TEST_F(HttpServerTest, Answers504WhenNoAnswerComesAndDropsALateOne) {
  options.limits.answer_timeout = milliseconds(100);
  std::optional<Responder> kept;
  handler = [&](const HttpRequest&, const Responder& responder) { kept = responder; };
  start();
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 504);
  kept->send(HttpResponse{});
  kept.reset();
  handler = nullptr;
  EXPECT_EQ(exchange(request_text("GET", "/")).status, 200);
}

TEST_F(HttpServerTest, StreamsPiecesAndTheConnectionLivesOn) {
  handler = [this](HttpRequest request, const Responder& responder) {
    if (request.path != "/stream") return responder.send(HttpResponse{});
    const HttpStream stream = responder.stream(HttpResponse{});
    other = std::thread([stream] {
      stream.write("one,", [stream](bool first) {
        EXPECT_TRUE(first);
        stream.after(milliseconds(20), [stream] {
          stream.write("two", [stream](bool second) {
            EXPECT_TRUE(second);
            stream.end();
          });
        });
      });
    });
  };
  start();
  RawClient client(server->port());
  client.send(request_text("GET", "/stream") + request_text("GET", "/next"));
  const RawResponse response = client.read();
  EXPECT_EQ(response.body, "one,two");
  EXPECT_FALSE(response.cut);
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpServerTest, AnAbandonedStreamIsVisiblyCut) {
  handler = [](const HttpRequest&, const Responder& responder) {
    const HttpStream stream = responder.stream(HttpResponse{});
    stream.write("half", [](bool) {});
  };
  start();
  const RawResponse response = exchange(request_text("GET", "/"));
  EXPECT_EQ(response.body, "half");
  EXPECT_TRUE(response.cut);
}

TEST_F(HttpServerTest, AStreamLearnsThatItsClientHasGone) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<HttpStream> stream;
  bool gone = false;
  handler = [&](const HttpRequest&, const Responder& responder) {
    const std::lock_guard lock(mutex);
    stream = responder.stream(HttpResponse{});
    changed.notify_all();
  };
  start();
  {
    RawClient client(server->port());
    client.send(request_text("GET", "/"));
    EXPECT_EQ(client.read(true).status, 200);
  }
  std::this_thread::sleep_for(milliseconds(50));
  std::unique_lock lock(mutex);
  stream->write("", [&](bool there) {
    const std::lock_guard inner(mutex);
    gone = !there;
    changed.notify_all();
  });
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(5), [&] { return gone; }));
  lock.unlock();
  stream.reset();
}

TEST_F(HttpServerTest, StopLetsRequestsUnderWayFinishAndClosesIdleConnections) {
  std::mutex mutex;
  std::condition_variable changed;
  bool arrived = false;
  handler = [&](const HttpRequest& request, const Responder& responder) {
    if (request.path != "/slow") return responder.send(HttpResponse{});
    other = std::thread([responder] {
      std::this_thread::sleep_for(milliseconds(200));
      HttpResponse response;
      response.body = "done";
      responder.send(std::move(response));
    });
    const std::lock_guard lock(mutex);
    arrived = true;
    changed.notify_all();
  };
  start();
  RawClient idle(server->port());
  idle.send(request_text("GET", "/"));
  EXPECT_EQ(idle.read().status, 200);
  RawClient busy(server->port());
  busy.send(request_text("GET", "/slow"));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return arrived; });
  }
  server->stop();
  EXPECT_EQ(busy.read().body, "done");
  EXPECT_TRUE(idle.sees_close());
  RawClient late(server->port());
  EXPECT_FALSE(late.send(request_text("GET", "/")) && late.read().status != 0);
}

TEST_F(HttpServerTest, StopDoesNotWaitForeverAndLateAnswersAreDropped) {
  options.limits.stop_timeout = milliseconds(100);
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Responder> kept;
  handler = [&](const HttpRequest&, const Responder& responder) {
    const std::lock_guard lock(mutex);
    kept = responder;
    changed.notify_all();
  };
  start();
  RawClient client(server->port());
  client.send(request_text("GET", "/"));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return kept.has_value(); });
  }
  server->stop();
  server.reset();
  kept->send(HttpResponse{});
  kept->soon([] { FAIL() << "nothing runs after the end"; });
  EXPECT_EQ(client.read().status, 0);
}

TEST_F(HttpServerTest, RefusesToServeOtherThanLoopbackWithoutTls) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    options.address = address;
    const auto started = HttpServer::start(options);
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().field, "address");
    EXPECT_NE(started.error().remedy, "");
  }
  options.address = "example.org";
  EXPECT_EQ(HttpServer::start(options).error().field, "address");
  options.address = "127.0.0.1";
  options.tls_key = "/nonexistent";
  EXPECT_EQ(HttpServer::start(options).error().field, "tls_certificate");
  options.tls_certificate = "/nonexistent";
  EXPECT_EQ(HttpServer::start(options).error().field, "tls_certificate");
  options.tls_certificate.clear();
  options.tls_key.clear();
  options.threads = 0;
  EXPECT_EQ(HttpServer::start(options).error().field, "threads");
  options.threads = 1;
  start();
  options.port = server->port();
  EXPECT_EQ(HttpServer::start(options).error().field, "port");
}

// A certificate of that name, signed by itself.
void write_certificate(const std::filesystem::path& directory, const char* name = "test") {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_sign(certificate, key, nullptr);
  FILE* out = std::fopen((directory / "cert.pem").c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  out = std::fopen((directory / "key.pem").c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

// A TLS connection that stays.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    context_ = SSL_CTX_new(TLS_client_method());
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    EXPECT_EQ(SSL_connect(ssl_), 1);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  // Of the server's certificate.
  std::string name() const {
    X509* const peer = SSL_get1_peer_certificate(ssl_);
    char text[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, text, sizeof text);
    X509_free(peer);
    return text;
  }
  bool is_served() {
    const std::string request = request_text("GET", "/");
    char answer[4096];
    return SSL_write(ssl_, request.data(), static_cast<int>(request.size())) > 0 &&
           SSL_read(ssl_, answer, sizeof answer) > 0 &&
           std::string_view(answer).starts_with("HTTP/1.1 200");
  }

 private:
  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

// One request over TLS; the version is 0 when there is no connection.
struct TlsExchange {
  int version = 0;
  std::string response;
  bool closed_properly = false;
};
TlsExchange tls_exchange(std::uint16_t port, int version_max, const std::string& request) {
  TlsExchange out;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version_max);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) == 1) {
    out.version = SSL_version(ssl);
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    char bytes[4096];
    int count;
    while ((count = SSL_read(ssl, bytes, sizeof bytes)) > 0) {
      out.response.append(bytes, static_cast<std::size_t>(count));
    }
    out.closed_properly = SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN;
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(fd);
  return out;
}

TEST_F(HttpServerTest, SpeaksTls13AndNothingOlder) {
  const TemporaryDirectory directory;
  write_certificate(directory.path);
  options.tls_certificate = directory.path / "cert.pem";
  options.tls_key = directory.path / "key.pem";
  options.address = "0.0.0.0";
  start();
  const std::string request =
      "POST /t HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: "
      "2\r\n\r\nhi";
  const TlsExchange good = tls_exchange(server->port(), 0, request);
  EXPECT_EQ(good.version, TLS1_3_VERSION);
  EXPECT_NE(good.response.find("POST /t hi"), std::string::npos);
  EXPECT_TRUE(good.closed_properly);
  EXPECT_EQ(tls_exchange(server->port(), TLS1_2_VERSION, request).version, 0);
  EXPECT_EQ(exchange(request_text("GET", "/plain")).status, 0);
  options.tls_key = directory.path / "cert.pem";
  EXPECT_EQ(HttpServer::start(options).error().field, "tls_key");
}

TEST_F(HttpServerTest, ACertificateThatChangesOnDiskIsUsedAndABrokenOneIsNot) {
  const TemporaryDirectory directory;
  const auto certificate = directory.path / "cert.pem";
  const auto key = directory.path / "key.pem";
  write_certificate(directory.path, "first");
  options.tls_certificate = certificate;
  options.tls_key = key;
  start();
  HttpCounters& counters = *options.counters;
  // As the server does by itself every second.
  const auto look_until = [&](const std::atomic<std::uint64_t>& counter, std::uint64_t count) {
    for (int i = 0; i < 1'000 && counter < count; ++i) {
      server->look_at_certificate();
      std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_EQ(counter, count);
  };
  TlsClient open(server->port());
  EXPECT_EQ(open.name(), "first");
  EXPECT_TRUE(open.is_served());
  EXPECT_GT(counters.certificate_expires, 1'700'000'000);

  write_certificate(directory.path, "second");
  look_until(counters.certificates_loaded, 2);
  EXPECT_EQ(TlsClient(server->port()).name(), "second");
  EXPECT_TRUE(open.is_served()) << "a connection that is open goes on";

  // The key of another certificate, no certificate at all, and none.
  std::filesystem::copy_file(key, directory.path / "second.pem");
  write_certificate(directory.path, "third");
  std::filesystem::rename(directory.path / "second.pem", key);
  std::uint64_t refused = counters.certificates_refused;
  look_until(counters.certificates_refused, std::max<std::uint64_t>(refused, 1));
  refused = counters.certificates_refused;
  std::ofstream(certificate) << "no certificate";
  look_until(counters.certificates_refused, refused + 1);
  std::filesystem::remove(certificate);
  look_until(counters.certificates_refused, refused + 2);
  EXPECT_EQ(TlsClient(server->port()).name(), "second") << "the former one stays in force";
  EXPECT_TRUE(open.is_served());

  write_certificate(directory.path, "fourth");
  look_until(counters.certificates_loaded, 3);
  EXPECT_EQ(TlsClient(server->port()).name(), "fourth");
  EXPECT_TRUE(open.is_served());
}

TEST_F(HttpServerTest, LooksAtItsCertificateByItself) {
  const TemporaryDirectory directory;
  write_certificate(directory.path, "first");
  options.tls_certificate = directory.path / "cert.pem";
  options.tls_key = directory.path / "key.pem";
  start();
  write_certificate(directory.path, "second");
  for (int i = 0; i < 1'000 && options.counters->certificates_loaded < 2; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(TlsClient(server->port()).name(), "second");
  EXPECT_EQ(options.counters->certificates_refused, 0U);
}

}  // namespace
}  // namespace tradewind::testing
