// Answers GET /metrics over plain HTTP, to whoever reaches the address: a text of figures, with no
// secret in it. One request a connection, few connections, each for a short time. Runs on the
// gateway's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "schemas/result.h"

namespace tradewind {

class MetricsServer {
 public:
  static constexpr std::size_t connections_max = 16;  // more are closed at once
  static constexpr std::chrono::seconds patience{5};  // for a request, and for taking the answer

  // Listens on "HOST:PORT", an IP address and a port, 0 for any free one. `text` is called for each
  // request. Fails with ErrorCode::invalid for another address and unavailable when it cannot
  // listen there.
  static Result<std::unique_ptr<MetricsServer>> open(boost::asio::io_context& io,
                                                     const std::string& address,
                                                     std::function<std::string()> text);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // "HOST:PORT", with the real port.
  const std::string& bound() const;

 private:
  class Core;
  explicit MetricsServer(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

// Whether it is "HOST:PORT" as `open` wants it.
Status check_metrics_address(const std::string& address);

}  // namespace tradewind
