#include "broker/api/endpoint.h"

#include "broker/api/api.h"

namespace tradewind {
namespace {

class ServingEndpoint : public Endpoint {
 public:
  ServingEndpoint(std::shared_ptr<Api> api, std::unique_ptr<HttpServer> server, std::string url)
      : api_(std::move(api)), server_(std::move(server)), url_(std::move(url)) {}
  ~ServingEndpoint() override { stop(); }

  std::uint16_t port() const override { return server_->port(); }
  std::string url() const override { return url_; }
  void look_at_certificate() override { server_->look_at_certificate(); }
  void stop() override {
    if (api_->draining.exchange(true)) return;
    api_->event_feed.stop(api_->options.events.stop_timeout);
    server_->drain(api_->options.http.drain_timeout);
    server_->stop();
  }

 private:
  const std::shared_ptr<Api> api_;
  const std::unique_ptr<HttpServer> server_;
  const std::string url_;
};

HttpResponse refusal(int status, const std::string& message) {
  const ErrorCode code = status == 413 || status == 431 ? ErrorCode::too_large
                         : status == 503                ? ErrorCode::unavailable
                         : status == 504                ? ErrorCode::maybe_delivered
                         : status >= 500                ? ErrorCode::internal
                                                        : ErrorCode::invalid;
  const char* remedy = code == ErrorCode::too_large ? "send less at once"
                       : code == ErrorCode::invalid ? "send HTTP/1.1 as RFC 9112 has it"
                       : code == ErrorCode::unavailable
                           ? "try again in a few seconds"
                           : "look whether it was done, then try again";
  HttpResponse response = problem(Face::native, status, Error{code, "", message, remedy});
  if (status == 415) response.headers.emplace_back("Accept-Encoding", "gzip, zstd");
  return response;
}

}  // namespace

Result<std::unique_ptr<Endpoint>> start_endpoint(EndpointOptions options, Service& service,
                                                 PublishedLog* log) {
  const auto loopback = is_loopback(options.address);
  if (!loopback) return fail(loopback.error());
  if (options.open && !*loopback) {
    return fail(ErrorCode::invalid, "open",
                "an open endpoint on " + options.address + " would let anybody run jobs",
                "serve it on 127.0.0.1, or give tokens");
  }
  Authenticator::Options proofs{options.tokens_file, options.open};
  if (!options.oidc_file.empty()) {
    auto settings = read_oidc_settings(options.oidc_file);
    if (!settings) return fail(settings.error());
    proofs.oidc = std::move(*settings);
  }
  auto authenticator = Authenticator::open(std::move(proofs));
  if (!authenticator) return fail(authenticator.error());

  const auto counters = std::make_shared<HttpCounters>();
  HttpServerOptions http;
  http.address = options.address;
  http.port = options.port;
  http.tls_certificate = options.tls_certificate;
  http.tls_key = options.tls_key;
  http.threads = options.threads;
  http.limits = options.http;
  http.counters = counters;
  http.refusal = refusal;
  const bool tls = !options.tls_certificate.empty();
  const std::string host = options.address.find(':') == std::string::npos
                               ? options.address
                               : "[" + options.address + "]";
  const auto api =
      std::make_shared<Api>(std::move(options), service, log, std::move(*authenticator), counters);
  http.body_rule = [api](std::string_view method, std::string_view path,
                         std::string_view content_type) {
    return api->body_rule(method, path, content_type);
  };
  http.handle = [api](HttpRequest request, Responder responder) {
    api->handle(std::move(request), std::move(responder));
  };
  auto server = HttpServer::start(std::move(http));
  if (!server) return fail(server.error());
  std::string url =
      std::string(tls ? "https://" : "http://") + host + ":" + std::to_string((*server)->port());
  return std::unique_ptr<Endpoint>(
      std::make_unique<ServingEndpoint>(api, std::move(*server), std::move(url)));
}

}  // namespace tradewind
