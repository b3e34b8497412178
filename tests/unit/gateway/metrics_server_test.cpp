#include "gateway/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <thread>
#include <vector>

namespace tradewind {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class Metrics : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        MetricsServer::open(io_, "127.0.0.1:0", [] { return std::string("figures 7\n"); });
    ASSERT_TRUE(opened) << describe(opened.error());
    server_ = std::move(*opened);
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    asio::post(io_, [this] {
      server_.reset();
      io_.stop();
    });
    thread_.join();
  }
  tcp::socket connect() {
    const std::string& bound = server_->bound();
    tcp::socket socket(client_);
    const auto port = static_cast<std::uint16_t>(std::stoi(bound.substr(bound.rfind(':') + 1)));
    socket.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), port));
    return socket;
  }
  // Until the server ends the connection.
  static std::string rest(tcp::socket& socket) {
    std::string text;
    boost::system::error_code ended;
    asio::read(socket, asio::dynamic_buffer(text), ended);
    return text;
  }
  std::string ask(const std::string& request) {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(request));
    return rest(socket);
  }

  asio::io_context io_;
  asio::io_context client_;
  std::unique_ptr<MetricsServer> server_;
  std::thread thread_;
};

TEST_F(Metrics, AnswersOneRequestAConnectionAndNothingElse) {
  const std::string answer = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nfigures 7\n")) << answer;
  EXPECT_TRUE(ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
}

TEST_F(Metrics, IsNotHeldUpByWhoSendsNonsenseOrNothing) {
  EXPECT_EQ(ask("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(ask("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), "");
  EXPECT_EQ(ask("\r\n\r\nnonsense\r\n\r\n"), "");
  std::vector<tcp::socket> silent;
  for (std::size_t i = 0; i + 1 < MetricsServer::connections_max; ++i) silent.push_back(connect());
  EXPECT_THAT(ask("GET /metrics HTTP/1.0\r\n\r\n"), ::testing::HasSubstr("figures 7"));
  silent.push_back(connect());
  tcp::socket beyond = connect();
  EXPECT_EQ(rest(beyond), "") << "one more than it serves is closed at once";
  silent.clear();
}

TEST(MetricsAddress, MustBeAnAddressAndAPort) {
  for (const char* good : {"127.0.0.1:9464", "[::1]:0", "0.0.0.0:65535"}) {
    EXPECT_TRUE(check_metrics_address(good)) << good;
  }
  for (const char* bad : {"", "9464", ":9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:65536",
                          "127.0.0.1:94x", "::1:9464", "[127.0.0.1]:1", "tcp://127.0.0.1:1"}) {
    const Status refused = check_metrics_address(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().field, "metrics.listen");
    EXPECT_NE(refused.error().remedy.find("127.0.0.1:9464"), std::string::npos);
  }
}

}  // namespace
}  // namespace tradewind
