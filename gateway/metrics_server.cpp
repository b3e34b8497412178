#include "gateway/metrics_server.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

namespace tradewind {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::uint32_t header_bytes_max = 8 * 1024;

Result<tcp::endpoint> parse(const std::string& address) {
  const auto wrong = [&address] {
    return fail(ErrorCode::invalid, "metrics.listen",
                fmt::format("\"{}\" is no address with a port", address),
                "write an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464");
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return wrong();
  std::string host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
  boost::system::error_code unread;
  const auto ip = asio::ip::make_address(host, unread);
  if (error != std::errc{} || stop != end || unread || ip.is_v6() != bracketed) return wrong();
  return tcp::endpoint(ip, port);
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::weak_ptr<const std::function<std::string()>> text,
             std::shared_ptr<const int> counted)
      : stream_(std::move(socket)), text_(std::move(text)), counted_(std::move(counted)) {
    parser_.header_limit(header_bytes_max);
    parser_.body_limit(0);
  }

  void serve() {
    stream_.expires_after(MetricsServer::patience);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() {
    const auto text = text_.lock();
    if (!text) return;
    const auto& request = parser_.get();
    const bool known = request.target() == "/metrics";
    const bool reads = request.method() == http::verb::get;
    response_.version(request.version());
    response_.keep_alive(false);
    response_.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    if (known && reads) {
      response_.body() = (*text)();
    } else {
      response_.result(known ? http::status::method_not_allowed : http::status::not_found);
      response_.body() = "there is GET /metrics only\n";
    }
    response_.prepare_payload();
    stream_.expires_after(MetricsServer::patience);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code, std::size_t) {
                        beast::error_code ignored;  // it may be gone already
                        self->stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
                      });
  }

  beast::tcp_stream stream_;
  std::weak_ptr<const std::function<std::string()>> text_;  // gone: the server is closed
  std::shared_ptr<const int> counted_;  // one more holder while the connection lives
  beast::flat_buffer buffer_{header_bytes_max};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

class MetricsServer::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& io, std::function<std::string()> text)
      : acceptor_(io),
        text_(std::make_shared<const std::function<std::string()>>(std::move(text))) {}

  Status listen(const tcp::endpoint& endpoint) {
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(connections_max, error);
    if (error) {
      return fail(ErrorCode::unavailable, "metrics.listen", error.message(),
                  "choose another address or port");
    }
    const tcp::endpoint bound = acceptor_.local_endpoint();
    const std::string host = bound.address().to_string();
    bound_ = fmt::format(fmt::runtime(bound.address().is_v6() ? "[{}]:{}" : "{}:{}"), host,
                         bound.port());
    accept();
    return ok();
  }
  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    text_ = nullptr;
  }
  const std::string& bound() const { return bound_; }

 private:
  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](boost::system::error_code error, tcp::socket socket) {
          if (!self->acceptor_.is_open()) return;
          const auto open = static_cast<std::size_t>(self->counted_.use_count()) - 1;
          if (!error && open < connections_max) {
            std::make_shared<Connection>(std::move(socket), self->text_, self->counted_)->serve();
          }
          self->accept();
        });
  }

  tcp::acceptor acceptor_;
  std::shared_ptr<const std::function<std::string()>> text_;
  std::shared_ptr<const int> counted_ = std::make_shared<const int>(0);
  std::string bound_;
};

MetricsServer::MetricsServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}

MetricsServer::~MetricsServer() {
  core_->close();
}

const std::string& MetricsServer::bound() const {
  return core_->bound();
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(asio::io_context& io,
                                                           const std::string& address,
                                                           std::function<std::string()> text) {
  const auto endpoint = parse(address);
  if (!endpoint) return fail(endpoint.error());
  auto core = std::make_shared<Core>(io, std::move(text));
  if (const Status listening = core->listen(*endpoint); !listening) return fail(listening.error());
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(core)));
}

Status check_metrics_address(const std::string& address) {
  const auto endpoint = parse(address);
  return endpoint ? ok() : Status(fail(endpoint.error()));
}

}  // namespace tradewind
