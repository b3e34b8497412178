// Whose jobs there are.
#include "broker/api/api.h"

namespace tradewind {
namespace {

void list_tenants(const std::shared_ptr<Api>& api, Call call) {
  api->service.tenants([call](Result<std::vector<TenantStanding>> standings) {
    if (!standings) return call.reject(standings.error());
    call.responder.soon([call, standings = std::move(*standings)] {
      json::array tenants;
      for (const TenantStanding& each : standings) {
        tenants.push_back({{"tenant", each.tenant.value}, {"jobs_live", each.jobs_live}});
      }
      call.answer(200, json::object{{"tenants", std::move(tenants)}});
    });
  });
}

}  // namespace

void add_tenant_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/v1/tenants", Verb::list_tenants, list_tenants});
}

}  // namespace tradewind
