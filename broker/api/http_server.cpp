#include "broker/api/http_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <iterator>
#include <utility>

#include "broker/api/http_loop.h"
#include "schemas/ascii.h"
#include "schemas/assert.h"
#include "schemas/time.h"
#include "schemas/url.h"
#include "state/identity/stored_file.h"

namespace tradewind {

// --- what a handler holds
// ----------------------------------------------------------------------------------------

struct HttpStream::Token {
  std::shared_ptr<HttpExchange> exchange;
  std::atomic<bool> ended{false};
  ~Token() {
    if (!ended.exchange(true)) exchange->deliver({HttpExchange::Kind::abandoned, {}, {}, {}, {}});
  }
};

void HttpStream::write(Piece piece, Written written) const {
  TRADEWIND_ASSERT(!token_->ended && piece != nullptr);
  token_->exchange->deliver(
      {HttpExchange::Kind::piece, {}, std::move(piece), std::move(written), {}});
}

void HttpStream::end() const {
  const bool again = token_->ended.exchange(true);
  TRADEWIND_ASSERT(!again);
  token_->exchange->deliver({HttpExchange::Kind::end, {}, {}, {}, {}});
}

void HttpStream::soon(std::function<void()> what) const {
  token_->exchange->loop().post(std::move(what));
}

void HttpStream::after(std::chrono::milliseconds delay, std::function<void()> what) const {
  token_->exchange->loop().after(delay, std::move(what));
}

struct Responder::Token {
  std::shared_ptr<HttpExchange> exchange;
  HttpHeaders headers;
  std::atomic<bool> answered{false};
  void answer(HttpExchange::Kind kind, HttpResponse response) {
    const bool again = answered.exchange(true);
    TRADEWIND_ASSERT(!again);
    std::ranges::move(headers, std::back_inserter(response.headers));
    exchange->deliver({kind, std::move(response), {}, {}, {}});
  }
  ~Token() {
    if (!answered.exchange(true))
      exchange->deliver({HttpExchange::Kind::abandoned, {}, {}, {}, {}});
  }
};

Responder::Responder(std::shared_ptr<HttpExchange> exchange) : token_(std::make_shared<Token>()) {
  token_->exchange = std::move(exchange);
}

void Responder::send(HttpResponse response) const {
  token_->answer(HttpExchange::Kind::response, std::move(response));
}

HttpStream Responder::stream(HttpResponse head) const {
  token_->answer(HttpExchange::Kind::head, std::move(head));
  HttpStream stream;
  stream.token_ = std::make_shared<HttpStream::Token>();
  stream.token_->exchange = token_->exchange;
  return stream;
}

void Responder::read(std::function<void(BodyPiece)> then) const {
  TRADEWIND_ASSERT(!token_->answered);
  token_->exchange->deliver({HttpExchange::Kind::read, {}, {}, {}, std::move(then)});
}

void Responder::put_headers(HttpHeaders headers) const {
  TRADEWIND_ASSERT(!token_->answered);
  token_->headers = std::move(headers);
}

void Responder::soon(std::function<void()> what) const {
  token_->exchange->loop().post(std::move(what));
}

// --- what connections share
// --------------------------------------------------------------------------------------

void HttpLoop::watch_clock() {
  after(kClockInterval, [this] {
    const auto now = std::chrono::steady_clock::now();
    for (ConnectionBase* each : connections) each->look_at_clock(now);
    watch_clock();
  });
}

void HttpLoop::abandon_waits() {
  for (ConnectionBase* each : connections) each->abandon_wait();
}

bool ServerCore::admit(const std::string& peer) {
  const std::lock_guard lock(mutex);
  if (open >= options.limits.connections_max) return false;
  const auto found = open_by_address.find(peer);
  if (found != open_by_address.end() &&
      found->second >= options.limits.connections_per_address_max) {
    return false;
  }
  options.counters->connections_open = ++open;
  ++open_by_address[peer];
  return true;
}

void ServerCore::release(const std::string& peer) {
  const std::lock_guard lock(mutex);
  const auto found = open_by_address.find(peer);
  TRADEWIND_ASSERT(open > 0 && found != open_by_address.end());
  if (--found->second == 0) open_by_address.erase(found);
  options.counters->connections_open = --open;
  if (open == 0) all_closed.notify_all();
}

ConnectionBase::ConnectionBase(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop,
                               std::string peer, bool peer_is_loopback)
    : core_(std::move(core)),
      loop_(std::move(loop)),
      peer_(std::move(peer)),
      peer_is_loopback_(peer_is_loopback) {}

ConnectionBase::~ConnectionBase() {
  loop_->connections.erase(this);
  core_->release(peer_);
}

// --- reading a header
// --------------------------------------------------------------------------------------------

std::optional<Refusal> parse_head(RequestParser& parser, std::string_view bytes,
                                  const HttpServerOptions& options, BodyRule& rule) {
  namespace http = beast::http;
  // Obsolete line folding is a way to smuggle; the parser would quietly unfold it.
  if (bytes.find("\r\n ") != std::string_view::npos ||
      bytes.find("\r\n\t") != std::string_view::npos) {
    return Refusal{400, "a header line is folded, which is obsolete"};
  }
  parser.header_limit(static_cast<std::uint32_t>(options.limits.header_bytes_max + 1));
  parser.body_limit(request_body_bytes_max);
  parser.eager(false);
  boost::system::error_code error;
  parser.put(asio::buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::body_limit) {
    return Refusal{413, "the request's body is larger than any route takes"};
  }
  if (error == http::error::bad_version) return Refusal{505, "speak HTTP/1.1"};
  if (error || !parser.is_header_done()) {
    return Refusal{400, "the request's header is malformed: " + error.message()};
  }
  const auto& head = parser.get();
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) {
    return Refusal{400, hosts == 0 ? "the Host header is missing" : "Host is given more than once"};
  }
  if (head.count(http::field::transfer_encoding) > 0 &&
      (head.version() < 11 || !beast::iequals(head[http::field::transfer_encoding], "chunked"))) {
    return Refusal{501, "the only transfer coding taken is chunked, in HTTP/1.1"};
  }
  if (head.count(http::field::content_encoding) > 1 ||
      !parse_coding(head[http::field::content_encoding])) {
    return Refusal{415, "the codings of bodies that are taken are gzip and zstd, one at a time"};
  }
  if (choose_coding(head[http::field::accept_encoding]).none()) {
    return Refusal{406, "answers come as they are, in gzip or in zstd; accept one of these"};
  }
  if (head.count(http::field::expect) > 0 &&
      !beast::iequals(head[http::field::expect], "100-continue")) {
    return Refusal{417, "the only expectation that is met is 100-continue"};
  }
  const std::string target(head.target());
  const std::string method(head.method_string());
  rule = options.body_rule(method, target.substr(0, target.find('?')),
                           head[http::field::content_type]);
  const auto length = parser.content_length();
  if (length && *length > rule.bytes_max) {
    return Refusal{413, fmt::format("the body has {} bytes, this route takes at most {}", *length,
                                    rule.bytes_max)};
  }
  parser.body_limit(rule.bytes_max);
  return std::nullopt;
}

Result<HttpRequest> to_request(RequestParser& parser) {
  auto& message = parser.get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  std::string_view target = request.target;
  // The absolute form is for proxies, and every server must take it.
  if (const auto rest = behind_http(target)) {
    const auto slash = rest->find('/');
    target = slash == std::string_view::npos ? "/" : rest->substr(slash);
  }
  const auto mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark != std::string_view::npos) {
    auto query = parse_query(target.substr(mark + 1));
    if (!query) return fail(query.error());
    request.query = std::move(*query);
  }
  for (const auto& field : message) {
    const auto name = field.name_string();
    request.headers.emplace_back(ascii_lower({name.data(), name.size()}),
                                 std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

void encode_response(HttpResponse& response, const CodingChoice& choice) {
  constexpr std::size_t worth_it_bytes = 1'024;
  const bool is_coded = std::ranges::any_of(
      response.headers, [](const auto& each) { return each.first == "Content-Encoding"; });
  const bool varies = response.status == 304 || response.body.size() >= worth_it_bytes;
  if (varies) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (is_coded || response.body.empty() || choice.best == Coding::identity) return;
  if (choice.identity && !varies) return;
  std::string coded = encode_body(choice.best, response.body);
  if (choice.identity && coded.size() >= response.body.size()) return;
  response.body = std::move(coded);
  response.headers.emplace_back("Content-Encoding", to_string(choice.best));
}

Result<bool> is_loopback(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(std::string(address), error);
  if (error) {
    return fail(ErrorCode::invalid, "address",
                "\"" + std::string(address) + "\" is no IPv4 or IPv6 address",
                "give one such as 127.0.0.1 or ::");
  }
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, parsed.to_v6()).is_loopback();
  }
  return parsed.is_loopback();
}

// --- the server
// --------------------------------------------------------------------------------------------------

namespace {

using Acceptor = asio::basic_socket_acceptor<Tcp, LoopExecutor>;

constexpr std::chrono::seconds kCertificateInterval{1};

// Of the server's own certificate, as Unix time.
std::int64_t expiry(asio::ssl::context& context) {
  std::tm parts{};
  const X509* const own = ::SSL_CTX_get0_certificate(context.native_handle());
  if (own == nullptr || ::ASN1_TIME_to_tm(::X509_get0_notAfter(own), &parts) != 1) return 0;
  return ::timegm(&parts);
}

Result<std::shared_ptr<asio::ssl::context>> tls_context(const HttpServerOptions& options) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  boost::system::error_code error;
  context->use_certificate_chain_file(options.tls_certificate.string(), error);
  if (error) {
    return fail(ErrorCode::invalid, "tls_certificate",
                options.tls_certificate.string() + " cannot be used: " + error.message(),
                "give a readable PEM file with the certificate first and its chain after it");
  }
  context->use_private_key_file(options.tls_key.string(), asio::ssl::context::pem, error);
  if (error) {
    return fail(ErrorCode::invalid, "tls_key",
                options.tls_key.string() + " cannot be used: " + error.message(),
                "give the PEM file of the certificate's own private key");
  }
  return context;
}

class Server : public HttpServer {
 public:
  explicit Server(HttpServerOptions options) : core_(std::make_shared<ServerCore>()) {
    core_->options = std::move(options);
  }
  ~Server() override { stop(); }

  Status open() {
    const HttpServerOptions& options = core_->options;
    if (options.threads < 1 || options.threads > 64) {
      return fail(ErrorCode::invalid, "threads",
                  std::to_string(options.threads) + " is no sensible number of HTTP threads",
                  "give 1 to 64");
    }
    const auto loopback = is_loopback(options.address);
    if (!loopback) return fail(loopback.error());
    if (options.tls_certificate.empty() != options.tls_key.empty()) {
      return fail(ErrorCode::invalid, options.tls_key.empty() ? "tls_key" : "tls_certificate",
                  "one of certificate and key is missing", "give both, or neither");
    }
    if (!options.tls_certificate.empty()) {
      tls_stamp_ = tls_stamp();
      auto context = tls_context(options);
      if (!context) return fail(context.error());
      use(std::move(*context));
    } else if (!*loopback) {
      return fail(ErrorCode::invalid, "address",
                  options.address + " is not a loopback address, and there is no TLS certificate",
                  "give a certificate and its key, or serve on 127.0.0.1");
    }
    for (unsigned i = 0; i < options.threads; ++i) {
      core_->loops.push_back(std::make_shared<HttpLoop>());
    }
    boost::system::error_code error;
    const Tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
    acceptor_.emplace(core_->loops[0]->context());
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return fail(ErrorCode::unavailable, "port",
                  fmt::format("cannot listen on {} port {}: {}", options.address, options.port,
                              error.message()),
                  "choose a free port of an address of this machine");
    }
    port_ = acceptor_->local_endpoint().port();
    asio::co_spawn(core_->loops[0]->context(), accept(), asio::detached);
    if (tls_ != nullptr) {
      asio::co_spawn(core_->loops[0]->context(), watch_certificate(), asio::detached);
    }
    for (const auto& each : core_->loops) each->start();
    return ok();
  }

  std::uint16_t port() const override { return port_; }

  void look_at_certificate() override {
    core_->loops[0]->post([this] {
      if (tls_ != nullptr) renew(tls_stamp());
    });
  }

  void drain(std::chrono::milliseconds timeout) override {
    core_->draining = true;
    std::unique_lock lock(core_->mutex);
    core_->all_closed.wait_for(lock, timeout, [&] { return core_->open == 0; });
  }

  void stop() override {
    const std::lock_guard once(stop_mutex_);
    if (stopped_) return;
    stopped_ = true;
    core_->stopping = true;
    if (core_->loops.empty()) return;
    core_->loops[0]->post([this] {
      boost::system::error_code ignored;
      if (acceptor_) acceptor_->close(ignored);
    });
    for (const auto& loop : core_->loops) {
      loop->post([loop = loop.get()] {
        for (ConnectionBase* each : loop->connections) each->begin_stop();
      });
    }
    {
      std::unique_lock lock(core_->mutex);
      core_->all_closed.wait_for(lock, core_->options.limits.stop_timeout,
                                 [&] { return core_->open == 0; });
    }
    for (const auto& each : core_->loops) each->halt();
    acceptor_.reset();
    for (const auto& each : core_->loops) each->end();
  }

 private:
  Task<void> accept() {
    std::chrono::milliseconds pause{5};
    std::size_t turn = 0;
    while (!core_->stopping) {
      const auto loop = core_->loops[turn++ % core_->loops.size()];
      auto [error, socket] =
          co_await acceptor_->async_accept(loop->context().get_executor(), awaited);
      if (core_->stopping) co_return;
      if (error) {
        // Out of descriptors, most likely: asking again at once would only spin.
        spdlog::warn("http.accept_failed: {}", error.message());
        LoopTimer timer(core_->loops[0]->context().get_executor(), pause);
        co_await timer.async_wait(awaited);
        pause = std::min(2 * pause, std::chrono::milliseconds(1'000));
        continue;
      }
      pause = std::chrono::milliseconds(5);
      core_->options.counters->connections.fetch_add(1, std::memory_order_relaxed);
      welcome(loop, std::move(socket));
    }
  }

  std::string tls_stamp() const {
    return file_stamp(core_->options.tls_certificate) + " " + file_stamp(core_->options.tls_key);
  }

  // On the first loop, as all that follows about certificates: for connections from now on.
  void use(std::shared_ptr<asio::ssl::context> context) {
    tls_ = std::move(context);
    core_->options.counters->certificate_expires = expiry(*tls_);
    ++core_->options.counters->certificates_loaded;
  }

  // Certificate and key are two files: what is new counts once it was the same at two looks.
  Task<void> watch_certificate() {
    LoopTimer timer(core_->loops[0]->context().get_executor());
    std::string before = tls_stamp_;
    while (!core_->stopping) {
      timer.expires_after(kCertificateInterval);
      co_await timer.async_wait(awaited);
      std::string now = tls_stamp();
      if (now == before) renew(now);
      before = std::move(now);
    }
  }

  // One that cannot be used leaves the former one in force.
  void renew(const std::string& stamp) {
    if (stamp == tls_stamp_) return;
    auto context = tls_context(core_->options);
    if (!context) {
      // It is tried again all the same: it may be that it could only not be read.
      if (std::exchange(refused_stamp_, stamp) == stamp) return;
      ++core_->options.counters->certificates_refused;
      spdlog::error("http.certificate_refused: {}; the former one stays in force",
                    describe(context.error()));
      return;
    }
    tls_stamp_ = stamp;
    use(std::move(*context));
    spdlog::info("http.certificate_loaded expires={}",
                 to_rfc3339(wall_from_ms(core_->options.counters->certificate_expires * 1'000)));
  }

  void welcome(const std::shared_ptr<HttpLoop>& loop, Socket socket) {
    boost::system::error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;
    const std::string address = peer.address().to_string();
    const bool loopback = is_loopback(address).value_or(false);
    if (!core_->admit(address)) {
      core_->options.counters->connections_refused.fetch_add(1, std::memory_order_relaxed);
      return;  // closed by the socket's end
    }
    socket.set_option(Tcp::no_delay(true), error);
    // The connection is made on its own loop, where all of its life passes.
    auto handed = std::make_shared<Socket>(std::move(socket));
    loop->post([core = core_, loop, handed, address, loopback, tls = tls_] {
      if (tls != nullptr) {
        serve_tls(core, loop, std::move(*handed), address, loopback, tls);
      } else {
        serve_plain(core, loop, std::move(*handed), address, loopback);
      }
    });
  }

  std::shared_ptr<ServerCore> core_;
  std::shared_ptr<asio::ssl::context> tls_;  // null: plain
  std::string tls_stamp_;                    // of the files that are in force
  std::string refused_stamp_;                // of those that were refused last
  std::optional<Acceptor> acceptor_;
  std::uint16_t port_ = 0;
  std::mutex stop_mutex_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options) {
  auto server = std::make_unique<Server>(std::move(options));
  if (const Status opened = server->open(); !opened) return fail(opened.error());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace tradewind
