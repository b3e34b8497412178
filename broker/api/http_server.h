// An HTTP/1.1 server over TCP or TLS 1.3. What is behind it (Boost.Beast on Asio) stays behind it.
//
// Requests of one connection are answered in order. A handler is called on an HTTP thread and must
// not block for long; it may answer later, from any thread. Everything is bounded by HttpLimits: a
// request that is too large or malformed gets 413, 431 or 400, a client that is slow is cut off,
// one connection too many is closed, and while more bytes are under way than may be, requests get
// 503. Bodies may come and go in gzip and zstd.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/api/endpoint.h"
#include "broker/api/http_message.h"
#include "schemas/result.h"

namespace tradewind {

class HttpExchange;

// A response whose body is written piece by piece, as chunks. Copies stand for the same response;
// when the last is gone the response is cut short, so that the client sees that it is incomplete.
class HttpStream {
 public:
  // Called once for every write, on an HTTP thread: whether the client took it. After a false
  // nothing more can be written. Dropped uncalled when the server stops.
  using Written = std::function<void(bool)>;
  using Piece = std::shared_ptr<const std::string>;  // one text for as many as it is written to

  // Writes a piece, at most one at a time: the next only after `written` was called. An empty piece
  // writes nothing and reports whether the client is still there.
  void write(Piece piece, Written written) const;
  void write(std::string piece, Written written) const {
    write(std::make_shared<const std::string>(std::move(piece)), std::move(written));
  }
  // Ends the body properly.
  void end() const;
  // Calls `what` on the response's HTTP thread, at once or after `delay`; dropped uncalled when the
  // server stops.
  void soon(std::function<void()> what) const;
  void after(std::chrono::milliseconds delay, std::function<void()> what) const;

 private:
  friend class Responder;
  struct Token;
  std::shared_ptr<Token> token_;
};

// What has come of a body.
struct BodyPiece {
  std::string bytes;
  bool end = false;        // nothing follows
  bool too_large = false;  // there is more than the route takes, and it will not be read
};

// The right to answer one request, exactly once, from any thread. Copies stand for the same right;
// when the last is gone unanswered, the client gets 500.
class Responder {
 public:
  explicit Responder(std::shared_ptr<HttpExchange> exchange);
  void send(HttpResponse response) const;
  // Sends the head now, the body by the stream. `head.body` must be empty.
  HttpStream stream(HttpResponse head) const;
  // Of a request with body_to_come: reads on. `then` is called on an HTTP thread; dropped uncalled
  // when the client is gone, is too slow or sends what is malformed, and when the server stops. One
  // at a time, not after the end, and not once the request is answered.
  void read(std::function<void(BodyPiece)> then) const;
  // What the answer's head has besides its own headers; the last call counts. Not once the request
  // is answered, and by one thread at a time.
  void put_headers(HttpHeaders headers) const;
  // Calls `what` on an HTTP thread, so that other threads need not do its work. Dropped uncalled
  // when the server stops.
  void soon(std::function<void()> what) const;

 private:
  struct Token;
  std::shared_ptr<Token> token_;
};

// What a server has counted since its start.
struct HttpCounters {
  std::atomic<std::uint64_t> connections{0};  // accepted
  std::atomic<std::uint64_t> connections_open{0};
  std::atomic<std::uint64_t> connections_refused{0};  // over a cap
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> requests_refused{0};  // by the server itself
  std::atomic<std::uint64_t> timeouts{0};          // slow headers, bodies, readers, answers
  std::atomic<std::uint64_t> bytes_under_way{0};   // of bodies, of requests and of answers
  std::atomic<std::uint64_t> certificates_loaded{0};
  std::atomic<std::uint64_t> certificates_refused{0};  // those that could not be used
  std::atomic<std::int64_t> certificate_expires{0};    // Unix time; 0: there is none
};

// How a request's body is taken.
struct BodyRule {
  std::size_t bytes_max = 0;
  bool as_it_comes = false;  // the handler is called at once and reads it
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  unsigned threads = 2;
  HttpLimits limits;
  // Asked once a request's header is there.
  std::function<BodyRule(std::string_view method, std::string_view path,
                         std::string_view content_type)>
      body_rule;
  // The response for what the server itself refuses: status and a sentence for people.
  std::function<HttpResponse(int status, const std::string& message)> refusal;
  std::function<void(HttpRequest, Responder)> handle;
  std::shared_ptr<HttpCounters> counters;  // not null
};

class HttpServer {
 public:
  // Binds, listens and serves.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options);
  virtual ~HttpServer() = default;  // stops
  HttpServer() = default;
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  virtual std::uint16_t port() const = 0;
  // Looks now whether certificate and key on disk are others, as it does every second. Any thread.
  virtual void look_at_certificate() = 0;
  // From now on every answer ends its connection. Returns when no connection is left, or after
  // `timeout`.
  virtual void drain(std::chrono::milliseconds timeout) = 0;
  // See Endpoint::stop.
  virtual void stop() = 0;
};

// Whether the text is an address of the loopback interface; fails when it is no address.
Result<bool> is_loopback(std::string_view address);

}  // namespace tradewind
