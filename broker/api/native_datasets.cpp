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
  const auto after = query_name_cursor(call.request);
  if (!after) return call.reject(after.error());
  api->service.list_datasets(actor_of(call.caller), *after, static_cast<std::size_t>(*limit),
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
  routes.push_back({"GET", "/v1/datasets", Verb::read_dataset, list_datasets});
  routes.push_back({"PUT", "/v1/datasets/{name}", Verb::change_dataset, put_dataset});
  routes.push_back({"GET", "/v1/datasets/{name}", Verb::read_dataset, get_dataset});
  routes.push_back({"DELETE", "/v1/datasets/{name}", Verb::change_dataset, remove_dataset});
}

}  // namespace tradewind
