#include "broker/api/api.h"

#include <fmt/format.h>

#include <charconv>

#include "broker/api/entity_tag.h"
#include "broker/api/ndjson.h"
#include "schemas/limits.h"

namespace tradewind {
namespace {

bool is_tes_path(std::string_view path) {
  for (const std::string_view each :
       {"/ga4gh", "/v1/tasks", "/v1/service-info", "/tasks", "/service-info"}) {
    if (path.starts_with(each)) return true;
  }
  return false;
}

// "localhost:8080" -> "localhost", "[::1]:8080" -> "::1".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

Result<std::int64_t> query_number(const HttpRequest& request, std::string_view name,
                                  std::int64_t fallback, std::int64_t min, std::int64_t max) {
  const auto text = request.parameter(name);
  if (!text || text->empty()) return fallback;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < min || value > max) {
    return fail(ErrorCode::invalid, std::string(name),
                "\"" + text->substr(0, 40) + "\" is no whole number in range",
                fmt::format("give {} to {}, or leave it out", min, max));
  }
  return value;
}

Api::Api(EndpointOptions endpoint_options, Service& broker, PublishedLog* published,
         std::unique_ptr<Authenticator> authenticator, std::shared_ptr<const HttpCounters> counters)
    : options(std::move(endpoint_options)),
      service(broker),
      log(published),
      http_counters(std::move(counters)),
      places(std::make_shared<PlaceDirectory>(broker)),
      join_limit(50, 10),
      renewal_limit(200, 100),
      submit_slots(16'384, 4'096),
      batch_slots(32, 8),
      event_feed(published, options.events),
      authenticator_(std::move(authenticator)) {
  add_health_routes(routes_);
  add_job_routes(routes_);
  add_quote_routes(routes_);
  add_log_routes(routes_);
  add_array_routes(routes_);
  add_dataset_routes(routes_);
  add_market_routes(routes_);
  add_member_routes(routes_);
  add_rate_routes(routes_);
  add_log_file_routes(routes_);
  add_audit_routes(routes_);
  add_event_routes(routes_);
  add_tes_routes(routes_);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    router_.add(routes_[i].method, routes_[i].pattern, i);
  }
}

// A web page of another origin must not act with what the browser holds: in open mode that would be
// everybody's right to run commands. Browsers name the page's origin; and a name that somebody has
// pointed at this machine is no loopback name.
Status Api::check_origin(const HttpRequest& request) const {
  const std::string_view host = request.header("host");
  const std::string_view name = host_of(host);
  if (options.open && name != "localhost" && !is_loopback(name).value_or(false)) {
    return fail(ErrorCode::forbidden, "Host",
                "\"" + std::string(host.substr(0, 80)) + "\" is not a loopback name",
                "an open endpoint answers to localhost, 127.0.0.1 and [::1] only");
  }
  const std::string_view origin = request.header("origin");
  // These change nothing.
  for (const std::string_view each : {"GET", "HEAD", "OPTIONS"}) {
    if (origin.empty() || request.method == each) return ok();
  }
  const auto scheme = origin.find("://");
  if (scheme != std::string_view::npos && origin.substr(scheme + 3) == host) return ok();
  return fail(ErrorCode::forbidden, "Origin",
              "pages of \"" + std::string(origin.substr(0, 80)) + "\" may not change things here",
              "call the API from a program, or from a page of this endpoint");
}

// Of job batches, which are as large as a hundred thousand jobs; all else is one document.
BodyRule Api::body_rule(std::string_view method, std::string_view path,
                        std::string_view content_type) const {
  const BodyRule document{limits::job_document_bytes_max, false};
  if (!is_ndjson(content_type)) return document;
  const RouteTable::Match match = router_.match(method, path);
  if (match.kind != RouteTable::Match::Kind::found) return document;
  const Route& route = routes_[match.route];
  const bool jobs = route.method == "POST" && route.pattern == "/v1/jobs";
  return jobs ? BodyRule{job_batch_bytes_max, true} : document;
}

void Api::handle(HttpRequest request, Responder responder) {
  RouteTable::Match match = router_.match(request.method, request.path);
  const Face face = match.kind == RouteTable::Match::Kind::found ? routes_[match.route].face
                    : is_tes_path(request.path)                  ? Face::tes
                                                                 : Face::native;
  if (match.kind == RouteTable::Match::Kind::no_path) {
    responder.send(problem(face, Error{ErrorCode::not_found, "path",
                                       "\"" + request.path.substr(0, 200) + "\" is not served here",
                                       "docs/api.md and docs/tes.md list the paths"}));
    return;
  }
  if (match.kind == RouteTable::Match::Kind::no_method) {
    const std::string allowed = fmt::format("{}", fmt::join(match.methods, ", "));
    HttpResponse response = problem(
        face, 405,
        Error{ErrorCode::invalid, "method",
              request.method.substr(0, 20) + " is not served at this path", "use " + allowed});
    response.headers.emplace_back("Allow", allowed);
    responder.send(std::move(response));
    return;
  }
  const Route& route = routes_[match.route];
  if (const Status good = check_origin(request); !good) {
    responder.send(problem(face, good.error()));
    return;
  }
  Caller caller;
  if (route.needs == Needs::caller) {
    auto known = authenticator_->authenticate(request.header("authorization"), system_now());
    if (!known) {
      responder.send(problem(face, known.error()));
      return;
    }
    caller = std::move(*known);
  }
  route.handle(shared_from_this(), Call{std::move(request), std::move(responder), std::move(caller),
                                        std::move(match.captures), face, route.prefix});
}

bool Api::answer_again(const Call& call, JobAnswers::Kind kind, std::string_view id) {
  const JobId job{std::string(id)};
  const auto known = job_answers.find(kind, job, service.changes(job), JobAnswers::Clock::now());
  if (known == nullptr) return false;
  if (may(call.caller, Verb::read_job, &known->tenant) != Access::allowed) return false;
  call.responder.send(tagged_response(call.request, known->body, known->tag));
  return true;
}

void Api::answer_and_keep(const Call& call, JobAnswers::Kind kind, const JobRecord& job,
                          std::uint32_t changes, JobAnswers::Clock::time_point good_until,
                          const json::value& body) {
  auto answer = std::make_shared<JobAnswers::Answer>();
  answer->tenant = job.tenant;
  answer->changes = changes;
  answer->good_until = good_until;
  answer->body = to_text(body) + "\n";
  answer->tag = entity_tag(answer->body);
  call.responder.send(tagged_response(call.request, answer->body, answer->tag));
  job_answers.keep(kind, job.job, std::move(answer));
}

bool Api::permits(const Call& call, Verb verb, const TenantId* owner) const {
  if (may(call.caller, verb, owner) == Access::allowed) return true;
  call.reject(Error{ErrorCode::forbidden, "",
                    fmt::format("\"{}\" has the role {}, which may not do this",
                                call.caller.principal, to_string(call.caller.role)),
                    "ask with a token of another role"});
  return false;
}

std::shared_ptr<const JobRecord> Api::job(const Call& call, std::string_view id, Verb verb) const {
  const auto missing = [&] {
    call.reject(Error{ErrorCode::not_found, "id",
                      "there is no job \"" + std::string(id.substr(0, 64)) + "\"",
                      "list the jobs to see their ids"});
    return nullptr;
  };
  // Whoever may see no job at all learns nothing by asking for one.
  if (may(call.caller, Verb::list_jobs) != Access::allowed) {
    permits(call, Verb::list_jobs);
    return nullptr;
  }
  if (!is_job_id(id)) return missing();
  auto found = service.find(JobId{std::string(id)});
  if (found == nullptr) return missing();
  switch (may(call.caller, verb, &found->tenant)) {
    case Access::allowed: return found;
    case Access::hidden: return missing();
    case Access::forbidden: permits(call, verb, &found->tenant); return nullptr;
  }
  return nullptr;
}

}  // namespace tradewind
