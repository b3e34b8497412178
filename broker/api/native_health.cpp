// Whether it lives, whether it can take jobs, what it has counted, and what it serves.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/api/openapi.h"
#include "broker/audit/published_log.h"

namespace tradewind {
namespace {

void health(const std::shared_ptr<Api>& api, Call call) {
  call.answer(200, json::object{{"status", "ok"}, {"version", api->options.version}});
}

void ready(const std::shared_ptr<Api>& api, Call call) {
  if (const Status status = api->draining
                                ? fail(ErrorCode::unavailable, "", "the broker is stopping")
                                : api->service.ready();
      !status) {
    Error error = status.error();
    error.code = ErrorCode::unavailable;
    call.reject(error);
    return;
  }
  call.answer(200,
              json::object{{"status", "ready"}, {"federation", api->service.federation().value}});
}

std::string http_metrics(const HttpCounters& counters) {
  std::string text;
  const auto put = [&](std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t value) {
    text += fmt::format(
        "# HELP tradewind_http_{0} {1}\n# TYPE tradewind_http_{0} {2}\n"
        "tradewind_http_{0} {3}\n",
        name, help, type, value);
  };
  put("connections_total", "counter", "Connections accepted.", counters.connections);
  put("connections_open", "gauge", "Connections open now.", counters.connections_open);
  put("connections_refused_total", "counter", "Connections closed because of a cap.",
      counters.connections_refused);
  put("requests_total", "counter", "Requests read.", counters.requests);
  put("requests_refused_total", "counter", "Requests that the server itself refused.",
      counters.requests_refused);
  put("timeouts_total", "counter", "Connections cut for being slow.", counters.timeouts);
  put("bytes_under_way", "gauge", "Bytes of bodies, of requests and of answers, under way now.",
      counters.bytes_under_way);
  const std::int64_t expires = counters.certificate_expires;
  if (expires == 0) return text;
  put("certificate_expires_seconds", "gauge", "When the TLS certificate expires, as Unix time.",
      static_cast<std::uint64_t>(expires));
  put("certificates_loaded_total", "counter", "TLS certificates taken into use.",
      counters.certificates_loaded);
  put("certificates_refused_total", "counter",
      "TLS certificates that were put there and could not be used.", counters.certificates_refused);
  return text;
}

void metrics(const std::shared_ptr<Api>& api, Call call) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = api->service.metrics() + http_metrics(*api->http_counters) +
                  api->event_feed.metrics() + api->authenticator->metrics();
  if (api->log != nullptr) response.body += api->log->metrics(system_now().wall);
  call.responder.send(std::move(response));
}

void openapi(const std::shared_ptr<Api>&, Call call) {
  HttpResponse response;
  response.body = openapi_document();
  call.responder.send(std::move(response));
}

}  // namespace

void add_health_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/healthz", Verb::open, health});
  routes.push_back({"GET", "/readyz", Verb::open, ready});
  routes.push_back({"GET", "/metrics", Verb::read_metrics, metrics});
  routes.push_back({"GET", "/openapi.json", Verb::open, openapi});
}

}  // namespace tradewind
