// Data sets of the native API.
#include "broker/api/api.h"
#include "broker/api/dataset_json.h"

namespace tradewind {
namespace {

DatasetActor actor_of(const Caller& caller) {
  return DatasetActor{caller.tenant, caller.principal, sees_all_tenants(caller)};
}

// Whom a data set is shared with is its owner's business.
json::object shown_dataset(const Dataset& dataset, const Caller& caller) {
  json::object out = dataset_to_json(dataset);
  if (dataset.owner != caller.tenant && !sees_all_tenants(caller)) {
    out.erase("shared_with");
    out.erase("shared_with_all");
  }
  return out;
}

void put_dataset(const std::shared_ptr<Api>& api, Call call) {
  auto dataset = parse_dataset(call.captures[0], call.request.body);
  if (!dataset) return call.reject(dataset.error());
  api->service.put_dataset(
      std::move(*dataset), actor_of(call.caller), [call](Result<DatasetReceipt> receipt) {
        if (!receipt) return call.reject(receipt.error());
        call.answer(receipt->made ? 201 : 200, shown_dataset(receipt->dataset, call.caller));
      });
}

void get_dataset(const std::shared_ptr<Api>& api, Call call) {
  api->service.find_dataset(call.captures[0], actor_of(call.caller),
                            [call](Result<Dataset> dataset) {
                              if (!dataset) return call.reject(dataset.error());
                              call.answer(200, shown_dataset(*dataset, call.caller));
                            });
}

void remove_dataset(const std::shared_ptr<Api>& api, Call call) {
  api->service.remove_dataset(call.captures[0], actor_of(call.caller),
                              [call](Result<Dataset> removed) {
                                if (!removed) return call.reject(removed.error());
                                call.answer(200, json::object{{"name", removed->name}});
                              });
}

void list_datasets(const std::shared_ptr<Api>& api, Call call) {
  const auto limit = query_number(call.request, "limit", kPageDefault, 1, kPageMax);
  if (!limit) return call.reject(limit.error());
  const std::string after = call.request.parameter("cursor").value_or("");
  if (!after.empty() && !check_name("cursor", after)) {
    return call.reject(Error{ErrorCode::invalid, "cursor",
                             "\"" + after.substr(0, 64) + "\" is no cursor",
                             "give next_cursor of the page before, or leave it out"});
  }
  api->service.list_datasets(actor_of(call.caller), after, static_cast<std::size_t>(*limit),
                             [call](Result<DatasetPage> page) {
                               if (!page) return call.reject(page.error());
                               call.responder.soon([call, page = std::move(*page)] {
                                 json::array datasets;
                                 for (const Dataset& each : page.datasets)
                                   datasets.push_back(shown_dataset(each, call.caller));
                                 json::object body{{"datasets", std::move(datasets)}};
                                 if (page.more) body["next_cursor"] = page.datasets.back().name;
                                 call.answer(200, body);
                               });
                             });
}

}  // namespace

void add_dataset_routes(std::vector<Route>& routes) {
  const auto add = [&](const char* method, const char* pattern, Verb verb, auto handle) {
    routes.push_back({method, pattern, Face::native, verb, 0, handle});
  };
  add("GET", "/v1/datasets", Verb::read_dataset, list_datasets);
  add("PUT", "/v1/datasets/{name}", Verb::change_dataset, put_dataset);
  add("GET", "/v1/datasets/{name}", Verb::read_dataset, get_dataset);
  add("DELETE", "/v1/datasets/{name}", Verb::change_dataset, remove_dataset);
}

}  // namespace tradewind
