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
#include <tuple>

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
      wake();
    }
  }

  void look_at_clock(std::chrono::steady_clock::time_point now) override {
    if (now < deadline_) return;
    deadline_ = Clock::time_point::max();
    if (wait_.is_waited_on()) {
      wake();
    } else {
      timed_out_ = true;
      close();
    }
  }

  void abandon_wait() override { wait_.abandon(); }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr bool is_tls = !std::is_same_v<Stream, Socket>;
  enum class Then { next_request, close };
  static constexpr std::size_t kPieceBytes = 64 * 1024;  // of a body that is read as it comes
  static constexpr std::size_t kIdleBytes = 2 * 1024;    // that an idle connection may hold
  // How often a stream that says nothing looks whether its client is still there.
  static constexpr std::chrono::seconds kLookInterval{5};

  // Of the request under way.
  struct Body {
    explicit Body(HttpCounters& counters) : under_way(counters) {}
    RequestParser parser;
    BodyRule rule;
    std::optional<BodyDecoder> decoder;  // where it is coded
    std::string coded;                   // bytes that were not decoded yet, of one read in pieces
    std::size_t decoded = 0;
    BytesUnderWay under_way;
    // Whether nothing of it is to come any more.
    bool is_done() const {
      return parser.is_done() && coded.empty() && (!decoder || decoder->at_end());
    }
  };

  Socket& tcp() {
    if constexpr (is_tls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  void close() {
    boost::system::error_code ignored;
    tcp().close(ignored);
  }
  // For what is read or written from now on, until the next call.
  void allow(Clock::duration time) { deadline_ = Clock::now() + time; }
  // Not in there: others are being looked at.
  void wake() {
    loop_->post([self = this->shared_from_this()] { self->wait_.notify(); });
  }

  static Task<void> serve(std::shared_ptr<HttpConnection> self) {
    self->loop_->connections.insert(self.get());
    if (self->core_->stopping) co_return;
    boost::system::error_code closed;
    self->tcp().non_blocking(true, closed);
    if (closed) co_return;
    if constexpr (is_tls) {
      self->allow(self->core_->options.limits.header_timeout);
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

    Body body(*core_->options.counters);
    const std::string_view bytes(static_cast<const char*>(buffer_.data().data()), *head_end);
    auto refusal = parse_head(body.parser, bytes, core_->options, body.rule);
    if (!refusal && !core_->has_room()) refusal = no_room();
    if (refusal) {
      co_await refuse(std::move(*refusal));
      co_return Then::close;
    }
    buffer_.consume(*head_end);
    const auto coding = parse_coding(body.parser.get()[beast::http::field::content_encoding]);
    if (coding && *coding != Coding::identity) body.decoder.emplace(*coding);
    if (!body.parser.is_done() && !body.rule.as_it_comes) {
      if (!co_await read_body(body)) co_return Then::close;
    }
    auto request = to_request(body.parser);
    if (!request) {
      Refusal malformed{400, describe(request.error())};
      co_await refuse(std::move(malformed));
      co_return Then::close;
    }
    request->body_to_come = body.rule.as_it_comes;
    request->peer = peer_;
    request->peer_is_loopback = peer_is_loopback_;
    core_->options.counters->requests.fetch_add(1, std::memory_order_relaxed);

    Asked asked;
    asked.http_1_1 = body.parser.get().version() >= 11;
    asked.head_only = request->method == "HEAD";
    asked.keep_alive = body.parser.keep_alive();
    asked.coding = choose_coding(request->header("accept-encoding"));
    exchange_ = std::make_shared<HttpExchange>(loop_, wait_);
    dispatch(std::move(*request), exchange_);
    const bool answered = co_await answer(body, asked);
    std::exchange(exchange_, nullptr)->close();
    // What comes yet of the body is not wanted any more.
    if (!body.is_done()) refused_ = true;
    if (!answered || !kept_ || refused_ || stopping_ || core_->stopping) co_return Then::close;
    co_return Then::next_request;
  }

  // What the answer to a request depends on.
  struct Asked {
    bool http_1_1 = true;
    bool head_only = false;
    bool keep_alive = true;
    CodingChoice coding;
  };
  // The head of the answer, which tells whether the connection goes on after it.
  std::string head(const HttpResponse& response, BodyFraming framing, bool keep_alive) {
    kept_ = keep_alive && !stopping_ && !core_->stopping && !core_->draining;
    return response_head(response, framing, kept_);
  }
  static Refusal no_room() {
    return {503, "the broker has as many bytes of other requests to do with as it can hold"};
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
    allow(started ? limits.header_timeout : limits.idle_timeout);
    for (;;) {
      std::string_view bytes(static_cast<const char*>(buffer_.data().data()), buffer_.size());
      // A robust server takes an empty line before the request line (RFC 9112, 2.2).
      while (bytes.starts_with("\r\n")) {
        buffer_.consume(2);
        bytes.remove_prefix(2);
        scanned = 0;
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
      // Who only holds a connection open holds little else.
      if (idle_ && buffer_.capacity() > kIdleBytes) buffer_.shrink_to_fit();
      const std::size_t room = started ? 8 * 1024 : kIdleBytes;
      auto [error, count] = co_await stream_.async_read_some(buffer_.prepare(room), awaited);
      idle_ = false;
      if (error) {
        if (started) count_timeout(error);
        co_return std::nullopt;
      }
      buffer_.commit(count);
      if (!started) {
        started = true;
        allow(limits.header_timeout);
      }
    }
  }

  // The whole body, decoded. False when the connection must be closed.
  Task<bool> read_body(Body& body) {
    allow(core_->options.limits.body_timeout);
    if (!co_await expect_body(body.parser)) co_return false;
    std::string& bytes = body.parser.get().body();
    boost::system::error_code error = parse_buffered(body.parser);
    for (;;) {
      body.under_way.add_up_to(bytes.size());
      if (error == beast::http::error::body_limit) {
        co_await refuse(too_large());
        co_return false;
      }
      if (error) {
        co_await refuse_body(error);
        co_return false;
      }
      if (body.parser.is_done()) break;
      if (!core_->has_room()) {
        co_await refuse(no_room());
        co_return false;
      }
      std::tie(error, std::ignore) =
          co_await beast::http::async_read_some(stream_, buffer_, body.parser, awaited);
    }
    if (!body.decoder) co_return true;
    body.coded = std::exchange(bytes, {});
    const Status decoded = decode(body, bytes, body.rule.bytes_max + 1);
    body.under_way.add_up_to(bytes.size());  // what it has become
    if (decoded && bytes.size() <= body.rule.bytes_max) co_return true;
    Refusal refusal = decoded ? too_large() : Refusal{400, describe(decoded.error())};
    co_await refuse(std::move(refusal));
    co_return false;
  }

  // Parses what of the body came with the header, most often all of it.
  boost::system::error_code parse_buffered(RequestParser& parser) {
    boost::system::error_code error;
    while (!error && !parser.is_done() && buffer_.size() > 0) {
      buffer_.consume(parser.put(buffer_.data(), error));
    }
    return error == beast::http::error::need_more ? boost::system::error_code() : error;
  }

  // Decodes of what has come as much as makes at most so many bytes.
  static Status decode(Body& body, std::string& out, std::size_t bytes_max) {
    std::string_view rest = body.coded;
    const std::size_t before = out.size();
    const Status decoded = body.decoder->decode(rest, out, bytes_max);
    body.decoded += out.size() - before;
    const bool is_full = out.size() - before == bytes_max;
    body.coded.erase(0, body.coded.size() - rest.size());
    if (decoded && !is_full && body.parser.is_done() && !body.decoder->at_end()) {
      return fail(ErrorCode::invalid, "body", "the coded body is cut short", "send all of it");
    }
    return decoded;
  }

  // Nothing when the connection must be closed.
  Task<std::optional<BodyPiece>> read_piece(Body& body) {
    BodyPiece piece;
    allow(core_->options.limits.body_timeout);
    if (!body.parser.is_done() && !co_await expect_body(body.parser)) co_return std::nullopt;
    for (;;) {
      if (body.decoder) {
        const std::size_t left = body.rule.bytes_max - body.decoded + 1;
        const Status decoded =
            decode(body, piece.bytes, std::min(left, kPieceBytes - piece.bytes.size()));
        if (!decoded) {
          Refusal refusal{400, describe(decoded.error())};
          co_await refuse(std::move(refusal));
          co_return std::nullopt;
        }
        if (body.decoded > body.rule.bytes_max) {
          piece.too_large = true;
          co_return piece;
        }
      }
      if (piece.bytes.size() >= kPieceBytes || body.parser.is_done()) break;
      auto [error, count] =
          co_await beast::http::async_read_some(stream_, buffer_, body.parser, awaited);
      (body.decoder ? body.coded : piece.bytes) += body.parser.get().body();
      body.parser.get().body().clear();
      if (error == beast::http::error::body_limit) {
        piece.too_large = true;
        co_return piece;
      }
      if (error) {
        co_await refuse_body(error);
        co_return std::nullopt;
      }
    }
    piece.end = body.is_done();
    co_return piece;
  }

  static Refusal too_large() { return {413, "the request's body is larger than this route takes"}; }

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

  // A connection whose time is over is closed already: a slow client is cut, not answered.
  void count_timeout(boost::system::error_code error) {
    if (error && std::exchange(timed_out_, false))
      core_->options.counters->timeouts.fetch_add(1, std::memory_order_relaxed);
  }

  // Carries what the handler says to the client. False when the connection must be closed.
  Task<bool> answer(Body& body, Asked asked) {
    const HttpLimits& limits = core_->options.limits;
    auto deadline = Clock::now() + limits.answer_timeout;
    bool streaming = false;
    for (;;) {
      if (exchange_->must_wait()) {
        deadline_ = streaming ? Clock::now() + kLookInterval : deadline;
        co_await wait_.wait();
      }
      if (streaming && stopping_ && exchange_->empty()) co_return false;
      std::optional<HttpExchange::Event> next = exchange_->take();
      if (!next) {
        if (streaming) {
          if (peer_is_gone()) co_return false;
        } else if (Clock::now() >= deadline) {
          core_->options.counters->timeouts.fetch_add(1, std::memory_order_relaxed);
          co_await refuse(Refusal{504,
                                  "the broker did not answer in time; it may or may not have "
                                  "done what was asked"});
          co_return false;
        }
        continue;
      }
      HttpExchange::Event& event = *next;
      allow(limits.write_timeout);
      switch (event.kind) {
        case HttpExchange::Kind::read: {
          std::optional<BodyPiece> piece = co_await read_piece(body);
          if (!piece) co_return false;
          event.read(std::move(*piece));
          deadline = Clock::now() + limits.answer_timeout;
          break;
        }
        case HttpExchange::Kind::response: {
          encode_response(event.response, asked.coding);
          body.under_way.add_up_to(event.response.body.size());
          // The length of what is not sent again would be another one (RFC 9110, 8.6).
          BodyFraming framing{event.response.body.size(), false};
          if (event.response.status == 304) framing.length.reset();
          std::string text = head(event.response, framing, asked.keep_alive && body.is_done());
          if (!asked.head_only) text += event.response.body;
          event.response.body = {};
          co_return co_await write(std::move(text));
        }
        case HttpExchange::Kind::head: {
          streaming = true;
          BodyFraming framing{std::nullopt, asked.http_1_1};
          std::string text =
              head(event.response, framing, asked.keep_alive && asked.http_1_1 && !asked.head_only);
          if (!co_await write(std::move(text)) || asked.head_only) co_return false;
          break;
        }
        case HttpExchange::Kind::piece: {
          bool taken = !peer_is_gone();
          if (taken && !event.piece->empty()) taken = co_await write(event.piece, asked.http_1_1);
          if (event.written) event.written(taken);
          if (!taken) co_return false;
          break;
        }
        case HttpExchange::Kind::end: {
          if (!asked.http_1_1) co_return false;
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

  // A piece of a stream, which others may be writing too.
  Task<bool> write(HttpStream::Piece piece, bool as_chunk) {
    std::array<char, 20> line{};
    char* end = line.data();
    if (as_chunk) {
      end = std::to_chars(line.data(), line.data() + line.size(), piece->size(), 16).ptr;
      *end++ = '\r';
      *end++ = '\n';
    }
    const std::array<asio::const_buffer, 3> buffers{
        asio::buffer(line.data(), static_cast<std::size_t>(end - line.data())),
        asio::buffer(*piece), asio::buffer("\r\n", as_chunk ? 2 : 0)};
    auto [error, count] = co_await asio::async_write(stream_, buffers, awaited);
    count_timeout(error);
    co_return !error;
  }

  Task<bool> write(std::string text) {
    const std::size_t sent = write_at_once(text);
    if (sent == text.size()) co_return true;
    auto [error, count] = co_await asio::async_write(stream_, asio::buffer(text) + sent, awaited);
    count_timeout(error);
    co_return !error;
  }

  // What the connection takes without waiting: most often all, with no detour by the event loop.
  std::size_t write_at_once(std::string_view text) {
    if constexpr (is_tls) return 0;
    boost::system::error_code error;
    const std::size_t sent = tcp().write_some(asio::buffer(text.data(), text.size()), error);
    return error ? 0 : sent;  // of the error the next write tells
  }

  // Answers what the server itself refuses. The connection closes after it.
  Task<void> refuse(Refusal refusal) {
    core_->options.counters->requests_refused.fetch_add(1, std::memory_order_relaxed);
    refused_ = true;
    const HttpResponse response = core_->options.refusal(refusal.status, refusal.message);
    allow(core_->options.limits.write_timeout);
    co_await write(response_head(response, BodyFraming{response.body.size(), false}, false) +
                   response.body);
  }

  // Lets the client read the last answer: closing with unread bytes would reset the connection and
  // may destroy the answer on its way.
  Task<void> say_goodbye() {
    if (!tcp().is_open()) co_return;
    allow(std::chrono::seconds(1));
    if constexpr (is_tls) {
      co_await stream_.async_shutdown(awaited);
      if (!tcp().is_open()) co_return;
    }
    boost::system::error_code ignored;
    tcp().shutdown(Tcp::socket::shutdown_send, ignored);
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
    if (::getsockopt(tcp().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
      return true;
    }
    return info.tcpi_state != TCP_ESTABLISHED;
  }

  Stream stream_;
  HttpWait wait_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timed_out_ = false;
  std::shared_ptr<HttpExchange> exchange_;  // of the request under way
  beast::flat_buffer buffer_;
  bool idle_ = false;
  bool kept_ = false;  // the client was told that the connection goes on
  bool stopping_ = false;
  bool refused_ = false;
};

}  // namespace tradewind
