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

constexpr std::size_t kTenantsMax = 10'000;
constexpr std::size_t kAddressesMax = 10'000;

// Whoever has no tenant counts for itself.
std::string tenant_key(const Caller& caller) {
  return caller.tenant.value.empty() ? "/" + caller.principal : caller.tenant.value;
}

// In units: a request for one thing, or a job. Those that look at many things are dearer.
double cost_of(Verb verb) {
  switch (verb) {
    case Verb::list_jobs:
    case Verb::query_log:
    case Verb::read_log:
    case Verb::read_market: return 10;
    default: return 1;
  }
}

// Of IPv6 the first 64 bits: whoever has one address there has all of them.
std::string address_key(const std::string& peer) {
  if (peer.find(':') == std::string::npos || peer.find('.') != std::string::npos) return peer;
  std::size_t end = 0;
  for (int groups = 0; end < peer.size(); ++end) {
    if (peer[end] == ':' && (++groups == 4 || peer.substr(end, 2) == "::")) break;
  }
  return peer.substr(0, end);
}

void reject_until(const Call& call, std::string message, std::chrono::seconds wait) {
  HttpResponse response = problem(call.face, Error{ErrorCode::exhausted, "", std::move(message),
                                                   fmt::format("try again in {} s", wait.count())});
  for (auto& [name, value] : response.headers) {
    if (name == "Retry-After") value = std::to_string(wait.count());
  }
  call.responder.send(std::move(response));
}

// As draft-ietf-httpapi-ratelimit-headers-03 has it.
void tell_quota(const Call& call, const Quota& quota) {
  if (quota.limit == 0) return;
  HttpHeaders headers;
  headers.reserve(3);
  headers.emplace_back("RateLimit-Limit", std::to_string(quota.limit));
  headers.emplace_back("RateLimit-Remaining", std::to_string(quota.left));
  headers.emplace_back("RateLimit-Reset", std::to_string(quota.reset.count()));
  call.responder.put_headers(std::move(headers));
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

Result<std::string> query_cursor(const HttpRequest& request, bool (*is_cursor)(std::string_view)) {
  std::string cursor = request.parameter("cursor").value_or("");
  if (!cursor.empty() && !is_cursor(cursor)) {
    return fail(ErrorCode::invalid, "cursor", "\"" + cursor.substr(0, 64) + "\" is no cursor",
                "give next_cursor of the page before, or leave it out");
  }
  return cursor;
}

Result<std::string> query_name_cursor(const HttpRequest& request) {
  return query_cursor(request,
                      [](std::string_view name) { return check_name("cursor", name).has_value(); });
}

Api::Api(EndpointOptions endpoint_options, Service& broker, PublishedLog* published,
         std::unique_ptr<Authenticator> known, std::shared_ptr<const HttpCounters> counters)
    : options(std::move(endpoint_options)),
      authenticator(std::move(known)),
      service(broker),
      log(published),
      http_counters(std::move(counters)),
      places(std::make_shared<PlaceDirectory>(broker)),
      join_limit(50, 10),
      renewal_limit(200, 100),
      token_change_limits(20, 5, kTenantsMax),
      submit_queue(SubmitQueue::Limits{}),
      event_feed(published, options.events),
      tenant_limits_(2.0 * options.tenant_rate, options.tenant_rate, kTenantsMax),
      wrong_credentials_(options.wrong_credentials_per_minute / 4.0,
                         options.wrong_credentials_per_minute / 60.0, kAddressesMax) {
  add_health_routes(routes_);
  add_job_routes(routes_);
  add_quote_routes(routes_);
  add_log_routes(routes_);
  add_array_routes(routes_);
  add_dataset_routes(routes_);
  add_market_routes(routes_);
  add_member_routes(routes_);
  add_tenant_routes(routes_);
  add_token_routes(routes_);
  add_budget_routes(routes_);
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
  Call call{std::move(request), std::move(responder), {}, std::move(match.captures), face,
            route.prefix};
  if (route.verb == Verb::open) return route.handle(shared_from_this(), std::move(call));
  admit(route, std::move(call), true);
}

void Api::admit(const Route& route, Call call, bool may_wait) {
  const Now now = system_now();
  const std::string_view authorization = call.request.header("authorization");
  const std::string address = address_key(call.request.peer);
  // Before anything is checked: who guesses learns no more from here on.
  if (const auto wait = wrong_credentials_.take(address, 0, now.mono).wait;
      wait && !authorization.empty()) {
    return reject_until(call, "too many wrong credentials came from your address", *wait);
  }
  auto known = authenticator->authenticate(authorization, now);
  if (!known) {
    if (may_wait && authenticator->lacks_key_of(authorization)) {
      const auto waiting = std::make_shared<const Call>(call);
      const bool waits = authenticator->fetch_keys([weak = weak_from_this(), &route, waiting] {
        waiting->responder.soon([weak, &route, waiting] {
          if (const auto self = weak.lock()) self->admit(route, *waiting, false);
        });
      });
      if (waits) return;
    } else if (may_wait && known.error().code == ErrorCode::unavailable) {
      return admit(route, std::move(call), false);  // the keys have come since it was looked at
    }
    const bool wrong = known.error().code == ErrorCode::unauthenticated && !authorization.empty();
    if (wrong) wrong_credentials_.charge(address, 1, now.mono);
    return call.reject(known.error());
  }
  call.caller = std::move(*known);
  const Quota quota = tenant_limits_.take(tenant_key(call.caller), cost_of(route.verb), now.mono);
  tell_quota(call, quota);
  if (quota.wait) return reject_until(call, "your tenant asks for more than it may", *quota.wait);
  if (!permits(call, route.verb)) return;
  route.handle(shared_from_this(), std::move(call));
}

void Api::charge_jobs(const Call& call, std::uint64_t jobs) {
  if (jobs <= 1) return;
  tell_quota(call, tenant_limits_.charge(tenant_key(call.caller), static_cast<double>(jobs - 1),
                                         system_now().mono));
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
  const Caller& caller = call.caller;
  const auto scope = scope_of(verb);
  if (scope && !caller.scopes.has(*scope)) {
    call.reject(Error{
        ErrorCode::forbidden, "",
        fmt::format("\"{}\" is narrowed to scopes without {}", caller.principal, to_string(*scope)),
        fmt::format("ask with a token that has the scope {}", to_string(*scope))});
    return false;
  }
  call.reject(Error{ErrorCode::forbidden, "",
                    fmt::format("\"{}\" has the role {}, which may not do this", caller.principal,
                                to_string(caller.role)),
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
  if (!permits(call, verb)) return nullptr;
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
