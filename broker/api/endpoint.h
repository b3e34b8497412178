// The broker's one endpoint: GA4GH TES 1.1 and the native API over HTTP/1.1, in front of a Service.
// docs/api.md and docs/tes.md have the routes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/service.h"
#include "schemas/result.h"

namespace tradewind {

class PublishedLog;

// Bounds of the HTTP face. Each has an answer: 413, 431, 503, 504, or the connection is closed.
struct HttpLimits {
  std::size_t connections_max = 32'768;
  std::size_t connections_per_address_max = 4'096;
  // Of bodies, of requests and of answers; while there are more, requests are answered 503.
  std::size_t bytes_under_way_max = 256 * 1024 * 1024;
  std::size_t header_bytes_max = 16 * 1024;
  std::chrono::milliseconds header_timeout{15'000};  // from the first byte to the empty line
  std::chrono::milliseconds body_timeout{60'000};    // the whole body
  std::chrono::milliseconds idle_timeout{75'000};    // between two requests of a connection
  std::chrono::milliseconds write_timeout{30'000};   // of one response, or one piece of a stream
  std::chrono::milliseconds answer_timeout{60'000};  // for the broker to answer one request
  // How long clients that hold connections open may take, when it stops, to send a last request on
  // them, which is answered with "Connection: close".
  std::chrono::milliseconds drain_timeout{0};
  std::chrono::milliseconds stop_timeout{3'000};  // for requests under way after that
};

// Bounds of those who follow events.
struct EventLimits {
  std::size_t followers_max = 16'384;
  // Of the newest events; whoever falls behind them is cut, and goes on by the id of its last.
  std::size_t kept_bytes_max = 8 * 1024 * 1024;
  std::chrono::milliseconds heartbeat{15'000};    // without an event a comment comes so often
  std::chrono::milliseconds stop_timeout{1'000};  // for a last word to followers when it stops
};

struct EndpointOptions {
  std::string address = "127.0.0.1";      // an IPv4 or IPv6 address, not a name
  std::uint16_t port = 0;                 // 0: any free one, see Endpoint::port
  std::filesystem::path tls_certificate;  // PEM chain; with tls_key it serves HTTPS (TLS 1.3) only
  std::filesystem::path tls_key;          // PEM
  bool open = false;                      // no credentials: user of tenant "default"; loopback only
  std::filesystem::path tokens_file;      // see auth.h; empty: no token is valid
  std::filesystem::path oidc_file;        // see oidc_settings.h; empty: no issuer's token is
  // Units a second for each tenant, twice as many at once; a unit is a request or a job, and one
  // that looks at many things costs more. 0: no limit.
  std::uint32_t tenant_rate = 500'000;
  // From one address (IPv6: 64 bits), a quarter of them at once; whoever sends more is not listened
  // to. 0: no limit.
  std::uint32_t wrong_credentials_per_minute = 600;
  unsigned threads = 2;  // HTTP threads, 1 to 64
  HttpLimits http;
  EventLimits events;

  // What GET /service-info says.
  std::string service_id = "org.tradewind.broker";  // reverse domain name
  std::string service_name = "Tradewind";
  std::string organization_name = "Tradewind";
  std::string organization_url = "https://tradewind.example";
  std::string contact_url;                                                 // https; empty: left out
  std::string documentation_url;                                           // https; empty: left out
  std::vector<std::string> storage = {"file:///", "http://", "https://"};  // URL prefixes
  std::string version = "0.1.0";
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;  // stops
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  virtual std::uint16_t port() const = 0;
  // "http://127.0.0.1:8080" or "https://…".
  virtual std::string url() const = 0;
  // Looks now whether the TLS certificate is another one, as it does every second.
  virtual void look_at_certificate() = 0;
  // From now on /readyz answers 503 and every answer ends its connection. Ends streams of events
  // with a word, waits for HttpLimits::drain_timeout, or until nobody is connected, takes no new
  // connection, lets requests under way finish within HttpLimits::stop_timeout, joins its threads.
  // Answers of the service that come later are dropped. Idempotent; not from an HTTP thread.
  virtual void stop() = 0;
};

// Binds and serves from then on. `service` and `log`, the transparency log if one is published,
// must outlive the endpoint. Refuses an address that is not loopback without TLS, and `open` on
// such an address. A certificate that changes on disk is used for connections from then on; one
// that cannot be used leaves the former one in force.
Result<std::unique_ptr<Endpoint>> start_endpoint(EndpointOptions options, Service& service,
                                                 PublishedLog* log = nullptr);

}  // namespace tradewind
