// Inside of the HTTP server: the life of one connection, for plain TCP and for TLS.
#pragma once

#include <netinet/tcp.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <charconv>

#include "broker/api/http_loop.h"

namespace tradewind {

template <class Stream>
class HttpConnection : public ConnectionBase,
                       public std::enable_shared_from_this<HttpConnection<Stream>> {
 public:
  template <class... StreamArguments>
  HttpConnection(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, std::string peer,
                 bool peer_is_loopback, StreamArguments&&... arguments)
      : ConnectionBase(std::move(core), std::move(loop), std::move(peer), peer_is_loopback),
        stream_(std::forward<StreamArguments>(arguments)...),
        wake_(stream_.get_executor()),
        buffer_(core_->options.limits.header_bytes_max + 128 * 1024) {}

  // What the handler still holds of the exchange must not hold the handler in turn.
  ~HttpConnection() override {
    if (exchange_ != nullptr) exchange_->drop();
  }

  void start() {
    asio::co_spawn(stream_.get_executor(), serve(this->shared_from_this()), asio::detached);
  }

  void begin_stop() override {
    stopping_ = true;
    if (idle_) {
      close();
    } else {
      wake_.cancel();
    }
  }

 private:
  static constexpr bool is_tls = !std::is_same_v<Stream, PlainStream>;
  enum class Then { next_request, close };
  static constexpr std::size_t kPieceBytes = 64 * 1024;  // of a body that is read as it comes

  PlainStream& tcp() {
    if constexpr (is_tls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  void close() {
    boost::system::error_code ignored;
    tcp().socket().close(ignored);
  }

  static Task<void> serve(std::shared_ptr<HttpConnection> self) {
    self->loop_->connections.insert(self.get());
    if (self->core_->stopping) co_return;
    if constexpr (is_tls) {
      self->tcp().expires_after(self->core_->options.limits.header_timeout);
      auto [error] =
          co_await self->stream_.async_handshake(asio::ssl::stream_base::server, awaited);
      if (error) co_return;
    }
    while (co_await self->serve_one() == Then::next_request) {
    }
    co_await self->say_goodbye();
    self->close();
  }

  // Reads one request, has it handled and answers it.
  Task<Then> serve_one() {
    const auto head_end = co_await read_head();
    if (!head_end) co_return Then::close;

    RequestParser parser;
    const std::string_view bytes(static_cast<const char*>(buffer_.data().data()), *head_end);
    BodyRule rule;
    if (const auto refusal = parse_head(parser, bytes, core_->options, rule)) {
      co_await refuse(*refusal);
      co_return Then::close;
    }
    buffer_.consume(*head_end);
    if (!parser.is_done() && !rule.as_it_comes) {
      if (!co_await read_body(parser)) co_return Then::close;
    }
    auto request = to_request(parser);
    if (!request) {
      co_await refuse(Refusal{400, describe(request.error())});
      co_return Then::close;
    }
    request->body_to_come = rule.as_it_comes;
    request->peer = peer_;
    request->peer_is_loopback = peer_is_loopback_;
    core_->options.counters->requests.fetch_add(1, std::memory_order_relaxed);

    const bool http_1_1 = parser.get().version() >= 11;
    const bool head_only = request->method == "HEAD";
    const bool keep_alive = parser.keep_alive();
    exchange_ = std::make_shared<HttpExchange>(loop_, wake_);
    dispatch(std::move(*request), exchange_);
    const bool answered = co_await answer(parser, http_1_1, head_only, keep_alive);
    std::exchange(exchange_, nullptr)->close();
    // What comes yet of the body is not wanted any more.
    if (!parser.is_done()) refused_ = true;
    if (!answered || !keep_alive || refused_ || stopping_ || core_->stopping) co_return Then::close;
    co_return Then::next_request;
  }

  // Calls the handler. What it throws (memory, or a fault of ours) costs this request its answer
  // and nothing else.
  void dispatch(HttpRequest request, const std::shared_ptr<HttpExchange>& exchange) {
    try {
      core_->options.handle(std::move(request), Responder(exchange));
    } catch (const std::exception& error) {
      spdlog::error("http.handler_failed: {}", error.what());
    }
  }

  // Waits for a whole header in the buffer and returns its size with the empty line.
  Task<std::optional<std::size_t>> read_head() {
    const HttpLimits& limits = core_->options.limits;
    std::size_t scanned = 0;
    bool started = buffer_.size() > 0;
    tcp().expires_after(started ? limits.header_timeout : limits.idle_timeout);
    for (;;) {
      std::string_view bytes(static_cast<const char*>(buffer_.data().data()), buffer_.size());
      // A robust server takes an empty line before the request line (RFC 9112, 2.2).
      while (scanned == 0 && bytes.starts_with("\r\n")) {
        buffer_.consume(2);
        bytes.remove_prefix(2);
      }
      const auto end = bytes.find("\r\n\r\n", scanned < 3 ? 0 : scanned - 3);
      if (end != std::string_view::npos && end + 4 <= limits.header_bytes_max) co_return end + 4;
      if (end != std::string_view::npos || bytes.size() >= limits.header_bytes_max) {
        Refusal refusal{431, "the request's header is longer than " +
                                 std::to_string(limits.header_bytes_max) + " bytes"};
        co_await refuse(std::move(refusal));
        co_return std::nullopt;
      }
      scanned = bytes.size();
      idle_ = !started;
      if (idle_ && core_->stopping) co_return std::nullopt;
      auto [error, count] = co_await stream_.async_read_some(buffer_.prepare(8 * 1024), awaited);
      idle_ = false;
      if (error) {
        if (started) count_timeout(error);
        co_return std::nullopt;
      }
      buffer_.commit(count);
      if (!started) {
        started = true;
        tcp().expires_after(limits.header_timeout);
      }
    }
  }

  Task<bool> read_body(RequestParser& parser) {
    tcp().expires_after(core_->options.limits.body_timeout);
    if (!co_await expect_body(parser)) co_return false;
    auto [error, count] = co_await beast::http::async_read(stream_, buffer_, parser, awaited);
    if (!error) co_return true;
    if (error == beast::http::error::body_limit) {
      co_await refuse(Refusal{413, "the request's body is larger than this route takes"});
    } else {
      co_await refuse_body(error);
    }
    co_return false;
  }

  // Nothing when the connection must be closed.
  Task<std::optional<BodyPiece>> read_piece(RequestParser& parser) {
    BodyPiece piece;
    tcp().expires_after(core_->options.limits.body_timeout);
    if (!parser.is_done() && !co_await expect_body(parser)) co_return std::nullopt;
    while (!parser.is_done() && piece.bytes.size() < kPieceBytes) {
      auto [error, count] =
          co_await beast::http::async_read_some(stream_, buffer_, parser, awaited);
      piece.bytes += parser.get().body();
      parser.get().body().clear();
      if (error == beast::http::error::body_limit) {
        piece.too_large = true;
        co_return piece;
      }
      if (error) {
        co_await refuse_body(error);
        co_return std::nullopt;
      }
    }
    piece.end = parser.is_done();
    co_return piece;
  }

  // Tells a client to go on that waits to be told.
  Task<bool> expect_body(RequestParser& parser) {
    if (parser.get().count(beast::http::field::expect) == 0) co_return true;
    parser.get().erase(beast::http::field::expect);
    if (buffer_.size() > 0) co_return true;
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    auto [error, count] = co_await asio::async_write(stream_, asio::buffer(go_on), awaited);
    co_return !error;
  }

  Task<void> refuse_body(boost::system::error_code error) {
    if (is_malformed(error)) {
      co_await refuse(Refusal{400, "the request's body is malformed: " + error.message()});
    }
    count_timeout(error);
  }

  static bool is_malformed(boost::system::error_code error) {
    namespace http = beast::http;
    return error.category() == http::make_error_code(http::error::bad_chunk).category() &&
           error != http::error::partial_message && error != http::error::end_of_stream;
  }

  // A stream whose time is over is closed already: a slow client is cut, not answered.
  void count_timeout(boost::system::error_code error) {
    if (error == beast::error::timeout)
      core_->options.counters->timeouts.fetch_add(1, std::memory_order_relaxed);
  }

  // Carries what the handler says to the client. False when the connection must be closed.
  Task<bool> answer(RequestParser& parser, bool http_1_1, bool head_only, bool keep_alive) {
    const HttpLimits& limits = core_->options.limits;
    auto deadline = std::chrono::steady_clock::now() + limits.answer_timeout;
    bool streaming = false;
    for (;;) {
      if (exchange_->empty()) {
        const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        wake_.expires_at(streaming ? patience : deadline);
        co_await wake_.async_wait(awaited);
      }
      if (streaming && stopping_ && exchange_->empty()) co_return false;
      std::optional<HttpExchange::Event> next = exchange_->take();
      if (!next) {
        if (streaming) {
          if (peer_is_gone()) co_return false;
        } else if (std::chrono::steady_clock::now() >= deadline) {
          core_->options.counters->timeouts.fetch_add(1, std::memory_order_relaxed);
          co_await refuse(Refusal{504,
                                  "the broker did not answer in time; it may or may not have "
                                  "done what was asked"});
          co_return false;
        }
        continue;
      }
      HttpExchange::Event& event = *next;
      tcp().expires_after(limits.write_timeout);
      switch (event.kind) {
        case HttpExchange::Kind::read: {
          std::optional<BodyPiece> piece = co_await read_piece(parser);
          if (!piece) co_return false;
          event.read(std::move(*piece));
          deadline = std::chrono::steady_clock::now() + limits.answer_timeout;
          break;
        }
        case HttpExchange::Kind::response: {
          // The length of what is not sent again would be another one (RFC 9110, 8.6).
          BodyFraming framing{event.response.body.size(), false};
          if (event.response.status == 304) framing.length.reset();
          std::string text =
              response_head(event.response, framing, keep_alive && parser.is_done() && !stopping_);
          if (!head_only) text += event.response.body;
          co_return co_await write(std::move(text));
        }
        case HttpExchange::Kind::head: {
          streaming = true;
          BodyFraming framing{std::nullopt, http_1_1};
          std::string text =
              response_head(event.response, framing, keep_alive && http_1_1 && !head_only);
          if (!co_await write(std::move(text)) || head_only) co_return false;
          break;
        }
        case HttpExchange::Kind::piece: {
          bool taken = !peer_is_gone();
          if (taken && !event.piece.empty()) {
            taken = co_await write(http_1_1 ? chunk(event.piece) : std::move(event.piece));
          }
          if (event.written) event.written(taken);
          if (!taken) co_return false;
          break;
        }
        case HttpExchange::Kind::end: {
          if (!http_1_1) co_return false;
          co_return co_await write("0\r\n\r\n");
        }
        case HttpExchange::Kind::abandoned: {
          if (streaming) co_return false;  // without the last chunk: the client sees it is cut
          co_await refuse(Refusal{500, "the broker failed to answer; this is a fault of ours"});
          co_return false;
        }
      }
    }
  }

  static std::string chunk(const std::string& piece) {
    std::array<char, 16> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
    std::string text(size.data(), end);
    text.reserve(text.size() + piece.size() + 4);
    return text.append("\r\n").append(piece).append("\r\n");
  }

  Task<bool> write(std::string text) {
    auto [error, count] = co_await asio::async_write(stream_, asio::buffer(text), awaited);
    count_timeout(error);
    co_return !error;
  }

  // Answers what the server itself refuses. The connection closes after it.
  Task<void> refuse(Refusal refusal) {
    core_->options.counters->requests_refused.fetch_add(1, std::memory_order_relaxed);
    refused_ = true;
    const HttpResponse response = core_->options.refusal(refusal.status, refusal.message);
    tcp().expires_after(core_->options.limits.write_timeout);
    co_await write(response_head(response, BodyFraming{response.body.size(), false}, false) +
                   response.body);
  }

  // Lets the client read the last answer: closing with unread bytes would reset the connection and
  // may destroy the answer on its way.
  Task<void> say_goodbye() {
    if (!tcp().socket().is_open()) co_return;
    tcp().expires_after(std::chrono::seconds(1));
    if constexpr (is_tls) {
      co_await stream_.async_shutdown(awaited);
      if (!tcp().socket().is_open()) co_return;
    }
    boost::system::error_code ignored;
    tcp().socket().shutdown(Tcp::socket::shutdown_send, ignored);
    if (!refused_) co_return;
    std::array<char, 4096> sink;
    for (std::size_t drained = 0; drained < 4 * 1024 * 1024;) {
      auto [error, count] = co_await tcp().async_read_some(asio::buffer(sink), awaited);
      if (error) co_return;
      drained += count;
    }
  }

  // Whether the client has closed its side, which a stream with nothing to say would not notice.
  bool peer_is_gone() {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(tcp().socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
      return true;
    }
    return info.tcpi_state != TCP_ESTABLISHED;
  }

  Stream stream_;
  LoopTimer wake_;
  std::shared_ptr<HttpExchange> exchange_;  // of the request under way
  beast::flat_buffer buffer_;
  bool idle_ = false;
  bool stopping_ = false;
  bool refused_ = false;
};

}  // namespace tradewind
