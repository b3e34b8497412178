// Sites, offers and the market of the native API.
#include "broker/api/api.h"
#include "broker/api/market_json.h"

namespace tradewind {
namespace {

constexpr std::int64_t kSeriesMax = 100;

// Asks for the market and builds the answer on an HTTP thread: it may be large.
void with_market(const std::shared_ptr<Api>& api, const Call& call,
                 std::function<void(const MarketSnapshot&)> use) {
  api->service.market([call, use = std::move(use)](Result<MarketSnapshot> market) {
    if (!market) return call.reject(market.error());
    auto shared = std::make_shared<const MarketSnapshot>(std::move(*market));
    call.responder.soon([use, shared] { use(*shared); });
  });
}

bool sees_policy(const Caller& caller) {
  return may(caller, Verb::read_policy) == Access::allowed;
}

json::array members_to_json(const std::vector<MemberStanding>& members) {
  json::array list;
  for (const MemberStanding& each : members) {
    list.push_back(json::object{{"node", each.node.value},
                                {"state", json::string(to_string(each.state))},
                                {"locked", each.locked},
                                {"valid_until", to_rfc3339(each.valid_until)},
                                {"renewals", each.renewals}});
  }
  return list;
}

void sites(const std::shared_ptr<Api>& api, Call call) {
  with_market(api, call, [api, call](const MarketSnapshot& market) {
    json::array list;
    for (const SiteView& each : market.sites) {
      list.push_back(
          site_to_json(each, market.at, api->accounting_currency(), sees_policy(call.caller)));
    }
    call.answer(200, json::object{{"at", to_rfc3339(market.at)},
                                  {"sites", std::move(list)},
                                  {"members", members_to_json(market.members)}});
  });
}

void site(const std::shared_ptr<Api>& api, Call call) {
  with_market(api, call, [api, call](const MarketSnapshot& market) {
    for (const SiteView& each : market.sites) {
      if (each.record.site.value != call.captures[0]) continue;
      return call.answer(
          200, site_to_json(each, market.at, api->accounting_currency(), sees_policy(call.caller)));
    }
    call.reject(Error{ErrorCode::not_found, "id",
                      "there is no site \"" + call.captures[0].substr(0, 64) + "\"",
                      "list the sites to see their ids"});
  });
}

OfferFilter filter_of(const HttpRequest& request) {
  return OfferFilter{
      request.parameter("architecture").value_or(""), request.parameter("region").value_or(""),
      request.parameter("accelerator").value_or(""), request.parameter("site").value_or("")};
}

Status check_filter(const HttpRequest& request) {
  const std::string architecture = request.parameter("architecture").value_or("");
  if (architecture.empty()) return ok();
  const auto parsed = parse_architecture("architecture", architecture);
  return parsed ? ok() : Status(fail(parsed.error()));
}

void offers(const std::shared_ptr<Api>& api, Call call) {
  if (const Status good = check_filter(call.request); !good) return call.reject(good.error());
  with_market(api, call, [call](const MarketSnapshot& market) {
    call.answer(200, json::object{{"at", to_rfc3339(market.at)},
                                  {"offers", offers_to_json(market, filter_of(call.request))}});
  });
}

void whole_market(const std::shared_ptr<Api>& api, Call call) {
  if (const Status good = check_filter(call.request); !good) return call.reject(good.error());
  with_market(api, call, [api, call](const MarketSnapshot& market) {
    json::object drops;
    for (const auto& [reason, count] : market.drops) drops[reason] = count;
    call.answer(200, json::object{{"federation", api->service.federation().value},
                                  {"at", to_rfc3339(market.at)},
                                  {"offers", offers_to_json(market, filter_of(call.request))},
                                  {"members", members_to_json(market.members)},
                                  {"drops", std::move(drops)}});
  });
}

Result<MarketHistoryQuery> history_query(const HttpRequest& request) {
  MarketHistoryQuery query;
  query.site = SiteId{request.parameter("site").value_or("")};
  query.pool = PoolId{request.parameter("pool").value_or("")};
  const auto step = query_number(request, "step_seconds", query.step.count(), 1, INT32_MAX);
  if (!step) return fail(step.error());
  query.step = std::chrono::seconds(*step);
  if (!MarketHistory::has_step(query.step)) {
    return fail(ErrorCode::invalid, "step_seconds",
                "there is no history in steps of " + std::to_string(*step) + " s",
                "use 60 for the last hour or 600 for the last day");
  }
  const auto limit = query_number(request, "limit", kSeriesMax, 1, kSeriesMax);
  if (!limit) return fail(limit.error());
  query.limit = static_cast<std::size_t>(*limit);
  const auto cursor =
      query_cursor(request, [](std::string_view text) { return text.find('/') != text.npos; });
  if (!cursor) return fail(cursor.error());
  if (cursor->empty()) return query;
  const auto slash = cursor->find('/');
  query.after = {SiteId{cursor->substr(0, slash)}, PoolId{cursor->substr(slash + 1)}};
  return query;
}

void history(const std::shared_ptr<Api>& api, Call call) {
  const auto query = history_query(call.request);
  if (!query) return call.reject(query.error());
  api->service.market_history(*query, [call, step = query->step](Result<MarketHistoryPage> page) {
    if (!page) return call.reject(page.error());
    auto shared = std::make_shared<const MarketHistoryPage>(std::move(*page));
    call.responder.soon([call, shared, step] { call.answer(200, history_to_json(*shared, step)); });
  });
}

}  // namespace

void add_market_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/sites", Verb::read_market, sites});
  routes.push_back({"GET", "/v1/sites/{id}", Verb::read_market, site});
  routes.push_back({"GET", "/v1/offers", Verb::read_market, offers});
  routes.push_back({"GET", "/v1/market", Verb::read_market, whole_market});
  routes.push_back({"GET", "/v1/market/history", Verb::read_market, history});
}

}  // namespace tradewind
