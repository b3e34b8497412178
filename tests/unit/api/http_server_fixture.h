// An HTTP server over real sockets that answers with what it was asked, or as a test wants it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "broker/api/http_server.h"
#include "broker/api/open_files.h"
#include "tests/unit/api/raw_client.h"

namespace tradewind::testing {

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    raise_open_files(8'192);  // both ends of a thousand connections are here
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
  // A connection is cut a moment before that is counted.
  void await_timeouts(std::uint64_t count) {
    for (int i = 0; i < 1'000 && options.counters->timeouts < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(options.counters->timeouts, count);
  }

  HttpServerOptions options;
  std::function<void(HttpRequest, Responder)> handler;
  std::thread other;
  std::unique_ptr<HttpServer> server;
};

}  // namespace tradewind::testing
