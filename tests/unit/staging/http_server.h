// An HTTP server on loopback that answers as a test says, and can break off in the middle.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tradewind::test {

struct HttpRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::optional<std::size_t> cut_after{};  // bytes of the body after which the connection closes
  bool stall = false;                      // keep the connection open instead of closing it then
  std::size_t bytes_per_second = 0;        // 0: as fast as it goes
};

// One request a connection, several connections at a time; the handler is called for one of them
// at a time.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;
  explicit HttpServer(Handler handler, const std::string& address = "127.0.0.1");
  ~HttpServer();

  std::string url(const std::string& path) const;
  std::vector<HttpRequest> requests() const;
  // Connections that are being answered.
  std::size_t at_once() const;
  // The most connections that were being answered at once.
  std::size_t most_at_once() const;

 private:
  void serve();
  void answer(int connection);

  Handler handler_;
  std::string address_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> over_{false};
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::size_t at_once_ = 0;
  std::size_t most_at_once_ = 0;
  std::mutex handling_;
  std::vector<std::thread> answering_;  // of thread_ alone
  std::thread thread_;
};

// Serves `content` under any target with the ETag, honouring Range, and telling so, and If-Range;
// each answer is cut after `cut_after` bytes if that is given.
HttpReply serve_range(const HttpRequest& request, const std::string& content,
                      const std::string& etag, std::optional<std::size_t> cut_after);

}  // namespace tradewind::test
