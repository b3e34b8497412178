// Plain HTTP to a service that a site runs: one call at a time on each of a few kept connections.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "schemas/result.h"

namespace tradewind {

struct HttpClientOptions {
  std::size_t answer_bytes_max = 64UL << 20;
  std::chrono::seconds answer_time_max{45};  // of a whole call
  std::chrono::seconds connect_time_max{5};
  std::string ca_file;  // whom https is believed by; empty: the system's
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

  // Calls on their way end soon, and those that come fail: all as maybe_delivered.
  void stop() { stopped_ = true; }

  // Any status is an answer. `headers` are whole lines; a body is JSON. Otherwise fails, without a
  // field, with
  // - unavailable: it never left here
  // - maybe_delivered: it may have been heard
  Result<HttpAnswer> call(const char* method, const std::string& url,
                          const std::vector<std::string>& headers, const std::string& body = {});

 private:
  struct Handle;

  const HttpClientOptions options_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace tradewind
