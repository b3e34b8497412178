// Built-in tokens: who has one, making one, and revoking it.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/api/json_reader.h"

namespace tradewind {
namespace {

json::array scopes_to_json(Scopes scopes) {
  json::array list;
  for (const Scope each : scopes.listed()) list.push_back(json::string(to_string(each)));
  return list;
}

json::object token_to_json(const Token& token) {
  json::object out{{"name", token.name}, {"role", json::string(to_string(token.role))}};
  if (!token.tenant.value.empty()) out["tenant"] = token.tenant.value;
  if (!token.site.value.empty()) out["site"] = token.site.value;
  if (token.scopes.narrowed()) out["scopes"] = scopes_to_json(token.scopes);
  if (token.expires) out["expires"] = to_rfc3339(*token.expires);
  return out;
}

void list_tokens(const std::shared_ptr<Api>& api, Call call) {
  const auto limit = query_number(call.request, "limit", kPageDefault, 1, kPageMax);
  if (!limit) return call.reject(limit.error());
  const std::string after = call.request.parameter("cursor").value_or("");
  json::array page;
  std::string last;
  bool more = false;
  for (const Token& each : api->authenticator->tokens(system_now())) {
    const TenantId& owner = owner_of(each);
    if (each.name <= after || may(call.caller, Verb::read_token, &owner) != Access::allowed) {
      continue;
    }
    more = page.size() == static_cast<std::size_t>(*limit);
    if (more) break;
    page.push_back(token_to_json(each));
    last = each.name;
  }
  json::object body{{"tokens", std::move(page)}};
  if (more) body["next_cursor"] = last;
  call.answer(200, body);
}

struct TokenRequest {
  Token draft;
  std::optional<std::chrono::seconds> ttl;
};

Result<TokenRequest> read_request(const Call& call) {
  const auto document = parse_json("body", call.request.body);
  if (!document) return fail(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  TokenRequest request;
  Token& draft = request.draft;
  if (!in.text("name", draft.name)) in.refuse("name", "it is missing", "say who will use it");
  std::string role = "user";
  in.text("role", role);
  draft.tenant = call.caller.tenant;
  in.text("tenant", draft.tenant.value);
  in.text("site", draft.site.value);
  std::int64_t ttl = 0;
  if (in.number("ttl_seconds", ttl, 1, token_seconds_max)) request.ttl = std::chrono::seconds(ttl);
  draft.scopes = call.caller.scopes;
  std::vector<std::string> names;
  const bool narrowed = in.texts("scopes", names, scopes_count);
  in.finish();
  if (reading.error) return fail(*reading.error);
  const auto known = parse_role("role", role);
  if (!known) return fail(known.error());
  draft.role = *known;
  if (draft.role != Role::user && !document->as_object().contains("tenant")) draft.tenant = {};
  std::vector<Scope> scopes;
  for (const std::string& each : names) {
    const auto scope = parse_scope("scopes", each);
    if (!scope) return fail(scope.error());
    scopes.push_back(*scope);
  }
  if (narrowed && scopes.empty()) {
    return fail(ErrorCode::invalid, "scopes", "the list is empty",
                "name one or more, or leave it out for all of the role");
  }
  if (narrowed) draft.scopes = Scopes::only(scopes);
  return request;
}

// Nobody makes a token that can do more than its own; a user's does not outlive it either.
Status check_within(TokenRequest& request, const Caller& caller, Wall::time_point now) {
  if (!request.draft.scopes.within(caller.scopes)) {
    return fail(ErrorCode::forbidden, "scopes", "they go beyond those of your own token",
                "leave out what you may not do yourself");
  }
  if (caller.role == Role::operator_ || !caller.expires) return ok();
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(*caller.expires - now);
  if (request.ttl.value_or(left) <= left) {
    request.ttl = request.ttl.value_or(left);
    return ok();
  }
  return fail(ErrorCode::forbidden, "ttl_seconds", "it goes beyond the end of your own token",
              fmt::format("give at most {}, or leave it out", left.count()));
}

// Both write a file and wait for the disk.
bool too_many_changes(Api& api, const Call& call) {
  const std::string key = std::string(to_string(call.caller.role)) + "/" + call.caller.tenant.value;
  if (!api.token_change_limits.take(key, 1, system_now().mono).wait) return false;
  call.reject(Error{ErrorCode::exhausted, "", "you change too many tokens at once",
                    "try again in a second"});
  return true;
}

void issue(const std::shared_ptr<Api>& api, Call call) {
  auto request = read_request(call);
  if (!request) return call.reject(request.error());
  const TenantId& owner = owner_of(request->draft);
  if (!api->permits(call, Verb::issue_token, &owner)) return;
  const Now now = system_now();
  if (const auto good = check_within(*request, call.caller, now.wall); !good) {
    return call.reject(good.error());
  }
  if (too_many_changes(*api, call)) return;
  const auto secret = api->authenticator->issue(request->draft, request->ttl);
  if (!secret) return call.reject(secret.error());
  if (request->ttl) request->draft.expires = now.wall + *request->ttl;
  json::object body = token_to_json(request->draft);
  body["token"] = *secret;
  HttpResponse response = json_response(201, body);
  response.headers.emplace_back("Cache-Control", "no-store");
  call.responder.send(std::move(response));
}

void revoke(const std::shared_ptr<Api>& api, Call call) {
  const std::string& name = call.captures[0];
  const auto token = api->authenticator->token(name, system_now());
  const TenantId owner = token ? owner_of(*token) : TenantId{};
  if (!token || may(call.caller, Verb::revoke_token, &owner) != Access::allowed) {
    return call.reject(Error{ErrorCode::not_found, "name",
                             "there is no token \"" + name.substr(0, 80) + "\"",
                             "list the tokens to see their names"});
  }
  if (too_many_changes(*api, call)) return;
  if (const auto done = api->authenticator->revoke(name); !done) return call.reject(done.error());
  call.answer(200, json::object{{"name", name}});
}

}  // namespace

void add_token_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/tokens", Verb::read_token, list_tokens});
  routes.push_back({"POST", "/v1/tokens", Verb::issue_token, issue});
  routes.push_back({"DELETE", "/v1/tokens/{name...}", Verb::revoke_token, revoke});
}

}  // namespace tradewind
