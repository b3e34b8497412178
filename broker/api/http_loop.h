// Inside of the HTTP server, included by its own sources only: the event loops, the exchange
// between a connection and the handler of its request, and what all connections share.
#pragma once

#include <pthread.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/api/http_coding.h"
#include "broker/api/http_server.h"

namespace tradewind {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using LoopExecutor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<Tcp, LoopExecutor>;
using TlsStream = asio::ssl::stream<Socket>;
using LoopTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;
template <class T>
using Task = asio::awaitable<T, LoopExecutor>;
// Errors come back as values: auto [error, n] = co_await operation(awaited).
inline constexpr auto awaited = asio::as_tuple(asio::use_awaitable_t<LoopExecutor>{});
using RequestParser = beast::http::request_parser<beast::http::string_body>;

inline constexpr std::size_t request_body_bytes_max = 256 * 1024 * 1024;  // of any route

class ConnectionBase;

// One thread and its event loop; every connection lives on one of them, so that nothing in a
// connection needs a lock. What others want done goes through post, also after the loop has ended,
// when it is dropped.
class HttpLoop {
 public:
  HttpLoop() : context_(std::make_unique<asio::io_context>(1)) {}

  // Any thread. In order; the loop is woken once for all that comes before it has begun on it.
  void post(std::function<void()> what) {
    const std::lock_guard lock(mutex_);
    if (context_ == nullptr) return;
    posted_.push_back(std::move(what));
    if (posted_.size() == 1) asio::post(*context_, [this] { run_posted(); });
  }
  // While the server runs.
  asio::io_context& context() { return *context_; }
  void start() {
    watch_clock();
    thread_ = std::thread([this] {
      const auto keep_running = asio::make_work_guard(*context_);
      context_->run();
    });
    ::pthread_setname_np(thread_.native_handle(), "http");
    // What arrives for one client does not push the core aside, which works for all of them: such a
    // thread takes no other's turn when it wakes (sched(7)). Where that is refused it works too.
    const sched_param none{};
    static_cast<void>(::pthread_setschedparam(thread_.native_handle(), SCHED_BATCH, &none));
  }
  // Any thread: `what` runs on the loop after `delay`, or never.
  void after(std::chrono::milliseconds delay, std::function<void()> what) {
    post([this, delay, what = std::move(what)]() mutable {
      const auto timer = std::make_shared<LoopTimer>(context_->get_executor(), delay);
      timer->async_wait([timer, what = std::move(what)](boost::system::error_code error) {
        if (!error) what();
      });
    });
  }
  void halt() {
    context_->stop();
    if (thread_.joinable()) thread_.join();
  }
  // After halt: drops everything that still waits on the loop.
  void end() {
    abandon_waits();
    std::unique_ptr<asio::io_context> context;
    std::vector<std::function<void()>> posted;
    {
      const std::lock_guard lock(mutex_);
      context = std::move(context_);
      posted = std::move(posted_);
    }
    // Destroyed outside of the lock: what waits may post once more when it is dropped.
  }

  std::set<ConnectionBase*> connections;  // on the loop's thread only

 private:
  // One timer for all connections, whose times are of seconds: timers of their own would be set and
  // canceled for each read and each answer.
  static constexpr std::chrono::milliseconds kClockInterval{100};

  void watch_clock();    // from now on
  void abandon_waits();  // of all connections; they end with the loop
  void run_posted() {
    std::vector<std::function<void()>> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(posted_);
    }
    for (std::function<void()>& each : all) std::exchange(each, nullptr)();
  }

  std::mutex mutex_;
  std::unique_ptr<asio::io_context> context_;
  std::vector<std::function<void()>> posted_;
  std::thread thread_;
};

// What a connection waits on that others end. On the loop's thread.
class HttpWait {
 public:
  // Until notify. One at a time.
  Task<void> wait() {
    return asio::async_initiate<const Token, void()>(
        [this](Handler handler) { waiting_.emplace(std::move(handler)); }, token);
  }
  bool is_waited_on() const { return waiting_.has_value(); }
  // Goes on in there with who waits, if anybody does.
  void notify() {
    if (!waiting_) return;
    Handler handler = std::move(*waiting_);
    waiting_.reset();
    std::move(handler)();
  }
  // Who waits ends with the loop: the wait would hold its connection, and that the wait.
  void abandon() { const auto ended = std::exchange(waiting_, std::nullopt); }

 private:
  using Token = asio::use_awaitable_t<LoopExecutor>;
  using Handler = asio::async_result<Token, void()>::handler_type;
  static constexpr Token token{};
  std::optional<Handler> waiting_;
};

// What the handler of one request says to its connection, in order. The order is that of the calls
// to deliver, whichever threads they come from: an event loop alone would not keep it, since what
// is posted on its own thread may be overtaken by what others post.
class HttpExchange : public std::enable_shared_from_this<HttpExchange> {
 public:
  enum class Kind { read, response, head, piece, end, abandoned };
  struct Event {
    Kind kind = Kind::response;
    HttpResponse response;
    HttpStream::Piece piece;
    HttpStream::Written written;
    std::function<void(BodyPiece)> read;
  };

  HttpExchange(std::shared_ptr<HttpLoop> loop, HttpWait& wake)
      : loop_(std::move(loop)), wake_(&wake) {}

  // Any thread.
  void deliver(Event event) {
    HttpStream::Written refused;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) {
        refused = std::move(event.written);
      } else {
        events_.push_back(std::move(event));
      }
      if (!refused && !std::exchange(waited_for_, false)) return;
    }
    loop_->post([self = shared_from_this(), refused = std::move(refused)] {
      if (refused) refused(false);
      if (self->wake_ != nullptr) self->wake_->notify();
    });
  }
  HttpLoop& loop() { return *loop_; }

  // On the loop's thread, as all that follows. The next event, if there is one.
  std::optional<Event> take() {
    const std::lock_guard lock(mutex_);
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.erase(events_.begin());
    return event;
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return events_.empty();
  }
  // Whether there is none yet; then `wake` is notified when one comes.
  bool must_wait() {
    const std::lock_guard lock(mutex_);
    waited_for_ = events_.empty();
    return waited_for_;
  }
  // The connection has done with it: what comes from now on is dropped.
  void close() {
    for (const Event& each : drop()) {
      if (each.written) each.written(false);
    }
  }
  // The same without a word to anybody, when the server ends.
  std::vector<Event> drop() {
    wake_ = nullptr;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    return std::exchange(events_, {});
  }

 private:
  const std::shared_ptr<HttpLoop> loop_;
  HttpWait* wake_;    // on the loop's thread only; null once closed
  std::mutex mutex_;  // guards what follows
  std::vector<Event> events_;
  bool waited_for_ = false;
  bool closed_ = false;
};

struct ServerCore {
  HttpServerOptions options;
  std::vector<std::shared_ptr<HttpLoop>> loops;
  std::atomic<bool> draining{false};  // no connection goes on after its answer
  std::atomic<bool> stopping{false};

  // Whether bytes of another body may come.
  bool has_room() const {
    return options.counters->bytes_under_way < options.limits.bytes_under_way_max;
  }

  std::mutex mutex;  // guards what follows
  std::condition_variable all_closed;
  std::size_t open = 0;
  std::map<std::string, std::size_t> open_by_address;

  // Whether one more connection from there fits; counts it when it does.
  bool admit(const std::string& peer);
  void release(const std::string& peer);
};

// Bytes that count as under way for as long as this lives.
class BytesUnderWay {
 public:
  explicit BytesUnderWay(HttpCounters& counters) : counters_(counters) {}
  ~BytesUnderWay() { add_up_to(0); }
  BytesUnderWay(const BytesUnderWay&) = delete;
  BytesUnderWay& operator=(const BytesUnderWay&) = delete;
  void add_up_to(std::size_t bytes) {
    counters_.bytes_under_way += bytes - bytes_;
    bytes_ = bytes;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  HttpCounters& counters_;
  std::size_t bytes_ = 0;
};

// One connection, on its loop's thread.
class ConnectionBase {
 public:
  ConnectionBase(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, std::string peer,
                 bool peer_is_loopback);
  virtual ~ConnectionBase();
  ConnectionBase(const ConnectionBase&) = delete;
  ConnectionBase& operator=(const ConnectionBase&) = delete;
  // The server stops: at once when no request is under way, else after it; streams are cut.
  virtual void begin_stop() = 0;
  // Ends what has taken too long: what is read or written with the connection, a wait by itself.
  virtual void look_at_clock(std::chrono::steady_clock::time_point now) = 0;
  virtual void abandon_wait() = 0;

 protected:
  std::shared_ptr<ServerCore> core_;
  std::shared_ptr<HttpLoop> loop_;
  std::string peer_;
  bool peer_is_loopback_;
};

// What is wrong with a request, as the server's own answer; status 0 only closes the connection.
struct Refusal {
  int status = 0;
  std::string message;
};
// Parses the header that `bytes` holds, its empty line included, and checks what the parser leaves
// to us: Host, folded lines, transfer codings, expectations, the body's size. Tells how the body is
// to be taken.
std::optional<Refusal> parse_head(RequestParser& parser, std::string_view bytes,
                                  const HttpServerOptions& options, BodyRule& rule);
Result<HttpRequest> to_request(RequestParser& parser);
// Puts the body in the best coding that the client takes, where that is worth it or the client
// takes nothing else.
void encode_response(HttpResponse& response, const CodingChoice& choice);

// Serves one connection until it ends.
void serve_plain(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, Socket socket,
                 std::string peer, bool peer_is_loopback);
void serve_tls(std::shared_ptr<ServerCore> core, std::shared_ptr<HttpLoop> loop, Socket socket,
               std::string peer, bool peer_is_loopback,
               std::shared_ptr<asio::ssl::context> context);

}  // namespace tradewind
