// The HTTP server over real sockets: what it promises of requests, answers, streams and its end.
#include "broker/api/http_server.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "tests/unit/api/http_server_fixture.h"

namespace tradewind::testing {
namespace {

using std::chrono::milliseconds;

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

}  // namespace
}  // namespace tradewind::testing
