// The transparency log by question: entries by filter and period, receipts, openings.
#include <fmt/format.h>

#include "broker/api/api.h"
#include "broker/audit/leaf_csv.h"
#include "broker/audit/published_log.h"
#include "state/transparency/line.h"

namespace tradewind {
namespace {

// Null when nothing is shown; then the call is answered.
std::shared_ptr<const ShownCheckpoint> newest_shown(const Api& api, const Call& call) {
  auto at = api.log != nullptr ? api.log->shown() : nullptr;
  if (at == nullptr) {
    call.reject(Error{ErrorCode::unavailable, "log", "no checkpoint is published yet",
                      "ask again in a moment; /v1/audit/status tells why when it stays so"});
  }
  return at;
}

json::object checkpoint_to_json(const ShownCheckpoint& at) {
  return {{"origin", at.checkpoint.origin},
          {"size", at.checkpoint.head.size},
          {"root", hash_line(at.checkpoint.head.root)}};
}

Result<std::optional<Wall::time_point>> query_time(const HttpRequest& request,
                                                   std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || text->empty()) return std::optional<Wall::time_point>();
  const auto at = parse_rfc3339(name, *text);
  if (!at) return fail(at.error());
  return std::optional(*at);
}

// The period that the query asks for, as a range of entries.
Result<LogRange> query_range(const Api& api, const ShownCheckpoint& at,
                             const HttpRequest& request) {
  const auto after = query_time(request, "after");
  if (!after) return fail(after.error());
  const auto before = query_time(request, "before");
  if (!before) return fail(before.error());
  return api.log->range(at, *after, *before);
}

Result<std::uint64_t> path_index(const Call& call) {
  const std::string& text = call.captures[0];
  const auto index = parse_decimal(text, INT64_MAX);
  if (index) return *index;
  return fail(ErrorCode::invalid, "index", "\"" + text.substr(0, 40) + "\" is no index",
              "give the entry's number in the log, counted from 0");
}

void status(const std::shared_ptr<Api>& api, Call call) {
  if (api->log == nullptr) return static_cast<void>(newest_shown(*api, call));
  const PublisherState state = api->log->state();
  json::object body{{"key", format_verifier_key(api->log->key())},
                    {"written", state.written},
                    {"publications", state.publications},
                    {"quorum", state.quorum}};
  if (const auto at = api->log->shown()) {
    body["checkpoint"] = checkpoint_to_json(*at);
    body["shown_at"] = to_rfc3339(at->shown);
    body["cosignatures"] = at->cosignatures;
  }
  json::array missing;
  for (const std::string& each : state.missing) missing.emplace_back(each);
  body["missing"] = std::move(missing);
  if (state.error) body["error"] = describe(*state.error);
  call.answer(200, body);
}

void range(const std::shared_ptr<Api>& api, Call call) {
  const auto at = newest_shown(*api, call);
  if (at == nullptr) return;
  const auto found = query_range(*api, *at, call.request);
  if (!found) return call.reject(found.error());
  call.answer(200, json::object{{"checkpoint", checkpoint_to_json(*at)},
                                {"first", found->first},
                                {"end", found->end}});
}

json::object row_to_json(const LogRow& row) {
  return {{"index", row.index}, {"event", row.event}};
}

// In the form that the client takes; all three name the checkpoint that they are complete up to.
void answer_page(const Call& call, const ShownCheckpoint& at, const LogPage& page) {
  const std::string_view accept = call.request.header("accept");
  HttpResponse response;
  if (accept.find("application/x-ndjson") != std::string_view::npos) {
    response.content_type = "application/x-ndjson";
    for (const LogRow& each : page.rows) response.body += to_text(row_to_json(each)) + "\n";
  } else if (accept.find("text/csv") != std::string_view::npos) {
    response.content_type = "text/csv; charset=utf-8; header=present";
    response.body = leaf_csv_head;
    for (const LogRow& each : page.rows) {
      response.body += leaf_csv_row(each.index, each.keys, each.event);
    }
  } else {
    json::array entries;
    for (const LogRow& each : page.rows) entries.push_back(row_to_json(each));
    json::object body{{"checkpoint", checkpoint_to_json(at)}, {"entries", std::move(entries)}};
    if (page.next) body["next_cursor"] = std::to_string(*page.next);
    response = json_response(200, body);
  }
  response.headers.emplace_back("Tradewind-Log-Size", std::to_string(at.checkpoint.head.size));
  if (page.next) {
    response.headers.emplace_back("Tradewind-Next-Cursor", std::to_string(*page.next));
  }
  call.responder.send(std::move(response));
}

Result<LogFilter> query_filter(const HttpRequest& request) {
  LogFilter filter;
  for (const auto& [name, value] : request.query) {
    if (name == "job") {
      filter.job = value;
    } else if (name == "tenant") {
      filter.tenant = value;
    } else if (name == "site") {
      filter.site = value;
    } else if (name == "type") {
      filter.type = value;
    } else if (name == "reason") {
      filter.reason = value;
    } else if (name != "after" && name != "before" && name != "limit" && name != "cursor") {
      return fail(ErrorCode::invalid, name.substr(0, 64), "there is no such filter",
                  "use job, tenant, site, type, reason, after, before, limit and cursor");
    }
  }
  return filter;
}

void entries(const std::shared_ptr<Api>& api, Call call) {
  auto filter = query_filter(call.request);
  if (!filter) return call.reject(filter.error());
  const auto limit = query_number(call.request, "limit", kPageDefault, 1, kPageMax);
  if (!limit) return call.reject(limit.error());
  const auto cursor = query_number(call.request, "cursor", 0, 0, INT64_MAX);
  if (!cursor) return call.reject(cursor.error());
  const auto at = newest_shown(*api, call);
  if (at == nullptr) return;
  if (may(call.caller, Verb::read_log) != Access::allowed) {
    const std::string own = api->log->pseudonym(call.caller.tenant);
    if (!filter->tenant.empty() && filter->tenant != own) {
      return call.reject(Error{ErrorCode::forbidden, "tenant",
                               "that is not your tenant's name here",
                               "leave it out: you get your own tenant's entries"});
    }
    filter->tenant = own;
  }
  auto wanted = query_range(*api, *at, call.request);
  if (!wanted) return call.reject(wanted.error());
  wanted->first = std::max<std::uint64_t>(wanted->first, static_cast<std::uint64_t>(*cursor));
  const auto page = api->log->query(*filter, *wanted, static_cast<std::size_t>(*limit));
  if (!page) return call.reject(page.error());
  answer_page(call, *at, *page);
}

// What a handler of one entry needs; nothing when the caller may not have it or it is not there,
// and then the call is answered.
struct OneEntry {
  std::shared_ptr<const ShownCheckpoint> at;
  std::uint64_t index = 0;
  Bytes event;
};
std::optional<OneEntry> one_entry(const Api& api, const Call& call) {
  const auto index = path_index(call);
  if (!index) return call.reject(index.error()), std::nullopt;
  OneEntry one{newest_shown(api, call), *index, {}};
  if (one.at == nullptr) return std::nullopt;
  auto event = api.log->entry(*one.at, *index);
  if (!event) return call.reject(event.error()), std::nullopt;
  one.event = std::move(*event);
  if (may(call.caller, Verb::read_log) == Access::allowed) return one;
  const auto keys = leaf_keys(one.event);
  const auto tenant = keys ? api.log->tenant_of(*keys) : Result<std::string>("");
  if (!tenant) return call.reject(tenant.error()), std::nullopt;
  const bool own = !tenant->empty() && *tenant == api.log->pseudonym(call.caller.tenant);
  const TenantId owner = own ? call.caller.tenant : TenantId{};
  if (may(call.caller, Verb::query_log, &owner) == Access::allowed) return one;
  call.reject(Error{ErrorCode::not_found, "index",
                    fmt::format("entry {} is not about a job of your tenant", *index),
                    "list the entries to see yours"});
  return std::nullopt;
}

void answer_bytes(const Call& call, const char* type, Bytes bytes) {
  HttpResponse response;
  response.content_type = type;
  response.body = std::move(bytes);
  call.responder.send(std::move(response));
}

void entry(const std::shared_ptr<Api>& api, Call call) {
  auto one = one_entry(*api, call);
  if (one) answer_bytes(call, "application/cloudevents+json", std::move(one->event));
}

void receipt(const std::shared_ptr<Api>& api, Call call) {
  const auto one = one_entry(*api, call);
  if (!one) return;
  auto bytes = api->log->receipt(*one->at, one->index);
  if (!bytes) return call.reject(bytes.error());
  answer_bytes(call, "text/plain; charset=utf-8", std::move(*bytes));
}

void opening(const std::shared_ptr<Api>& api, Call call) {
  const auto one = one_entry(*api, call);
  if (!one) return;
  auto bytes = api->log->opening(*one->at, one->index);
  if (!bytes) return call.reject(bytes.error());
  answer_bytes(call, "application/json", std::move(*bytes));
}

void data(const std::shared_ptr<Api>& api, Call call) {
  if (newest_shown(*api, call) == nullptr) return;
  auto bytes = api->log->data(call.captures[0]);
  if (!bytes) return call.reject(bytes.error());
  answer_bytes(call, "application/json", std::move(*bytes));
}

}  // namespace

void add_audit_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/audit/status", Verb::query_log, status});
  routes.push_back({"GET", "/v1/audit/range", Verb::query_log, range});
  routes.push_back({"GET", "/v1/audit/entries", Verb::query_log, entries});
  routes.push_back({"GET", "/v1/audit/entries/{index}", Verb::query_log, entry});
  routes.push_back({"GET", "/v1/audit/proofs/{index}", Verb::query_log, receipt});
  routes.push_back({"GET", "/v1/audit/openings/{index}", Verb::query_log, opening});
  routes.push_back({"GET", "/v1/audit/data/{sha256}", Verb::read_log, data});
}

}  // namespace tradewind
