// Plain HTTP to a service that a site runs: one call at a time on each of a few kept connections.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

struct HttpClientOptions {
  std::size_t answer_bytes_max = 64UL << 20;
  std::chrono::seconds answer_time_max{45};  // of a whole call
  std::chrono::seconds connect_time_max{5};
  std::string ca_file{};  // whom https is believed by; empty: the system's
  std::string ca_pem{};   // instead of a file
  // Who asks, where that is shown by a certificate: PEM; both or none.
  std::string certificate_pem{};
  std::string key_pem{};
};

struct HttpAnswer {
  long status = 0;
  std::string body;
};

// Any thread; calls block. Follows no redirects, uses no proxy, and sends a POST once at most.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Calls on their way end soon, streams at once, and those that come fail: all as maybe_delivered.
  void stop();

  // Any status is an answer. `headers` are whole lines; a body is JSON unless they say something
  // else. Otherwise fails, without a
  // field, with
  // - unavailable: it never left here
  // - maybe_delivered: it may have been heard
  Result<HttpAnswer> call(const char* method, const std::string& url,
                          const std::vector<std::string>& headers, const std::string& body = {});
  // A GET whose answer comes bit by bit, for at most `time_max`; `on_bytes` is called on this
  // thread and ends it by false. The answer of another status than 200 is in the body instead.
  Result<HttpAnswer> stream(const std::string& url, const std::vector<std::string>& headers,
                            std::chrono::seconds time_max,
                            const std::function<bool(std::string_view)>& on_bytes);

 private:
  struct Handle;
  std::unique_ptr<Handle> take();
  // What is the same for every call; the list of headers is the caller's to free.
  void* prepare(Handle& handle, const std::string& url, const std::vector<std::string>& headers);

  const HttpClientOptions options_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
  std::set<int> streaming_;  // sockets
};

}  // namespace tradewind
