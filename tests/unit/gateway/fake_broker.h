// A tiny HTTP server that answers each request by a function: what a broker's endpoint is to a
// join.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <functional>
#include <string>
#include <thread>

#include "state/identity/trust.h"

namespace tradewind {

// Serves one connection after the other until it is destroyed.
class FakeBroker {
 public:
  struct Answer {
    unsigned status = 200;
    std::string body;
  };
  using Handler = std::function<Answer(const std::string& target, const std::string& body)>;
  struct Tls {
    std::string chain_pem;  // the server's certificate and those above it
    std::string key_pem;
  };

  explicit FakeBroker(Handler handler) : handler_(std::move(handler)) { start(); }
  FakeBroker(Handler handler, const Tls& tls) : handler_(std::move(handler)), secure_(true) {
    tls_.use_certificate_chain(boost::asio::buffer(tls.chain_pem));
    tls_.use_private_key(boost::asio::buffer(tls.key_pem), boost::asio::ssl::context::pem);
    start();
  }
  ~FakeBroker() {
    // A connection of our own wakes the blocking accept.
    stopping_ = true;
    boost::asio::ip::tcp::socket wake(io_);
    boost::system::error_code ignored;
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  std::string url() const {
    return std::string(secure_ ? "https" : "http") +
           "://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  void start() {
    thread_ = std::thread([this] {
      while (true) {
        boost::system::error_code error;
        boost::asio::ip::tcp::socket socket(io_);
        acceptor_.accept(socket, error);
        if (stopping_ || error) return;
        if (!secure_) {
          serve(socket);
          continue;
        }
        boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream(std::move(socket), tls_);
        stream.handshake(boost::asio::ssl::stream_base::server, error);
        if (!error) serve(stream);
      }
    });
  }

  template <class Stream>
  void serve(Stream& stream) {
    namespace http = boost::beast::http;
    boost::system::error_code error;
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(stream, buffer, request, error);
    if (error) return;
    const Answer answer = handler_(std::string(request.target()), request.body());
    http::response<http::string_body> response(http::int_to_status(answer.status), 11);
    response.set(http::field::content_type, "application/json");
    response.body() = answer.body;
    response.keep_alive(false);
    response.prepare_payload();
    http::write(stream, response, error);
  }

  Handler handler_;
  bool secure_ = false;
  std::atomic<bool> stopping_{false};
  boost::asio::io_context io_;
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
  boost::asio::ip::tcp::acceptor acceptor_{
      io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  std::thread thread_;
};

// What a broker answers to GET /v1/trust.
inline FakeBroker::Answer trust_answer(const TrustChain& chain) {
  boost::json::array texts;
  for (const SignedTrust& each : chain.all()) texts.emplace_back(to_text(each));
  return {200, boost::json::serialize(boost::json::object{{"trust", std::move(texts)}})};
}

}  // namespace tradewind
