// Budgets of the native API: operators set them, tenants see their own.
#include "broker/api/api.h"
#include "broker/api/budget_json.h"
#include "broker/api/json_reader.h"
#include "schemas/budget.h"

namespace tradewind {
namespace {

// The tenant that the path names, when the caller may do that to its budget; else it is answered.
std::optional<TenantId> tenant_of(const Call& call, Verb verb) {
  TenantId tenant{call.captures[0]};
  if (const Status good = check_name("tenant", tenant.value); !good) {
    call.reject(good.error());
    return std::nullopt;
  }
  if (may(call.caller, verb, &tenant) == Access::allowed) return tenant;
  call.reject(Error{ErrorCode::not_found, "tenant",
                    "there is no budget of that tenant that you may see",
                    "ask for that of your own tenant"});
  return std::nullopt;
}

void put_budget(const std::shared_ptr<Api>& api, Call call) {
  const auto tenant = tenant_of(call, Verb::set_budget);
  if (!tenant) return;
  const auto document = parse_json("body", call.request.body);
  if (!document) return call.reject(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  Budget budget;
  std::optional<std::uint64_t> replaces;
  if (in.has("replaces")) in.whole("replaces", replaces.emplace(), 0, INT64_MAX);
  if (!in.micros("limit", budget.limit.micros)) {
    in.refuse("limit", "it is missing", R"(give what the tenant may spend, such as "500")");
  }
  if (std::string period; in.text("period", period)) {
    const auto known = parse_budget_period("period", period);
    in.keep(known ? ok() : Status(fail(known.error())));
    if (known) budget.period = *known;
  }
  in.finish();
  if (reading.error) return call.reject(*reading.error);
  api->service.set_budget(*tenant, budget, replaces, call.caller.principal,
                          [call](Result<BudgetReceipt> receipt) {
                            if (!receipt) return call.reject(receipt.error());
                            call.answer(receipt->made ? 201 : 200, budget_to_json(receipt->budget));
                          });
}

void get_budget(const std::shared_ptr<Api>& api, Call call) {
  const auto tenant = tenant_of(call, Verb::read_budget);
  if (!tenant) return;
  api->service.find_budget(*tenant, [call](Result<BudgetReport> budget) {
    if (!budget) return call.reject(budget.error());
    call.answer(200, budget_to_json(*budget));
  });
}

void remove_budget(const std::shared_ptr<Api>& api, Call call) {
  const auto tenant = tenant_of(call, Verb::set_budget);
  if (!tenant) return;
  api->service.remove_budget(*tenant, call.caller.principal,
                             [call, tenant = *tenant](Result<std::monostate> removed) {
                               if (!removed) return call.reject(removed.error());
                               call.answer(200, json::object{{"tenant", tenant.value}});
                             });
}

void answer_page(const Call& call, const BudgetPage& page) {
  json::array budgets;
  for (const BudgetReport& each : page.budgets) budgets.push_back(budget_to_json(each));
  json::object body{{"budgets", std::move(budgets)}};
  if (page.more) body["next_cursor"] = page.budgets.back().tenant.value;
  call.answer(200, body);
}

void list_budgets(const std::shared_ptr<Api>& api, Call call) {
  const auto limit = query_number(call.request, "limit", kPageDefault, 1, kPageMax);
  if (!limit) return call.reject(limit.error());
  const auto after = query_name_cursor(call.request);
  if (!after) return call.reject(after.error());
  if (!sees_all_tenants(call.caller)) {
    if (call.caller.tenant.value <= *after) return answer_page(call, {});
    return api->service.find_budget(call.caller.tenant, [call](Result<BudgetReport> own) {
      BudgetPage page;
      if (own) page.budgets.push_back(std::move(*own));
      answer_page(call, page);
    });
  }
  api->service.list_budgets(
      TenantId{*after}, static_cast<std::size_t>(*limit), [call](Result<BudgetPage> page) {
        if (!page) return call.reject(page.error());
        call.responder.soon([call, page = std::move(*page)] { answer_page(call, page); });
      });
}

}  // namespace

void add_budget_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/budgets", Verb::read_budget, list_budgets});
  routes.push_back({"PUT", "/v1/budgets/{tenant}", Verb::set_budget, put_budget});
  routes.push_back({"GET", "/v1/budgets/{tenant}", Verb::read_budget, get_budget});
  routes.push_back({"DELETE", "/v1/budgets/{tenant}", Verb::set_budget, remove_budget});
}

}  // namespace tradewind
